/** Undoes one apply that failed half-way: each knob gets the value that it had before that apply, whoever had set it. */
import { asDroverError } from '../../proto/wire/errors.js';
import { knobKey } from '../tuners/tuner.js';
import { byLane, mapLimited, parallelLanes, type Lanes } from './lanes.js';
import type { Surroundings } from './look.js';
import type { PlanEntry } from './plan.js';
import { restoreEntry } from './revert.js';
import { writeAndReadBack } from './write.js';

/**
 * Of what `apply` answered, every knob that a write was tried on; newest first, the host and each domain side by side. A
 * knob that Drover had not set before leaves the ledger again; one that it had set keeps its entry. Never throws.
 */
export async function putBack(
  around: Surroundings,
  applied: readonly PlanEntry[],
  lanes: Lanes,
): Promise<PlanEntry[]> {
  const written = applied.filter(({ before }) => before !== undefined).toReversed();
  const done = new Map<PlanEntry, PlanEntry>();
  await mapLimited([...byLane(written)], parallelLanes, ([lane, own]) =>
    lanes.run(lane, async () => {
      for (const entry of own) done.set(entry, await putOneBack(around, entry));
    }),
  );
  return written.flatMap((entry) => done.get(entry) ?? []);
}

async function putOneBack(around: Surroundings, entry: PlanEntry): Promise<PlanEntry> {
  const wanted = entry.before as string;
  const back = { ...entry, wanted, reason: '' };
  const key = knobKey(entry.knob);
  try {
    // Undoing is no drift: the note goes before the write and comes back, as it was before that apply, after it.
    await forget(around, key);
    // What had been put back by that apply is Drover's again: first its original into the ledger.
    if (entry.restore) await around.ledger.record([{ knob: entry.knob, original: entry.now }]);
    else if (around.ledger.get(key)?.original === wanted && entry.displaced === undefined)
      return await restoreEntry(around, back);
    const { before: _, ...rest } = back;
    const written = await writeAndReadBack(around, rest);
    if (written.outcome !== 'changed') return written;
    if (entry.displaced !== undefined) await around.ledger.settle(new Map([[key, entry.displaced]]));
    return { ...written, reason: 'as before the apply' };
  } catch (thrown) {
    return { ...back, outcome: 'failed', reason: asDroverError(thrown).message };
  }
}

async function forget({ ledger, settled }: Surroundings, key: string): Promise<void> {
  settled.forget(key);
  if (ledger.get(key)?.settled !== undefined) await ledger.settle(new Map([[key, undefined]]));
}
