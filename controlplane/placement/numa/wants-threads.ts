/** Whether a request wants hosts whose cores have threads, whatever its guest cells were made of. Pure. */
import type { CheckedRequest } from '../../model/request.js';
import type { CellSummary } from './cell-summary.js';

/**
 * Flavor or image say `dedicated`, and flavor or image say `require`: Nova's `_satisfies_cpu_policy` in
 * `numa_topology_filter.py`. It looks at both as they stand, so beside a flavor's `prefer`, which the guest gets, an image's
 * `require` still keeps hosts without threads out.
 */
export function wantsThreads({ extraSpecs, image }: Pick<CheckedRequest, 'extraSpecs' | 'image'>): boolean {
  const properties = image?.properties ?? {};
  const isDedicated = [extraSpecs['hw:cpu_policy'], properties['hw_cpu_policy']].includes('dedicated');
  const threads = [extraSpecs['hw:cpu_thread_policy'], properties['hw_cpu_thread_policy']];
  return isDedicated && threads.includes('require');
}

/** Whether a core of these cells has more than one thread. */
export function haveThreads(cells: readonly CellSummary[]): boolean {
  return cells.some(({ threadsPerCore }) => threadsPerCore > 1);
}
