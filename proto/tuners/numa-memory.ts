/** NUMA cells that the memory of domains comes from. libvirt: virDomainSetNumaParameters; kernel: cpuset(7). */
import { z } from 'zod';
import { common, cpuList, override } from './common.js';

export const numaMemory = z
  .strictObject({
    follow: z
      .enum(['cpus', 'none'])
      .optional()
      .describe('cpus: the cells of the CPUs that the vCPUs may run on; none: the cells given'),
    cells: cpuList.optional().describe('cells for the memory of every domain, such as 0 or 0-1'),
    override_explicit: override,
    ...common('numa-memory'),
  })
  .refine((value) => (value.follow ?? value.cells) !== undefined, { error: 'follow or cells' })
  .refine((value) => value.follow !== 'cpus' || value.cells === undefined, {
    path: ['cells'],
    error: 'cells only without follow: cpus, which finds the cells by itself',
  });

export type NumaMemorySettings = z.infer<typeof numaMemory>;
