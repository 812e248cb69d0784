/** Why a domain gets no dedicated CPUs, with the two numbers that a person needs to act. */
import type { CellTopology } from './cell-topology.js';
import { usableCpus, type IsFree } from './pick-cpus.js';
import type { ThreadPolicy } from './pinning-policy.js';

export interface Refused {
  readonly vcpus: readonly number[];
  readonly emulator: boolean;
  readonly threads: ThreadPolicy;
  readonly maximumCells: number;
  readonly homeCells: readonly number[];
  readonly mustStayHome: boolean;
}

/** `needs 4 dedicated CPUs in one cell, 3 are free`: what was asked for, and the most that could be had of it. */
export function refusal(
  { cells }: { readonly cells: readonly CellTopology[] },
  asked: Refused,
  isFree: IsFree,
): string {
  const { threads, vcpus, maximumCells, homeCells, mustStayHome } = asked;
  if (threads === 'require' && cells.every(({ cores }) => cores.every((core) => core.length < 2)))
    return 'hw:cpu_thread_policy is require, and this host runs no sibling threads';
  const open = cells.filter(({ id }) => !mustStayHome || homeCells.includes(id));
  const counts = open.map((cell) => usableCpus(cell, threads, isFree).length).toSorted((a, b) => b - a);
  const free = counts.slice(0, maximumCells).reduce((sum, count) => sum + count, 0);
  const where = mustStayHome
    ? `in cell ${homeCells.join(',')}, where its memory is`
    : maximumCells > 1
      ? `in ${maximumCells} cells`
      : 'in one cell';
  const extra = asked.emulator ? ' and one for its emulator' : '';
  return `needs ${vcpus.length} ${things[threads]}${extra} ${where}, ${free} ${free === 1 ? 'is' : 'are'} free${cure(asked)}`;
}

const things: Record<ThreadPolicy, string> = {
  prefer: 'dedicated CPUs',
  isolate: 'whole dedicated cores (hw:cpu_thread_policy isolate)',
  require: 'dedicated CPUs on whole cores (hw:cpu_thread_policy require)',
};

function cure({ mustStayHome }: Refused): string {
  return mustStayHome
    ? '; numa-memory with follow: cpus or a higher cross_cell_limit_mb would let it move'
    : '';
}
