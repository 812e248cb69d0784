/** Pools of huge pages (Documentation/admin-guide/mm/hugetlbpage.rst), of the host and of a NUMA cell. */
import type { HugepagePool } from '../../proto/gen/drover/v1/HugepagePool.js';
import type { Fact, Look } from './fact.js';

/** Pools in a directory that holds `hugepages-<size>kB/`, by size; empty where the kernel has none. */
export function readHugepagePools({ root }: Look, directory: string): HugepagePool[] {
  return root
    .list(directory)
    .flatMap((name) => {
      const sizeKib = /^hugepages-(\d+)kB$/.exec(name)?.[1];
      const total = root.read(`${directory}/${name}/nr_hugepages`);
      if (sizeKib === undefined || total === undefined) return [];
      const free = Number(root.read(`${directory}/${name}/free_hugepages`) ?? 0);
      return [{ sizeBytes: Number(sizeKib) * 1024, total: Number(total), free }];
    })
    .sort((a, b) => a.sizeBytes - b.sizeBytes);
}

/** `hugepages`: pools of the whole host. */
export const hugepages: Fact = {
  name: 'hugepages',
  gather: (look) => ({ hugepages: readHugepagePools(look, 'sys/kernel/mm/hugepages') }),
};
