/** One fresh look at the host through every tuner that is concerned, and the whole plan that follows. Writes nothing. */
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import { recalled } from '../kernel/derived.js';
import type { SettingsOf, TunerName, TunerSettings } from '../../proto/wire/tuner-settings.js';
import type { Recall } from '../kernel/recall.js';
import type { KernelRoot } from '../kernel/root.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { domainObstacle, incarnationRuns, knobDomain } from '../tuners/common/domain-knob.js';
import { readingOnce } from '../tuners/common/read-once.js';
import type { HostView, Knob, Reading, Tuner, TunerPorts, Want } from '../tuners/tuner.js';
import type { Breaker } from './breaker.js';
import type { Ledger } from './ledger.js';
import type { LedgerEntry } from './ledger-lines.js';
import { driftPolicy, type Settled } from './drift.js';
import { keyOf } from './knob-keys.js';
import { ownerOf, type Owners } from './ownership.js';
import { failedTuner, planRestore, planWants, type PlanEntry } from './plan.js';

export interface Surroundings {
  readonly tuners: readonly Tuner[];
  readonly ports: TunerPorts;
  readonly ledger: Ledger;
  readonly host: HostView;
  readonly owners: Owners;
  readonly breaker: Breaker;
  readonly settled: Settled;
  /** Entries that went through their lane before, in order then as now; see `applyInLanes`. */
  readonly still?: WeakSet<PlanEntry>;
  /** What looks before worked out; absent: nothing. */
  readonly recall?: Recall;
}

/** What one tuner saw and wants; `failure`: it could not, and nothing of it is touched. */
interface Look {
  readonly tuner: Tuner;
  readonly readings: readonly Reading[];
  readonly wants: readonly Want[];
  /** The settings name it. */
  readonly isWanted: boolean;
  readonly failure?: DroverError;
}

export interface Plan {
  readonly entries: readonly PlanEntry[];
  /** Ledger entries of domains that ended, and of knobs that a domain has no longer: nothing is left to put back. */
  readonly gone: readonly LedgerEntry[];
}

/**
 * The plan for settings: changes in the order of the tuners, after what is to be put back, newest first. Every want is
 * computed before any is judged. `only`: the domain that the plan is about alone; what the ledger holds of others does not
 * count. Errors: `invalid-argument` with the messages of all tuners that refuse a value.
 */
export async function makePlan(
  surroundings: Surroundings,
  settings: TunerSettings,
  only?: string,
): Promise<Plan> {
  const ports = {
    ...surroundings.ports,
    kernel: readingOnce(surroundings.ports.kernel, surroundings.recall),
  };
  // What the ledger holds now: a plan is made anew while others write, and must not take theirs for gone.
  const held = heldOf(surroundings.ledger, only);
  const around = { ...surroundings, ports, host: { ...surroundings.host, held } };
  // Tuners of the host have nothing to say of one domain.
  const asked = only === undefined ? around.tuners : around.tuners.filter(({ ofDomains }) => ofDomains);
  const looks = await Promise.all(asked.map((tuner) => look(around, tuner, settings)));
  refuseInvalid(looks.flatMap(({ failure }) => (failure?.code === 'invalid-argument' ? [failure] : [])));
  const wanted = looks.flatMap((each) => planLook(around, each));
  const { restores, gone } = planLeft(around, looks, only);
  if (only === undefined) ports.kernel.forgetOthers?.();
  return { entries: [...restores, ...wanted], gone };
}

function heldOf(ledger: Ledger, only: string | undefined): readonly Knob[] {
  const knobs = ledger.knobs();
  return only === undefined
    ? knobs
    : knobs.filter(({ domain }) => domain === undefined || domain.uuid === only);
}

/** The part of the plan that belongs to one domain, after a look at it alone. Errors as `makePlan`. */
export async function planDomain(around: Surroundings, settings: TunerSettings, uuid: string): Promise<Plan> {
  const own = ({ knob }: Pick<PlanEntry, 'knob'>): boolean => knob.domain?.uuid === uuid;
  const others = around.host.domains.filter((domain) => domain.uuid !== uuid);
  const host = { ...onlyDomain(around.host, uuid), others };
  const plan = await makePlan({ ...around, host }, settings, uuid);
  return { entries: plan.entries.filter(own), gone: plan.gone.filter(own) };
}

async function look({ ports, host }: Surroundings, tuner: Tuner, settings: TunerSettings): Promise<Look> {
  const own = settings[tuner.name];
  const concerned = own !== undefined || host.held?.some((knob) => knob.tuner === tuner.name) === true;
  const isWanted = own !== undefined;
  if (!concerned) return { tuner, readings: [], wants: [], isWanted };
  try {
    const readings = await tuner.observe(ports, host);
    const wants = own === undefined ? [] : wantsOf(ports, tuner, own, { readings, host });
    if (isWanted && tuner.ofDomains && host.domainsUnknown !== undefined)
      throw new DroverError('unavailable', host.domainsUnknown);
    return { tuner, readings, wants, isWanted };
  } catch (thrown) {
    return { tuner, readings: [], wants: [], isWanted, failure: asDroverError(thrown) };
  }
}

/** Of a look at all domains they are kept: where nothing was read that is new, nothing else is wanted. */
function wantsOf<Name extends TunerName>(
  { kernel }: TunerPorts,
  tuner: Tuner<Name>,
  own: SettingsOf<Name>,
  { readings, host }: { readonly readings: readonly Reading[]; readonly host: HostView },
): readonly Want[] {
  if (!tuner.ofDomains || host.others) return tuner.want(own, readings, host);
  const inputs = [
    own,
    host.settings,
    host.facts,
    host.held,
    host.domainsUnknown,
    ...host.domains,
    ...readings,
  ];
  return recalled(kernel, `wants of ${tuner.name}`, inputs, () => tuner.want(own, readings, host));
}

function refuseInvalid(failures: readonly DroverError[]): void {
  const [first] = failures;
  if (!first) return;
  const { field, value, cure } = first;
  const detail = {
    ...(field !== undefined && { field }),
    ...(value !== undefined && { value }),
    ...(cure !== undefined && { cure }),
  };
  throw new DroverError('invalid-argument', failures.map(({ message }) => message).join('; '), {
    ...detail,
    cause: first,
  });
}

function planLook(
  { ledger, owners, settled, host, ports }: Surroundings,
  { tuner, readings, wants, failure }: Look,
): PlanEntry[] {
  if (failure) return [failedTuner(tuner.name, '*', failure.message, failure.kind.retryable)];
  const owner = ownerOf(owners, tuner.name);
  const plan = (): PlanEntry[] =>
    planWants(readings, wants, {
      ledger,
      owner,
      policy: (knob) => driftPolicy(host.settings, knob),
      settled: (key, value) => settled.has(key, value),
    });
  if (!tuner.ofDomains || host.others) return plan();
  // Of other readings may come the same wants: somebody changed a knob. What is in order is so whatever was settled.
  const inputs = [wants, ledger.knobs(), owner, host.settings, ...readings];
  const kept = recalled(ports.kernel, `plan of ${tuner.name}`, inputs, () => {
    const entries = plan();
    return {
      entries,
      isStill: entries.every(({ outcome }) => outcome === 'in-sync' || outcome === 'unsupported'),
    };
  });
  return kept.isStill ? kept.entries : plan();
}

/**
 * What the ledger holds and nobody wants any more. A tuner that failed, and a domain that libvirt does not show or whose
 * XML is not known, are left alone. A knob that the domain which had it has no longer is gone: an unplugged vCPU.
 */
function planLeft(
  around: Surroundings,
  looks: readonly Look[],
  only: string | undefined,
): { restores: PlanEntry[]; gone: LedgerEntry[] } {
  const { ledger, host, ports, owners } = around;
  const restores: PlanEntry[] = [];
  const gone: LedgerEntry[] = [];
  const wanted = new Set<string>();
  const readings = new Map<string, Reading>();
  for (const each of looks) {
    for (const { knob } of each.wants) wanted.add(keyOf(knob));
    for (const reading of each.readings) readings.set(keyOf(reading.knob), reading);
  }
  const looked = new Map(looks.map((each) => [each.tuner.name, each]));
  const runs = memo((incarnation: string) => incarnationRuns(ports.kernel, { incarnation }));
  const shown = new Map(host.domains.map((domain) => [knobDomainKey(ports.kernel, domain), domain]));
  for (const entry of ledger.entries().toReversed()) {
    const { key, knob } = entry;
    if (only !== undefined && knob.domain?.uuid !== only) continue;
    if (knob.domain && !runs(knob.domain.incarnation)) gone.push(entry);
    const own = looked.get(knob.tuner);
    const view = knob.domain && shown.get(incarnationKey(knob.domain));
    if (gone.at(-1) === entry || wanted.has(key) || !own || own.failure || (knob.domain && !view)) continue;
    const reading = readings.get(key);
    const isGone = view
      ? domainObstacle(ports, knob.domain, view) === undefined
      : fileIsGone(ports.kernel, knob);
    if (reading?.gone || (reading === undefined && isGone)) gone.push(entry);
    else {
      const held = view?.xmlUnknown ?? (own.isWanted ? reading?.undecided : undefined);
      restores.push(planRestore(entry, reading, ownerOf(owners, knob.tuner), held));
    }
  }
  return { restores, gone };
}

/** A knob of the host whose file is there no more: the interrupt or disk that it belonged to was taken out. */
export function fileIsGone(kernel: KernelRoot, { domain, source }: Knob): boolean {
  return domain === undefined && source.startsWith('/') && !kernel.exists(source);
}

/** Answers each question once: a domain has dozens of entries. */
function memo<Answer>(ask: (key: string) => Answer): (key: string) => Answer {
  const known = new Map<string, Answer>();
  return (key) => {
    if (!known.has(key)) known.set(key, ask(key));
    return known.get(key) as Answer;
  };
}

function knobDomainKey(kernel: KernelRoot, view: DomainView): string {
  return incarnationKey(knobDomain(kernel, view));
}

function incarnationKey({ uuid, incarnation }: { uuid: string; incarnation: string }): string {
  return `${uuid}@${incarnation}`;
}

/** The host as one domain sees it: nothing of other domains is read or written. */
export function onlyDomain(host: HostView, uuid: string): HostView {
  return { ...host, domains: host.domains.filter((domain) => domain.uuid === uuid) };
}
