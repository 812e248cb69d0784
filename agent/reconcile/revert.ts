/** Puts recorded values back: newest first, each read back, and its ledger entry ended only then. */
import { asDroverError } from '../../proto/wire/errors.js';
import { incarnationRuns } from '../tuners/common/domain-knob.js';
import { knobKey } from '../tuners/tuner.js';
import type { Surroundings } from './look.js';
import type { LedgerEntry } from './ledger-lines.js';
import { planRestore, type PlanEntry } from './plan.js';
import { readKnob, writeAndReadBack } from './write.js';

/**
 * Everything that the ledger holds, put back; one entry for each, newest first. What fails keeps its ledger entry, so
 * calling again tries it again. A knob whose domain is gone is released without a write. Never throws.
 */
export async function revertAll(around: Surroundings): Promise<PlanEntry[]> {
  const done: PlanEntry[] = [];
  for (const entry of around.ledger.entries().toReversed())
    done.push(await restoreEntry(around, planRestore(entry, undefined)));
  return done;
}

/** What `revertAll` would do, with the values as they are now. */
export async function planRevert(around: Surroundings): Promise<PlanEntry[]> {
  const planned: PlanEntry[] = [];
  for (const entry of around.ledger.entries().toReversed()) planned.push(await planOne(around, entry));
  return planned;
}

async function planOne(around: Surroundings, entry: LedgerEntry): Promise<PlanEntry> {
  const { knob } = entry;
  if (knob.domain && !incarnationRuns(around.ports.kernel, knob.domain))
    return gone(planRestore(entry, undefined));
  const reading = await readKnob(around, knob).catch(() => undefined);
  const planned = planRestore(entry, reading);
  return reading?.value === entry.original ? { ...planned, outcome: 'in-sync', reason: '' } : planned;
}

/** Puts one knob back and ends its entry. Never throws. */
export async function restoreEntry(around: Surroundings, entry: PlanEntry): Promise<PlanEntry> {
  try {
    const restored = await restore(around, entry);
    if (restored.outcome !== 'failed') await around.ledger.release(knobKey(entry.knob));
    return restored;
  } catch (thrown) {
    return { ...entry, outcome: 'failed', reason: asDroverError(thrown).message };
  }
}

async function restore(around: Surroundings, entry: PlanEntry): Promise<PlanEntry> {
  const { knob, wanted } = entry;
  if (knob.domain && !incarnationRuns(around.ports.kernel, knob.domain)) return gone(entry);
  const reading = await readKnob(around, knob);
  if (reading?.value === undefined) {
    const reason =
      reading?.unsupported ?? (knob.domain ? 'libvirt does not show the domain' : 'it is not there any more');
    return { ...entry, now: '', outcome: 'failed', reason: `cannot be put back: ${reason}` };
  }
  if (reading.value === wanted) return { ...entry, now: wanted, outcome: 'in-sync', reason: '' };
  const written = await writeAndReadBack(around, { ...entry, now: reading.value });
  return written.outcome === 'failed' ? written : { ...written, reason: 'put back as it was' };
}

function gone(entry: PlanEntry): PlanEntry {
  return { ...entry, outcome: 'in-sync', reason: 'the domain has ended: nothing is left to put back' };
}
