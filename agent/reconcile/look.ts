/** One fresh look at the host through every tuner that is concerned, and the whole plan that follows. Writes nothing. */
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { incarnationRuns, knobDomain } from '../tuners/common/domain-knob.js';
import {
  knobKey,
  type HostView,
  type Reading,
  type Tuner,
  type TunerPorts,
  type Want,
} from '../tuners/tuner.js';
import type { Ledger } from './ledger.js';
import type { LedgerEntry } from './ledger-lines.js';
import type { Owners } from './ownership.js';
import { failedTuner, planRestore, planWants, type PlanEntry } from './plan.js';

export interface Surroundings {
  readonly tuners: readonly Tuner[];
  readonly ports: TunerPorts;
  readonly ledger: Ledger;
  readonly host: HostView;
  readonly owners: Owners;
}

/** What one tuner saw and wants; `failure`: it could not, and nothing of it is touched. */
interface Look {
  readonly tuner: Tuner;
  readonly readings: readonly Reading[];
  readonly wants: readonly Want[];
  readonly failure?: DroverError;
}

export interface Plan {
  readonly entries: readonly PlanEntry[];
  /** Ledger entries of domains that are gone: nothing is left to put back. */
  readonly gone: readonly LedgerEntry[];
}

/**
 * The plan for settings: changes in the order of the tuners, after what is to be put back, newest first. Every want is
 * computed before any is judged. Errors: `invalid-argument` with the messages of all tuners that refuse a value.
 */
export async function makePlan(around: Surroundings, settings: TunerSettings): Promise<Plan> {
  const looks = await Promise.all(around.tuners.map((tuner) => look(around, tuner, settings)));
  refuseInvalid(looks.flatMap(({ failure }) => (failure?.code === 'invalid-argument' ? [failure] : [])));
  const wanted = looks.flatMap((each) => planLook(around, each));
  const { restores, gone } = planLeft(around, looks);
  return { entries: [...restores, ...wanted], gone };
}

async function look(
  { ports, ledger, host }: Surroundings,
  tuner: Tuner,
  settings: TunerSettings,
): Promise<Look> {
  const own = settings[tuner.name];
  const concerned = own !== undefined || ledger.entries().some(({ knob }) => knob.tuner === tuner.name);
  if (!concerned) return { tuner, readings: [], wants: [] };
  try {
    const readings = await tuner.observe(ports, host);
    const wants = own === undefined ? [] : tuner.want(own, readings, host);
    return { tuner, readings, wants };
  } catch (thrown) {
    return { tuner, readings: [], wants: [], failure: asDroverError(thrown) };
  }
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

function planLook({ ledger, owners }: Surroundings, { tuner, readings, wants, failure }: Look): PlanEntry[] {
  if (failure) return [failedTuner(tuner.name, '*', failure.message)];
  return planWants(readings, wants, ledger, owners[tuner.name]);
}

/** What the ledger holds and nobody wants any more. A tuner that failed, or a domain that libvirt does not show, is left alone. */
function planLeft(
  { tuners, ledger, host, ports, owners }: Surroundings,
  looks: readonly Look[],
): { restores: PlanEntry[]; gone: LedgerEntry[] } {
  const wanted = new Set(looks.flatMap(({ wants }) => wants.map(({ knob }) => knobKey(knob))));
  const readings = new Map(
    looks.flatMap((each) => each.readings.map((reading) => [knobKey(reading.knob), reading])),
  );
  const failed = new Set(looks.filter(({ failure }) => failure).map(({ tuner }) => tuner.name));
  const shown = new Set(host.domains.map((domain) => incarnationKey(knobDomain(ports.kernel, domain))));
  const known = new Set(tuners.map(({ name }) => name));
  const gone = ledger
    .entries()
    .filter(({ knob }) => knob.domain && !incarnationRuns(ports.kernel, knob.domain));
  const dead = new Set(gone.map(({ key }) => key));
  const left = ledger
    .entries()
    .filter(
      ({ key, knob }) =>
        !wanted.has(key) && !dead.has(key) && known.has(knob.tuner) && !failed.has(knob.tuner),
    )
    .filter(({ knob }) => !knob.domain || shown.has(incarnationKey(knob.domain)));
  return {
    restores: left
      .toReversed()
      .map((entry) => planRestore(entry, readings.get(entry.key), owners[entry.knob.tuner])),
    gone,
  };
}

function incarnationKey({ uuid, incarnation }: { uuid: string; incarnation: string }): string {
  return `${uuid}@${incarnation}`;
}

/** The host as one domain sees it: nothing of other domains is read or written. */
export function onlyDomain(host: HostView, uuid: string): HostView {
  return { facts: host.facts, domains: host.domains.filter((domain) => domain.uuid === uuid) };
}
