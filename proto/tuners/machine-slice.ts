/** CPUs and memory that all domains together may use. Kernel: cgroup-v1/cpusets.rst, cgroup-v1/memory.rst, cgroup-v2.rst. */
import { z } from 'zod';
import { common, cpuList } from './common.js';

export const machineSlice = z
  .strictObject({
    reserved_cpus: cpuList
      .min(1, { error: 'reserved, or a CPU list such as 0-3' })
      .optional()
      .describe(
        'CPUs that no thread of a domain may use: reserved (those of vcpu-pinning), or a list such as 0-3',
      ),
    reserved_host_memory_mb: z
      .int()
      .min(64)
      .max(2 ** 30)
      .optional()
      .describe('memory that all domains together leave to the host, in MiB'),
    ...common('machine-slice'),
  })
  .refine((value) => (value.reserved_cpus ?? value.reserved_host_memory_mb) !== undefined, {
    error: 'reserved_cpus or reserved_host_memory_mb, or both',
  });

export type MachineSliceSettings = z.infer<typeof machineSlice>;
