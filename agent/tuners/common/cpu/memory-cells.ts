/** Which NUMA cells hold a domain's memory, as far as cheap readings tell, and what leaving them would mean. */
import type { HostFacts } from '../../../../proto/gen/drover/v1/HostFacts.js';
import { formatCpuSet } from '../../../../proto/wire/cpu-set.js';
import type { TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { allowedCells } from '../../../kernel/cgroup-cells.js';
import type { KernelRoot } from '../../../kernel/root.js';
import { cellsOfCpus, type CellTopology } from './cell-topology.js';

/** Memory of a guest below this is moved, or left behind, without much harm; MiB. */
export const defaultCrossCellLimitMb = 4096;

/**
 * Cells of a domain's memory, ascending: those that QEMU is held to, or else those of the CPUs that its
 * vCPUs run on. Empty where both leave the whole host open: then nothing tells. Always empty on a host with one cell.
 */
export function homeCells(
  kernel: KernelRoot,
  facts: HostFacts,
  cells: readonly CellTopology[],
  pid: number,
  vcpuCpus: readonly number[],
): number[] {
  if (facts.numaCells.length < 2) return [];
  const held = allowedCells(kernel, pid) ?? [];
  const withMemory = facts.numaCells.filter(({ memoryBytes }) => memoryBytes > 0).length;
  if (held.length > 0 && held.length < withMemory) return held;
  const run = cellsOfCpus(cells, vcpuCpus);
  return run.length < cells.length ? run : [];
}

/** Whether the profile moves the memory of domains after their vCPUs. */
export function memoryFollows(settings: TunerSettings | undefined): boolean {
  return settings?.['numa-memory']?.follow === 'cpus';
}

export interface Crossing {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly memoryBytes: number;
  readonly follows: boolean;
}

/** `vCPUs go from cell 0 to cell 1; numa-memory moves 512 MiB after them in the next pass`. */
export function crossingRemark({ from, to, memoryBytes, follows }: Crossing): string {
  const way = `vCPUs go from cell ${formatCpuSet(from)} to cell ${formatCpuSet(to)}`;
  const memory = `${Math.round(memoryBytes / 2 ** 20)} MiB of memory`;
  return follows
    ? `${way}; numa-memory moves ${memory} after them in the next pass`
    : `${way}; ${memory} stay behind, as numa-memory does not follow`;
}
