/** Which pCPUs belong to the host and which to domains. Kernel: sched_setaffinity(2), cpuset; libvirt: virDomainPinVcpuFlags. */
import { z } from 'zod';
import { common, cpuList, override } from './common.js';

/** How the vCPUs of a domain sit: Nova's words of `hw:cpu_policy` that need no mask. */
export const cpuPolicies = ['shared', 'dedicated'] as const;
/** Where the emulator of a domain with dedicated CPUs runs: Nova's words of `hw:emulator_threads_policy`. */
export const emulatorPolicies = ['share', 'isolate'] as const;

export const vcpuPinning = z
  .strictObject({
    reserved: cpuList.optional().describe('CPUs kept for the host, such as 0-3'),
    shared: cpuList.optional().describe('CPUs on which vCPUs of unpinned domains run, such as 4-$'),
    dedicated: cpuList.optional().describe('CPUs of which each serves one vCPU alone, such as 8-$,^12'),
    cpu_policy: z
      .enum(cpuPolicies)
      .optional()
      .describe('for domains without hw:cpu_policy: shared or dedicated'),
    emulator_threads_policy: z
      .enum(emulatorPolicies)
      .optional()
      .describe('for domains without hw:emulator_threads_policy: share or isolate'),
    cross_cell_limit_mb: z
      .int()
      .min(0)
      .max(2 ** 30)
      .optional()
      .describe('a domain below it may leave the NUMA cell of its memory; MiB'),
    override_explicit: override,
    ...common('vcpu-pinning'),
  })
  .refine((value) => (value.shared ?? value.reserved ?? value.dedicated) !== undefined, {
    error: 'reserved, shared or dedicated, or more of them',
  })
  .refine((value) => value.dedicated !== undefined || value.cpu_policy !== 'dedicated', {
    path: ['cpu_policy'],
    error: 'dedicated only with a set of dedicated CPUs',
  })
  .refine((value) => value.dedicated !== undefined || value.emulator_threads_policy === undefined, {
    path: ['emulator_threads_policy'],
    error: 'given only with a set of dedicated CPUs',
  });

export type VcpuPinningSettings = z.infer<typeof vcpuPinning>;
