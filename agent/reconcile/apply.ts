/** Carries a plan out, lane by lane: originals into the ledger, then write by write, each read back. */
import { asDroverError } from '../../proto/wire/errors.js';
import { knobKey } from '../tuners/tuner.js';
import { hostLane, laneOf, mapLimited, parallelLanes, type Lanes } from './lanes.js';
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
  const names = [...new Set([...plan.entries, ...plan.gone].map(laneOf))];
  const parts = new Map(names.map((lane) => [lane, planOfLane(plan, lane)]));
  const done = await mapLimited([...parts], parallelLanes, ([lane, part]) =>
    use.lanes.run(lane, async () => {
      const entries = await applyLane(around, lane, part, use);
      use.done?.(lane);
      return entries;
    }),
  );
  const results = new Map(done.flat().map((entry) => [keyOf(entry), entry]));
  const inOrder = plan.entries.flatMap((entry) => take(results, keyOf(entry)));
  return [...results.values(), ...inOrder];
}

/** The part of a plan that belongs to one lane. */
export function planOfLane(plan: Plan, lane: string): Plan {
  const own = (each: Pick<PlanEntry, 'knob'>): boolean => laneOf(each) === lane;
  return { entries: plan.entries.filter(own), gone: plan.gone.filter(own) };
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
    const reason = asDroverError(thrown).message;
    return part.entries.map((entry) =>
      entry.outcome === 'change' ? { ...entry, outcome: 'failed', reason } : entry,
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
  const refused = await recordOriginals(around, entries);
  const done: PlanEntry[] = [];
  for (const entry of entries) done.push(await applyEntry(around, entry, refused));
  return [...unreleased, ...done];
}

function keyOf({ knob, restore }: PlanEntry): string {
  return `${restore ? 'restore' : 'want'} ${knobKey(knob)}`;
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
    return undefined;
  } catch (thrown) {
    return `not written, because its original is not in the ledger: ${asDroverError(thrown).message}`;
  }
}

async function applyEntry(
  around: Surroundings,
  entry: PlanEntry,
  refused: string | undefined,
): Promise<PlanEntry> {
  if (entry.outcome !== 'change') return entry;
  if (entry.restore) return restoreEntry(around, entry);
  const original = around.ledger.get(knobKey(entry.knob))?.original;
  // Only what the ledger holds may be written: the others' originals would be lost.
  if (refused !== undefined && original === undefined)
    return { ...entry, outcome: 'failed', reason: refused };
  return { ...(await writeAndReadBack(around, entry)), original };
}
