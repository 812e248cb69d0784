/** Carries a plan out, lane by lane: originals into the ledger, then write by write, each read back. */
import { asDroverError } from '../../proto/wire/errors.js';
import { byLane, hostLane, mapLimited, parallelLanes, type Lanes } from './lanes.js';
import { keyOf } from './knob-keys.js';
import type { Plan, Surroundings } from './look.js';
import type { PlanEntry } from './plan.js';
import { restoreEntry } from './revert.js';
import { writeAndReadBack } from './write.js';

/** How the lanes of a pass are used. */
export interface LaneUse {
  readonly lanes: Lanes;
  /** `lanes.now` before the plan was made. */
  readonly since: number;
  /** The plan of one lane anew, for one that was used since. Its errors fail the lane. */
  again(lane: string): Promise<Plan>;
  /** Hears of a lane's end while nobody else can use it. */
  done?(lane: string): void;
}

/**
 * The plan's entries as they came out, in the same order, behind what could not be released and what only a plan made anew
 * holds. The host and each domain go side by side, a bounded number at a time, each in its own order. Never throws.
 */
export async function applyInLanes(around: Surroundings, plan: Plan, use: LaneUse): Promise<PlanEntry[]> {
  const parts = partsOf(plan);
  // A domain that is being enforced right now has no part in the plan yet, and must not keep the settings from before.
  for (const lane of use.lanes.busySince(use.since))
    if (lane !== hostLane && !parts.has(lane)) parts.set(lane, { entries: [], gone: [] });
  const isIdle = idleLanes(around, use);
  const done = await mapLimited([...parts], parallelLanes, ([lane, part]) =>
    isIdle(lane, part)
      ? Promise.resolve(part.entries)
      : use.lanes.run(lane, async () => {
          const entries = await applyLane(around, lane, part, use);
          for (const entry of entries) if (isInOrder(entry)) around.still?.add(entry);
          use.done?.(lane);
          return entries;
        }),
  );
  const others = new Map<string, PlanEntry>();
  const restored = new Map<string, PlanEntry>();
  const resultsFor = ({ restore }: PlanEntry): Map<string, PlanEntry> => (restore ? restored : others);
  for (const entry of done.flat()) resultsFor(entry).set(keyOf(entry.knob), entry);
  const inOrder = plan.entries.flatMap((entry) => take(resultsFor(entry), keyOf(entry.knob)));
  return [...restored.values(), ...others.values(), ...inOrder];
}

/**
 * Which lanes a pass need not go through: each entry is the very same as in a pass before, when it was in order and noted,
 * and nobody has used the lane since the look.
 */
function idleLanes(
  { still }: Surroundings,
  { lanes, since }: LaneUse,
): (lane: string, part: Plan) => boolean {
  const busy = new Set(lanes.busySince(since));
  const isUsed = (lane: string): boolean => busy.has(lane) || lanes.usedSince(lane, since);
  return (lane, { entries, gone }) =>
    gone.length === 0 && !isUsed(lane) && entries.every((entry) => still?.has(entry) === true);
}

/** What the ledger is to note of it may have failed: such an entry goes through its lane each time. */
function isInOrder({ outcome, restore, drift, adopted }: PlanEntry): boolean {
  if (restore || adopted || drift !== undefined) return false;
  return outcome === 'in-sync' || outcome === 'unsupported';
}

/** A plan by lane, each part in the plan's order. */
function partsOf({ entries, gone }: Plan): Map<string, Plan> {
  const own = byLane(entries);
  const ended = byLane(gone);
  const lanes = new Set([...own.keys(), ...ended.keys()]);
  return new Map(
    [...lanes].map((lane) => [lane, { entries: own.get(lane) ?? [], gone: ended.get(lane) ?? [] }]),
  );
}

async function applyLane(
  around: Surroundings,
  lane: string,
  part: Plan,
  { lanes, since, again }: LaneUse,
): Promise<PlanEntry[]> {
  try {
    // Only passes use the host's lane, and those come one after another.
    const isOld = lane !== hostLane && lanes.usedSince(lane, since);
    return await applyPlan(around, isOld ? await again(lane) : part);
  } catch (thrown) {
    const { message: reason, kind } = asDroverError(thrown);
    return part.entries.map((entry) =>
      entry.outcome === 'change' ? { ...entry, outcome: 'failed', reason, postponed: kind.retryable } : entry,
    );
  }
}

/**
 * The entries of one lane as they came out, in the same order, behind what could not be released. Originals of all changes
 * become durable together before the first write; where that fails (a full disk), nothing is written. An error stays with
 * its knob. Never throws.
 */
export async function applyPlan(around: Surroundings, { entries, gone }: Plan): Promise<PlanEntry[]> {
  const unreleased = await releaseGone(around, gone);
  const noted = entries.map((entry) => withNote(around, entry));
  const refused = await recordOriginals(around, noted);
  const done: PlanEntry[] = [];
  for (const entry of noted) done.push(await applyEntry(around, entry, refused));
  return [...unreleased, ...(await noteSettled(around, done))];
}

/** A change keeps in mind what the ledger noted of its knob, for `putBack`. */
function withNote({ ledger }: Surroundings, entry: PlanEntry): PlanEntry {
  const displaced = entry.outcome === 'change' ? ledger.get(keyOf(entry.knob))?.settled : undefined;
  return displaced === undefined ? entry : { ...entry, displaced };
}

/**
 * Notes which knobs have their wanted values. Where drift is not simply healed, the ledger holds it too, with an entry of
 * its own for a knob that was right from the start. A disk that refuses costs the note only: the next pass tries again.
 */
async function noteSettled(
  { ledger, settled }: Surroundings,
  entries: readonly PlanEntry[],
): Promise<PlanEntry[]> {
  const right = entries.filter((entry) => entry.outcome === 'changed' || entry.outcome === 'in-sync');
  const wanted = right.filter(({ restore, adopted, isItsOwn, outcome }) =>
    outcome === 'changed' ? !restore : !restore && !adopted && !isItsOwn,
  );
  for (const { knob, wanted: value } of wanted) settled.note(keyOf(knob), value);
  for (const { knob } of right.filter(({ restore }) => restore)) settled.forget(keyOf(knob));
  const watched = wanted.filter(({ drift }) => drift !== undefined);
  const adopted = right.filter((entry) => entry.adopted);
  if (watched.length + adopted.length === 0) return [...entries];
  try {
    await ledger.record(watched.map(({ knob, now }) => ({ knob, original: now })));
    await ledger.settle(new Map(watched.map(({ knob, wanted: value }) => [keyOf(knob), value])));
    for (const { knob, now } of adopted) await ledger.adopt(keyOf(knob), now);
    return entries.map((entry) => ({ ...entry, original: ledger.get(keyOf(entry.knob))?.original }));
  } catch {
    return [...entries];
  }
}

function take(results: Map<string, PlanEntry>, key: string): PlanEntry[] {
  const found = results.get(key);
  results.delete(key);
  return found ? [found] : [];
}

async function releaseGone({ ledger }: Surroundings, gone: Plan['gone']): Promise<PlanEntry[]> {
  const failed: PlanEntry[] = [];
  for (const { key, knob, original } of gone) {
    await ledger.release(key).catch((thrown: unknown) => {
      const reason = asDroverError(thrown).message;
      failed.push({
        knob,
        now: '',
        wanted: original,
        outcome: 'failed',
        reason,
        effect: 'now',
        affects: [],
        original,
        restore: true,
      });
    });
  }
  return failed;
}

/** Records what is to be changed; answers why that was not possible. */
async function recordOriginals(
  { ledger }: Surroundings,
  entries: readonly PlanEntry[],
): Promise<string | undefined> {
  const changes = entries.filter(({ outcome, restore }) => outcome === 'change' && !restore);
  try {
    await ledger.record(changes.map(({ knob, now }) => ({ knob, original: now })));
    await unsettle(ledger, changes);
    return undefined;
  } catch (thrown) {
    return `not written, because its original is not in the ledger: ${asDroverError(thrown).message}`;
  }
}

/** A write that a crash cuts off must not look like drift, which might be adopted. */
async function unsettle(ledger: Surroundings['ledger'], changes: readonly PlanEntry[]): Promise<void> {
  const settled = changes
    .map(({ knob }) => keyOf(knob))
    .filter((key) => ledger.get(key)?.settled !== undefined);
  if (settled.length > 0) await ledger.settle(new Map(settled.map((key) => [key, undefined])));
}

async function applyEntry(
  around: Surroundings,
  entry: PlanEntry,
  refused: string | undefined,
): Promise<PlanEntry> {
  if (entry.outcome !== 'change') return entry;
  if (entry.restore) return restoreEntry(around, entry);
  const { original, settled } = around.ledger.get(keyOf(entry.knob)) ?? {};
  // Only what the ledger holds may be written, without a note that would make our own write look like drift.
  if (refused !== undefined && (original === undefined || settled !== undefined))
    return { ...entry, outcome: 'failed', reason: refused, postponed: true };
  return { ...(await writeAndReadBack(around, entry)), original };
}
