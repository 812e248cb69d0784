/** Puts recorded values back: newest first, each read back, and its ledger entry ended only then. */
import { asDroverError } from '../../proto/wire/errors.js';
import { domainObstacle, incarnationRuns, knobDomain } from '../tuners/common/domain-knob.js';
import { knobKey, type Knob } from '../tuners/tuner.js';
import { byLane, mapLimited, parallelLanes, type Lanes } from './lanes.js';
import { fileIsGone, type Surroundings } from './look.js';
import type { LedgerEntry } from './ledger-lines.js';
import { planRestore, type PlanEntry } from './plan.js';
import { readKnob, writeAndReadBack } from './write.js';

/**
 * Everything that the ledger holds, put back; one entry for each, newest first. The host and each domain go side by side,
 * each newest first. What fails keeps its ledger entry, so calling again tries it again. A knob that is gone, or whose
 * domain is, is released without a write. Never throws.
 */
export async function revertAll(around: Surroundings, lanes: Lanes): Promise<PlanEntry[]> {
  const entries = around.ledger.entries().toReversed();
  const done = new Map<LedgerEntry, PlanEntry>();
  await mapLimited([...byLane(entries)], parallelLanes, ([lane, own]) =>
    lanes.run(lane, async () => {
      for (const entry of own) done.set(entry, await restoreEntry(around, planRestore(entry, undefined)));
    }),
  );
  return entries.flatMap((entry) => done.get(entry) ?? []);
}

/** What `revertAll` would do, with the values as they are now. */
export async function planRevert(around: Surroundings): Promise<PlanEntry[]> {
  const planned: PlanEntry[] = [];
  for (const entry of around.ledger.entries().toReversed()) planned.push(await planOne(around, entry));
  return planned;
}

async function planOne(around: Surroundings, entry: LedgerEntry): Promise<PlanEntry> {
  const { knob } = entry;
  const planned = planRestore(entry, undefined);
  if (knob.domain && !incarnationRuns(around.ports.kernel, knob.domain)) return ended(planned);
  const reading = await readKnob(around, knob).catch(() => undefined);
  if (reading?.gone || (reading === undefined && isGone(around, knob))) return vanished(planned);
  const now = { ...planned, now: reading?.value ?? '' };
  return reading?.value === entry.original ? { ...now, outcome: 'in-sync', reason: '' } : now;
}

/** Puts one knob back and ends its entry. Never throws. */
export async function restoreEntry(around: Surroundings, entry: PlanEntry): Promise<PlanEntry> {
  try {
    const key = knobKey(entry.knob);
    if (around.ledger.get(key)?.settled !== undefined)
      await around.ledger.settle(new Map([[key, undefined]]));
    around.settled.forget(key);
    const restored = await restore(around, entry);
    if (restored.outcome === 'in-sync' || restored.outcome === 'changed')
      await around.ledger.release(knobKey(entry.knob));
    return restored;
  } catch (thrown) {
    const { message: reason, kind } = asDroverError(thrown);
    return { ...entry, outcome: 'failed', reason, postponed: kind.retryable };
  }
}

async function restore(around: Surroundings, entry: PlanEntry): Promise<PlanEntry> {
  const { knob, wanted } = entry;
  if (!around.ledger.get(knobKey(knob)))
    return { ...entry, outcome: 'in-sync', reason: 'it was put back meanwhile' };
  if (knob.domain && !incarnationRuns(around.ports.kernel, knob.domain)) return ended(entry);
  const reading = await readKnob(around, knob);
  if (reading?.gone || (reading === undefined && isGone(around, knob))) return vanished(entry);
  if (reading?.value === undefined) {
    const hidden = around.host.domainsUnknown ?? 'libvirt does not show the domain';
    const reason = reading?.unsupported ?? (knob.domain ? hidden : 'it is not there any more');
    return { ...entry, now: '', outcome: 'failed', reason: `cannot be put back: ${reason}`, postponed: true };
  }
  if (reading.value === wanted) return { ...entry, now: wanted, outcome: 'in-sync', reason: '' };
  const written = await writeAndReadBack(around, { ...entry, now: reading.value });
  return written.outcome === 'changed' ? { ...written, reason: 'put back as it was' } : written;
}

/** Whether nothing is left to put back: the domain or host that had the knob is looked at, and has it no longer. */
function isGone(around: Surroundings, knob: Knob): boolean {
  return isShown(around, knob) || fileIsGone(around.ports.kernel, knob);
}

/** Whether libvirt shows that very start of the knob's domain, with all that its tuner needs to find the knob. */
function isShown({ host, ports }: Surroundings, { domain }: Knob): boolean {
  const view = host.domains.find(({ uuid }) => uuid === domain?.uuid);
  if (!domain || !view) return false;
  const shown = knobDomain(ports.kernel, view);
  return shown.incarnation === domain.incarnation && domainObstacle(ports, shown, view) === undefined;
}

function ended(entry: PlanEntry): PlanEntry {
  return { ...entry, outcome: 'in-sync', reason: 'the domain has ended: nothing is left to put back' };
}

function vanished(entry: PlanEntry): PlanEntry {
  const owner = entry.knob.domain ? 'the domain' : 'the host';
  return { ...entry, outcome: 'in-sync', reason: `${owner} has it no longer: nothing is left to put back` };
}
