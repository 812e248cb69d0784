/** Which free CPUs of one NUMA cell a domain gets, by Nova's thread policies (nova/virt/hardware.py, _pack_instance_onto_cores). */
import type { CellTopology, CoreThreads } from './cell-topology.js';
import type { ThreadPolicy } from './pinning-policy.js';

/** Whether a CPU may be given away: dedicated, and nobody's. */
export type IsFree = (cpu: number) => boolean;

/**
 * CPUs of a cell that the policy may use, in the order in which they are to be used: one thread of each whole free core
 * (isolate), all threads of whole free cores that have siblings (require), or whole free cores first and then the rest
 * (prefer), so that vCPUs with neighbouring numbers become siblings.
 */
export function usableCpus({ cores }: CellTopology, policy: ThreadPolicy, isFree: IsFree): number[] {
  const whole = cores.filter((core) => core.every(isFree));
  if (policy === 'isolate') return whole.flatMap(([first]) => first ?? []);
  if (policy === 'require') return widestFirst(whole.filter((core) => core.length > 1)).flat();
  const parts = cores.filter((core) => !core.every(isFree)).map((core) => core.filter(isFree));
  return [...widestFirst(whole), ...widestFirst(parts)].flat();
}

/** More threads first; equal ones keep their order. */
function widestFirst(cores: readonly CoreThreads[]): CoreThreads[] {
  return cores.toSorted((a, b) => b.length - a.length);
}

/**
 * A free CPU for an emulator beside vCPUs on `cpus`; undefined: none. A core that is broken already goes before a whole
 * one. Beside isolated vCPUs their own siblings are no choice.
 */
export function emulatorCpu(
  { cores }: CellTopology,
  policy: ThreadPolicy,
  cpus: readonly number[],
  isFree: IsFree,
): number | undefined {
  const isUsed = (core: CoreThreads): boolean => core.some((cpu) => cpus.includes(cpu));
  const open = cores.filter((core) => policy !== 'isolate' || !isUsed(core));
  const rest = open.map((core) => ({ core, free: core.filter((cpu) => isFree(cpu) && !cpus.includes(cpu)) }));
  const found = rest.filter(({ free }) => free.length > 0);
  return (found.find(({ core, free }) => free.length < core.length) ?? found[0])?.free[0];
}

/** Whether CPUs that a domain has satisfy the policy; `isFree` says what is nobody else's. */
export function satisfies(
  cells: readonly CellTopology[],
  policy: ThreadPolicy,
  cpus: readonly number[],
  isFree: IsFree,
): boolean {
  if (policy === 'prefer') return true;
  const perCell = cells.map(({ cores }) =>
    cores
      .map((core) => ({ core, own: core.filter((cpu) => cpus.includes(cpu)).length }))
      .filter(({ own }) => own > 0),
  );
  if (policy === 'isolate') return perCell.flat().every(({ core, own }) => own === 1 && core.every(isFree));
  // An odd number of vCPUs leaves one core in each cell half used.
  return perCell.every(
    (used) => used.every(({ core }) => core.length > 1) && used.filter(({ own }) => own === 1).length <= 1,
  );
}
