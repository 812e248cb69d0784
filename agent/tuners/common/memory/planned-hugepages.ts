/** Memory that huge pages have, or are to have. */
import type { HugepagesSettings } from '../../../../proto/tuners/hugepages.js';
import { poolPlaces, readPool } from '../../../kernel/hugepage-pools.js';
import { readMeminfo } from '../../../kernel/procfs.js';
import type { KernelRoot } from '../../../kernel/root.js';
import { poolShares, type PoolShare } from './hugepage-pools.js';
import { matching } from './hugepage-wants.js';

/**
 * Bytes of all pools, each as it is or as the settings want it, whichever is more. Surplus pages come and go with programs
 * and are left out. A kernel without a folder of pools: what /proc/meminfo says.
 */
export function plannedHugeBytes(kernel: KernelRoot, settings: HugepagesSettings | undefined): number {
  const places = poolPlaces(kernel);
  if (places.length === 0) return readMeminfo(kernel)?.get('Hugetlb') ?? 0;
  const shares = settings ? sharesOrNone(settings, [...new Set(places.map(({ cell }) => cell))]) : [];
  return places.reduce((sum, place) => {
    const wanted = shares.find(matching(place))?.pages ?? 0;
    return sum + Math.max(wanted, readPool(kernel, place)?.persistent ?? 0) * place.sizeKb * 1024;
  }, 0);
}

/** What is wrong with the settings the tuner hugepages says. */
function sharesOrNone(settings: HugepagesSettings, cells: readonly (number | undefined)[]): PoolShare[] {
  try {
    return poolShares(settings, cells);
  } catch {
    return [];
  }
}
