/** Where a domain's vCPUs fit among free CPUs: one NUMA cell where that can be, as few as the guest has cells otherwise. */
import { cellsOfCpus, type CellTopology } from './cell-topology.js';
import { emulatorCpu, usableCpus, type IsFree } from './pick-cpus.js';
import type { ThreadPolicy } from './pinning-policy.js';

export interface CpuDemand {
  readonly uuid: string;
  /** vCPUs that need a CPU of their own, ascending, at least one. */
  readonly vcpus: readonly number[];
  /** One more CPU for the emulator. */
  readonly emulator: boolean;
  readonly threads: ThreadPolicy;
  readonly maximumCells: number;
  /** Cells of its memory, tried first; empty: not known. */
  readonly homeCells: readonly number[];
  /** It may not leave `homeCells`. */
  readonly mustStayHome: boolean;
  /** CPUs that each vCPU may run on now. */
  readonly present: ReadonlyMap<number, readonly number[]>;
  readonly presentEmulator: readonly number[];
}

export interface CpuPlace {
  /** CPU by vCPU. */
  readonly cpus: ReadonlyMap<number, number>;
  /** Undefined: none was asked for, or none is left. */
  readonly emulator: number | undefined;
}

/** Free CPUs for a demand, or undefined where it does not fit. */
export function findPlace(
  topology: readonly CellTopology[],
  demand: CpuDemand,
  isFree: IsFree,
): CpuPlace | undefined {
  const cells = cellsInOrder(topology, demand, isFree);
  const whole = firstOf(cells, (cell) => placeIn(cell, demand, isFree));
  return whole ?? (demand.maximumCells > 1 ? placeOver(cells, demand, isFree) : undefined);
}

/** Cells of its memory, then the fullest: that leaves the others whole for larger domains. */
function cellsInOrder(
  topology: readonly CellTopology[],
  { homeCells, mustStayHome }: CpuDemand,
  isFree: IsFree,
): CellTopology[] {
  const isHome = ({ id }: CellTopology): boolean => homeCells.includes(id);
  const free = ({ cores }: CellTopology): number => cores.flat().filter(isFree).length;
  return topology
    .filter((cell) => !mustStayHome || isHome(cell))
    .toSorted((a, b) => Number(isHome(b)) - Number(isHome(a)) || free(a) - free(b) || a.id - b.id);
}

function placeIn(
  cell: CellTopology,
  { vcpus, threads, emulator }: CpuDemand,
  isFree: IsFree,
): CpuPlace | undefined {
  const cpus = usableCpus(cell, threads, isFree).slice(0, vcpus.length);
  if (cpus.length < vcpus.length) return undefined;
  const extra = emulator ? emulatorCpu(cell, threads, cpus, isFree) : undefined;
  if (emulator && extra === undefined) return undefined;
  return { cpus: pairUp(vcpus, cpus), emulator: extra };
}

/** As many equal parts as the guest has cells, each part within one cell, in as few cells as hold them. */
function placeOver(cells: readonly CellTopology[], demand: CpuDemand, isFree: IsFree): CpuPlace | undefined {
  const { vcpus, threads, maximumCells } = demand;
  const size = Math.ceil(vcpus.length / maximumCells);
  const widest = cells.toSorted(
    (a, b) => usableCpus(b, threads, isFree).length - usableCpus(a, threads, isFree).length,
  );
  const used = new Set<number>();
  const cpus: number[] = [];
  for (let start = 0; start < vcpus.length; start += size) {
    const part = vcpus.slice(start, start + size);
    const rest: IsFree = (cpu) => isFree(cpu) && !used.has(cpu);
    const place = firstOf(widest, (cell) => placeIn(cell, { ...demand, vcpus: part, emulator: false }, rest));
    if (!place) return undefined;
    for (const cpu of place.cpus.values()) {
      cpus.push(cpu);
      used.add(cpu);
    }
  }
  const near = widest.filter((cell) => cellsOfCpus([cell], cpus).length > 0);
  const extra = demand.emulator
    ? firstOf(near, (cell) => emulatorCpu(cell, threads, cpus, isFree))
    : undefined;
  return demand.emulator && extra === undefined ? undefined : { cpus: pairUp(vcpus, cpus), emulator: extra };
}

/** The first CPU for the first vCPU, and so on. */
export function pairUp(vcpus: readonly number[], cpus: readonly number[]): Map<number, number> {
  return new Map(vcpus.map((vcpu, index) => [vcpu, cpus[index] as number]));
}

/** The first answer that is one. */
export function firstOf<Item, Found>(
  items: readonly Item[],
  look: (item: Item) => Found | undefined,
): Found | undefined {
  for (const item of items) {
    const found = look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
