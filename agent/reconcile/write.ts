/** One write of one knob, and one fresh reading of it: what apply and revert are made of. */
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import { incarnationRuns } from '../tuners/common/domain-knob.js';
import { knobKey, type HostView, type Knob, type Reading, type Tuner } from '../tuners/tuner.js';
import { onlyDomain, type Surroundings } from './look.js';
import type { PlanEntry } from './plan.js';

/** The host without its domains: enough to read a knob of the host again. */
const noDomain = '';

/**
 * Writes an entry's wanted value and looks again: `changed`, or `failed` with the reason, or `held` for a domain that does
 * not answer. Hypervisor calls go by UUID, so that the very start of the domain that was planned for still runs is looked
 * at just before. Never throws.
 */
export async function writeAndReadBack(around: Surroundings, entry: PlanEntry): Promise<PlanEntry> {
  const { knob, wanted, now: before } = entry;
  try {
    const { domain } = knob;
    if (domain && !incarnationRuns(around.ports.kernel, domain)) return ended(entry);
    const silent = domain && around.breaker.reason(domain.uuid);
    if (silent !== undefined) return { ...entry, outcome: 'held', reason: silent, postponed: true };
    const tuner = tunerOf(around.tuners, knob);
    const passing = await holdDisturbed(around, tuner, knob);
    const write = (): Promise<void> => tuner.write(around.ports, knob, wanted);
    await (domain ? around.breaker.call(domain.uuid, write) : write());
    const after = await readKnob(around, knob);
    if (after?.value === wanted) {
      await release(around, passing);
      return wrote({ ...entry, before }, after);
    }
    const reason =
      after?.value === undefined
        ? `cannot be read after the write: ${after?.unsupported ?? 'it is gone'}`
        : `reads ${after.value} after ${wanted} was written`;
    // A guest that ended between the write and the look says nothing against the value.
    if (domain && !incarnationRuns(around.ports.kernel, domain)) return ended(entry);
    return { ...entry, before, now: after?.value ?? '', outcome: 'failed', reason };
  } catch (thrown) {
    const { message: reason, code } = asDroverError(thrown);
    const { domain } = knob;
    // libvirt says so while QEMU's process is still going away.
    const isEnding = /domain is not (?:running|active)/i.test(reason);
    if (domain && (isEnding || !incarnationRuns(around.ports.kernel, domain))) return ended(entry);
    return { ...entry, before, outcome: 'failed', reason, ...(passing.has(code) && { postponed: true }) };
  }
}

function ended(entry: PlanEntry): PlanEntry {
  const reason = 'the domain has ended or was started anew: not written';
  return { ...entry, outcome: 'failed', reason, postponed: true };
}

/**
 * What the write is about to reset, into the ledger, unless it holds it already; answers what is new there. Right before the
 * write, because a write of the same pass may have set it or put it back. Errors: those of `Ledger.record`.
 */
async function holdDisturbed({ ports, ledger }: Surroundings, tuner: Tuner, knob: Knob): Promise<string[]> {
  const disturbed = tuner.disturbs?.(ports, knob) ?? [];
  const fresh = disturbed.filter((each) => ledger.get(knobKey(each.knob)) === undefined);
  if (fresh.length > 0) await ledger.record(fresh);
  return fresh.map((each) => knobKey(each.knob));
}

/**
 * What a write that came through had reset is as it was again, or as the kernel will have it. Of a write that failed the
 * ledger keeps it: it is put back like any other.
 */
async function release({ ledger }: Surroundings, keys: readonly string[]): Promise<void> {
  for (const key of keys) await ledger.release(key).catch(() => undefined);
}

/** Errors that say nothing against the value: another pass may get it done. */
const passing: ReadonlySet<string> = new Set([
  ...['unavailable', 'deadline-exceeded', 'not-found', 'failed-precondition'],
]);

/** Read back as wanted: done, unless the reading says that it does not bite. */
function wrote(entry: PlanEntry, { evidence, ineffective }: Reading): PlanEntry {
  const done = { ...entry, now: entry.wanted, ...(evidence !== undefined && { evidence }) };
  // What is put back need not bite: it did not before either.
  return ineffective === undefined || entry.restore
    ? { ...done, outcome: 'changed' }
    : { ...done, outcome: 'failed', reason: `written, but without effect: ${ineffective}`, postponed: true };
}

/** A fresh reading of one knob; undefined: it is not there any more. Errors: those of `observe`. */
export async function readKnob(
  { tuners, ports, host }: Surroundings,
  knob: Knob,
): Promise<Reading | undefined> {
  // Of what the ledger holds only this knob: a look at one need not go by thousands.
  const view: HostView = { ...onlyDomain(host, knob.domain?.uuid ?? noDomain), held: [knob] };
  const readings = await tunerOf(tuners, knob).observe(ports, view);
  return readings.find((reading) => knobKey(reading.knob) === knobKey(knob));
}

function tunerOf(tuners: readonly Tuner[], knob: Knob): Tuner {
  const tuner = tuners.find(({ name }) => name === knob.tuner);
  if (!tuner) throw new DroverError('unsupported', `this agent has no tuner ${knob.tuner}`);
  return tuner;
}
