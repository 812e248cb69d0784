/**
 * Which dedicated CPU each vCPU gets. A pure function of topology, set, demands and present pins: who already sits as
 * its policy says stays, so nobody is shuffled when others come or go; the others are served in the order of their UUIDs.
 */
import { cellsOfCpus, type CellTopology } from './cell-topology.js';
import { findPlace, firstOf, pairUp, type CpuDemand, type CpuPlace } from './find-place.js';
import { emulatorCpu, satisfies, type IsFree } from './pick-cpus.js';
import { refusal } from './refusal.js';

export type CpuAssignment = CpuPlace | { readonly reason: string };

export interface CpuPool {
  readonly cells: readonly CellTopology[];
  /** Online dedicated CPUs. */
  readonly dedicated: readonly number[];
  /** Dedicated CPUs to which domains without a demand are pinned, one vCPU each. */
  readonly occupied: readonly number[];
  /** Who is pinned to a CPU by its own XML, by UUID: it stays there, so nobody else gets that CPU. */
  readonly fixed?: ReadonlyMap<number, ReadonlySet<string>>;
}

/** A place or a reason in words for every demand, by UUID. Equal input gives equal output, whatever the order of the demands. */
export function assignCpus(pool: CpuPool, demands: readonly CpuDemand[]): Map<string, CpuAssignment> {
  const inOrder = demands.toSorted((a, b) => (a.uuid < b.uuid ? -1 : 1));
  const taken = new Set(pool.occupied);
  const result = new Map<string, CpuAssignment>();
  for (const demand of inOrder) {
    const place = presentPlace(pool, demand, taken);
    if (!place) continue;
    result.set(demand.uuid, place);
    occupy(pool, demand, place, taken);
  }
  for (const demand of inOrder) {
    const place = result.get(demand.uuid);
    if (place && 'cpus' in place && demand.emulator && place.emulator === undefined)
      result.set(demand.uuid, withEmulator(pool, demand, place, taken));
  }
  for (const [uuid, place] of placeOthers(
    pool,
    inOrder.filter(({ uuid }) => !result.has(uuid)),
    taken,
  ))
    result.set(uuid, place);
  return result;
}

/**
 * Domains that must move go before new ones. A CPU that somebody is about to leave is given away only where no other
 * does: for some moments both would run on it. One that cannot move sits where it is, and keeps its CPUs.
 */
function placeOthers(
  pool: CpuPool,
  demands: readonly CpuDemand[],
  taken: Set<number>,
): Map<string, CpuAssignment> {
  const result = new Map<string, CpuAssignment>();
  const sitting = new Map(demands.map((demand) => [demand.uuid, sitsOn(pool, demand, taken)]));
  const isMover = ({ uuid }: CpuDemand): boolean => (sitting.get(uuid)?.length ?? 0) > 0;
  const left = new Set<number>();
  for (const demand of [...demands.filter(isMover), ...demands.filter((each) => !isMover(each))]) {
    const own = sitting.get(demand.uuid) ?? [];
    sitting.delete(demand.uuid);
    const others = new Set([...taken, ...[...sitting.values()].flat()]);
    const place =
      findPlace(pool.cells, demand, freeIn(pool, demand, new Set([...others, ...left]))) ??
      findPlace(pool.cells, demand, freeIn(pool, demand, others));
    result.set(demand.uuid, place ?? { reason: refusal(pool, demand, freeIn(pool, demand, others)) });
    if (place) {
      occupy(pool, demand, place, taken);
      for (const cpu of own) left.add(cpu);
    } else for (const cpu of own) taken.add(cpu);
  }
  return result;
}

function freeIn(
  { dedicated, fixed }: CpuPool,
  { uuid }: Pick<CpuDemand, 'uuid'>,
  taken: ReadonlySet<number>,
): IsFree {
  const open = new Set(dedicated);
  const isAnothers = (cpu: number): boolean => {
    const holders = fixed?.get(cpu);
    return holders !== undefined && (holders.size > 1 || !holders.has(uuid));
  };
  return (cpu) => open.has(cpu) && !taken.has(cpu) && !isAnothers(cpu);
}

/** Dedicated CPUs on which single vCPUs of it are pinned now and that nobody else has. */
function sitsOn(pool: CpuPool, demand: CpuDemand, taken: ReadonlySet<number>): number[] {
  const isFree = freeIn(pool, demand, taken);
  return demand.vcpus.flatMap((vcpu) => {
    const [cpu, ...more] = demand.present.get(vcpu) ?? [];
    return cpu !== undefined && more.length === 0 && isFree(cpu) ? [cpu] : [];
  });
}

/** The place that it has, where that is as its policy says; undefined: it must move. */
function presentPlace(pool: CpuPool, demand: CpuDemand, taken: ReadonlySet<number>): CpuPlace | undefined {
  const cpus = sitsOn(pool, demand, taken);
  const isFree = freeIn(pool, demand, taken);
  if (new Set(cpus).size < demand.vcpus.length) return undefined;
  if (cellsOfCpus(pool.cells, cpus).length > demand.maximumCells) return undefined;
  if (!satisfies(pool.cells, demand.threads, cpus, isFree)) return undefined;
  const [now, ...more] = demand.presentEmulator;
  const keeps =
    demand.emulator && now !== undefined && more.length === 0 && isFree(now) && !cpus.includes(now);
  return { cpus: pairUp(demand.vcpus, cpus), emulator: keeps ? now : undefined };
}

function withEmulator(pool: CpuPool, demand: CpuDemand, place: CpuPlace, taken: Set<number>): CpuPlace {
  const cpus = [...place.cpus.values()];
  const near = pool.cells.filter((cell) => cellsOfCpus([cell], cpus).length > 0);
  const emulator = firstOf(near, (cell) =>
    emulatorCpu(cell, demand.threads, cpus, freeIn(pool, demand, taken)),
  );
  if (emulator !== undefined) taken.add(emulator);
  return { ...place, emulator };
}

function occupy({ cells }: CpuPool, { threads }: CpuDemand, place: CpuPlace, taken: Set<number>): void {
  for (const cpu of takenBy(cells, threads, place)) taken.add(cpu);
}

/** What a placed domain uses, and what its policy keeps others from. */
export function takenBy(
  cells: readonly CellTopology[],
  threads: CpuDemand['threads'],
  place: CpuPlace,
): Set<number> {
  const cpus = new Set(place.cpus.values());
  const taken = new Set(place.emulator === undefined ? cpus : [...cpus, place.emulator]);
  if (threads !== 'isolate') return taken;
  for (const core of cells.flatMap((cell) => cell.cores))
    if (core.some((cpu) => cpus.has(cpu))) for (const cpu of core) taken.add(cpu);
  return taken;
}
