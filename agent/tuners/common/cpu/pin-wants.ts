/** Which CPUs each thread of each domain should have: shared ones for the many, one of its own for every dedicated vCPU. Pure. */
import { formatCpuSet, intersectCpus, parseCpuSet } from '../../../../proto/wire/cpu-set.js';
import type { HostView, Want } from '../../tuner.js';
import { cellsOfCpus } from './cell-topology.js';
import { assignCpus, type CpuAssignment } from './dedicated-cpus.js';
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
import type { PinReading } from './pin-readings.js';

/** Wants for every reading: shared domains first, as they may sit on CPUs that others are to have for themselves. */
export function pinWants(context: PinContext, readings: readonly PinReading[]): Want[] {
  const domains = groupByDomain(context, readings);
  const dedicated = domains.filter(isDedicated);
  const assigned = assignCpus(
    { cells: context.cells, dedicated: context.sets.dedicated, occupied: occupiedByOthers(context, domains) },
    dedicated.filter(({ vcpus }) => vcpus.every(({ cpus }) => cpus.length > 0)).map(demandOf),
  );
  const shared = domains.filter((domain) => !isDedicated(domain));
  return [...shared, ...dedicated].flatMap((domain) =>
    wantDomain(context, domain, assigned.get(domain.uuid)),
  );
}

/** Dedicated CPUs on which somebody pinned single vCPUs of domains that ask for none: they are in use all the same. */
function occupiedByOthers({ sets }: PinContext, domains: readonly PinDomain[]): number[] {
  const others = domains.filter((domain) => !isDedicated(domain)).flatMap(({ vcpus }) => vcpus);
  const single = others.flatMap(({ cpus }) => (cpus.length === 1 ? cpus : []));
  return intersectCpus(new Set(single), sets.dedicated);
}

function wantDomain(context: PinContext, domain: PinDomain, assigned: CpuAssignment | undefined): Want[] {
  const { sets } = context;
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
  return wantPlaces(context, domain, ({ role, number }) => {
    if (role !== 'vcpu') return emulator;
    const cpu = assigned.cpus.get(number);
    return cpu === undefined ? sets.shared : [cpu];
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
  const places = domain.readings.map((reading) => ({ reading, cpus: placeOf(reading) }));
  const crossing = crossingOf(context, domain, places);
  return places.map(({ reading, cpus }) => {
    const want = blankWant(context, reading);
    if (!cpus)
      return {
        ...want,
        held: 'no dedicated CPU is left for its emulator (hw:emulator_threads_policy isolate)',
      };
    const remark = crossing ?? isolatedRemark(context, cpus);
    const held = crossing !== undefined && !domain.mayLeave;
    return {
      ...want,
      value: formatCpuSet(cpus),
      ...(held && {
        held: `${crossing}: needs numa-memory with follow: cpus, or a higher cross_cell_limit_mb`,
      }),
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

/** Between isolated CPUs the scheduler moves nothing: threads pile up where they woke. */
function isolatedRemark({ host }: PinContext, cpus: readonly number[]): string | undefined {
  if (cpus.length < 2) return undefined;
  const isolated = intersectCpus(cpus, isolatedCpus(host));
  if (isolated.length === 0) return undefined;
  return `CPUs ${formatCpuSet(isolated)} are isolated (isolcpus): the scheduler balances no threads over them`;
}

function isolatedCpus({ facts }: HostView): number[] {
  return parseCpuSet(facts.cpu?.isolated ?? '');
}

function holdAll(context: PinContext, { readings }: PinDomain, held: string): Want[] {
  return readings.map((reading) => ({ ...blankWant(context, reading), held }));
}

function blankWant({ settings }: PinContext, { knob }: PinReading): Want {
  return { knob, value: '', effect: 'now', affects: [], override: settings.override_explicit ?? false };
}
