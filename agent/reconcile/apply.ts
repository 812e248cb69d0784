/** Carries a plan out: originals into the ledger, then write by write, each read back. */
import { asDroverError } from '../../proto/wire/errors.js';
import { knobKey } from '../tuners/tuner.js';
import type { Plan, Surroundings } from './look.js';
import type { PlanEntry } from './plan.js';
import { restoreEntry } from './revert.js';
import { writeAndReadBack } from './write.js';

/**
 * The plan's entries as they came out, in the same order. Originals of all changes become durable together before the
 * first write; where that fails (a full disk), nothing is written. An error stays with its knob. Never throws.
 */
export async function applyPlan(around: Surroundings, { entries, gone }: Plan): Promise<PlanEntry[]> {
  const unreleased = await releaseGone(around, gone);
  const refused = await recordOriginals(around, entries);
  const done: PlanEntry[] = [];
  for (const entry of entries) done.push(await applyEntry(around, entry, refused));
  return [...unreleased, ...done];
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
