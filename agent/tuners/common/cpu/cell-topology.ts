/** NUMA cells with their cores, as CPU assignment needs them, from the facts of a host. */
import type { HostFacts } from '../../../../proto/gen/drover/v1/HostFacts.js';
import { recalled } from '../../../kernel/derived.js';
import type { KernelRoot } from '../../../kernel/root.js';
import { intersectCpus, parseCpuSet } from '../../../../proto/wire/cpu-set.js';

/** `cellTopology` of a look, the same object as long as the facts are the same ones. */
export function cellsOf(kernel: KernelRoot, facts: Pick<HostFacts, 'cpu' | 'numaCells'>): CellTopology[] {
  return recalled(kernel, 'cells with their cores', [facts.cpu, facts.numaCells], () => cellTopology(facts));
}

/** Online CPUs of one core, ascending. */
export type CoreThreads = readonly number[];

export interface CellTopology {
  readonly id: number;
  /** By lowest CPU. */
  readonly cores: readonly CoreThreads[];
}

/**
 * Cells that have online CPUs, ascending, each with its cores. A host without NUMA has one cell 0; a host whose cores are
 * not known has cores of one CPU. A core that lies in two cells (a kernel's numa=fake) counts in each with its part.
 */
export function cellTopology(facts: Pick<HostFacts, 'cpu' | 'numaCells'>): CellTopology[] {
  const online = parseCpuSet(facts.cpu?.online ?? '');
  const listed = (facts.cpu?.coreList ?? []).map(({ cpus }) => intersectCpus(parseCpuSet(cpus), online));
  const known = new Set(listed.flat());
  const cores = [...listed, ...online.filter((cpu) => !known.has(cpu)).map((cpu) => [cpu])];
  const cells = facts.numaCells.map(({ id, cpus }) => ({ id, cpus: parseCpuSet(cpus) }));
  return (cells.length > 0 ? cells : [{ id: 0, cpus: online }])
    .map(({ id, cpus }) => ({ id, cores: coresWithin(cores, cpus) }))
    .filter((cell) => cell.cores.length > 0)
    .toSorted((a, b) => a.id - b.id);
}

function coresWithin(cores: readonly CoreThreads[], cpus: readonly number[]): CoreThreads[] {
  const own = new Set(cpus);
  return cores
    .map((core) => core.filter((cpu) => own.has(cpu)))
    .filter((core) => core.length > 0)
    .toSorted(([a = 0], [b = 0]) => a - b);
}

/** Ids of the cells that any of these CPUs is in, ascending. */
export function cellsOfCpus(cells: readonly CellTopology[], cpus: Iterable<number>): number[] {
  const wanted = new Set(cpus);
  return cells
    .filter(({ cores }) => cores.some((core) => core.some((cpu) => wanted.has(cpu))))
    .map(({ id }) => id);
}
