/** Which CPUs each thread of each domain should have: shared ones for the many, one of its own for every dedicated vCPU. Pure. */
import { formatCpuSet, intersectCpus } from '../../../../proto/wire/cpu-set.js';
import type { Want } from '../../tuner.js';
import { cellsOfCpus } from './cell-topology.js';
import { assignCpus, takenBy, type CpuAssignment } from './dedicated-cpus.js';
import type { CpuPlace } from './find-place.js';
import { crossingRemark, memoryFollows } from './memory-cells.js';
import {
  demandOf,
  groupByDomain,
  isDedicated,
  type Dedicated,
  type PinContext,
  type PinDomain,
} from './pin-domains.js';
import { describePlace, type Place } from './pin-place.js';
import { dedicatedPool } from './pin-pool.js';
import { claimOf, type ClaimingKnob } from './pin-promises.js';
import type { PinReading } from './pin-readings.js';

/** Wants for every reading: shared domains first, as they may sit on CPUs that others are to have for themselves. */
export function pinWants(context: PinContext, readings: readonly PinReading[]): Want[] {
  const domains = groupByDomain(context, readings);
  const dedicated = domains.filter(isDedicated);
  const assigned = assignCpus(
    dedicatedPool(context, domains),
    dedicated.filter(({ vcpus }) => vcpus.every(({ cpus }) => cpus.length > 0)).map(demandOf),
  );
  const shared = domains.filter((domain) => !isDedicated(domain));
  return [...shared, ...dedicated].flatMap((domain) =>
    wantDomain(context, domain, assigned.get(domain.uuid)),
  );
}

function wantDomain(context: PinContext, domain: PinDomain, assigned: CpuAssignment | undefined): Want[] {
  const { sets } = context;
  if (domain.isUntouchable) return reasonAlone(context, domain);
  if ('fault' in domain.policy) return holdAll(context, domain, domain.policy.fault);
  if (!isDedicated(domain)) {
    if (!sets.shared) return holdAll(context, domain, 'the profile has dedicated CPUs and no shared ones');
    return wantPlaces(context, domain, () => sets.shared);
  }
  if (sets.dedicated.length === 0) return holdAll(context, domain, 'the profile has no dedicated CPUs');
  if (!assigned) return holdAll(context, domain, 'the threads of its vCPUs cannot be told apart');
  if ('reason' in assigned) return holdAll(context, domain, assigned.reason);
  if (domain.policy.own.length < domain.vcpus.length && !sets.shared)
    return holdAll(context, domain, 'hw:cpu_policy is mixed, and the profile has no shared CPUs');
  const emulator = emulatorCpus(context, domain, assigned);
  const wants = wantPlaces(context, domain, ({ role, number }) => {
    if (role !== 'vcpu') return emulator;
    const cpu = assigned.cpus.get(number);
    return cpu === undefined ? sets.shared : [cpu];
  });
  return withClaims(context, domain, assigned, wants);
}

/** The wants with what they claim together, for the memory of promises. */
function withClaims(
  { cells }: PinContext,
  { readings, vcpus, policy }: Dedicated,
  place: CpuPlace,
  wants: readonly Want[],
): Want[] {
  const cpus = new Map(
    vcpus.flatMap(({ number, knob }) => {
      const cpu = place.cpus.get(number);
      return cpu === undefined ? [] : [[knob.setting, cpu] as const];
    }),
  );
  const emulator = readings.find(({ role }) => role === 'emulator');
  if (emulator && place.emulator !== undefined) cpus.set(emulator.knob.setting, place.emulator);
  const taken = [...takenBy(cells, policy.threads, place)];
  const claim = { cpus, taken, seen: emulator?.seen ?? 0 };
  return wants.map((want) => {
    const knob: ClaimingKnob = { ...want.knob, [claimOf]: { ...claim, value: want.value } };
    return { ...want, knob };
  });
}

/** Undefined: the CPU of its own that its policy asks for is not there. */
function emulatorCpus(
  { sets }: PinContext,
  { policy, vcpus }: Dedicated,
  place: CpuPlace,
): readonly number[] | undefined {
  if (policy.emulator === 'isolate') return place.emulator === undefined ? undefined : [place.emulator];
  if (policy.emulator === 'share' && sets.shared) return sets.shared;
  const isMixed = policy.own.length < vcpus.length;
  return [...place.cpus.values(), ...((isMixed && sets.shared) || [])];
}

function wantPlaces(
  context: PinContext,
  domain: PinDomain,
  placeOf: (reading: PinReading) => readonly number[] | undefined,
): Want[] {
  const asked = domain.readings.map((reading) => ({ reading, cpus: placeOf(reading) }));
  const within = new Map(
    [...new Set(asked.map(({ cpus }) => cpus))].map((cpus) => [cpus, describePlace(context, domain, cpus)]),
  );
  const places = asked.map(({ reading, cpus }) => ({ reading, cpus: within.get(cpus)?.cpus }));
  const crossing = crossingOf(context, domain, places);
  const stays = 'needs numa-memory with follow: cpus, or a higher cross_cell_limit_mb';
  return asked.map(({ reading, cpus }) => {
    const want = blankWant(context, reading);
    const place = within.get(cpus) as Place;
    if (place.held !== undefined) return { ...want, held: place.held };
    const remark = crossing ?? place.remark;
    return {
      ...want,
      value: place.value,
      ...(crossing !== undefined && !domain.mayLeave && { held: `${crossing}: ${stays}` }),
      ...(remark !== undefined && { remark }),
    };
  });
}

/** What is to be said where vCPUs would have no CPU left in the cells of the memory; undefined: they stay near it. */
function crossingOf(
  { cells, host }: PinContext,
  { homeCells, memoryBytes }: PinDomain,
  places: readonly { reading: PinReading; cpus: readonly number[] | undefined }[],
): string | undefined {
  if (homeCells.length === 0) return undefined;
  const moving = places.flatMap(({ reading, cpus }) =>
    reading.role === 'vcpu' && cpus ? [{ reading, cpus }] : [],
  );
  const crosses = moving.filter(
    ({ reading, cpus }) =>
      formatCpuSet(cpus) !== reading.value && intersectCpus(cellsOfCpus(cells, cpus), homeCells).length === 0,
  );
  if (crosses.length === 0) return undefined;
  const to = cellsOfCpus(
    cells,
    crosses.flatMap(({ cpus }) => cpus),
  );
  return crossingRemark({ from: homeCells, to, memoryBytes, follows: memoryFollows(host.settings) });
}

/** One line says why nothing of it is written; what the ledger holds of its vCPUs stays there. */
function reasonAlone(context: PinContext, { readings }: PinDomain): Want[] {
  return readings.filter(({ role }) => role !== 'vcpu').map((reading) => blankWant(context, reading));
}

function holdAll(context: PinContext, { readings }: PinDomain, held: string): Want[] {
  return readings.map((reading) => ({ ...blankWant(context, reading), held }));
}

function blankWant({ settings }: PinContext, { knob }: PinReading): Want {
  return { knob, value: '', effect: 'now', affects: [], override: settings.override_explicit ?? false };
}
