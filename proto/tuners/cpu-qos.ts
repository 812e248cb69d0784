/** CFS bandwidth and shares by domain. Kernel: Documentation/scheduler/sched-bwc.rst; libvirt: virDomainSetSchedulerParametersFlags. */
import { z } from 'zod';
import { common, override } from './common.js';

export const cpuQos = z
  .strictObject({
    vcpu_period_us: z
      .int()
      .min(1_000)
      .max(1_000_000)
      .optional()
      .describe('CFS period of each vCPU, 1000..1000000'),
    vcpu_quota_us: z
      .int()
      .refine((value) => value === -1 || (value >= 1_000 && value <= 17_592_186_044_415), {
        error: '-1 (no limit) or 1000..17592186044415',
      })
      .optional()
      .describe('CPU time of each vCPU in a period; -1: no limit'),
    cpu_shares: z
      .int()
      .min(2)
      .max(262_144)
      .optional()
      .describe('cgroup v1 shares 2..262144; on v2 they become cpu.weight = shares × 100 / 1024, 2..10000'),
    ecu_per_pcpu: z
      .number()
      .max(1_000_000)
      .refine((value) => value > 0, {
        error: 'a number above 0: the ECUs that one pCPU of the host delivers',
      })
      .optional()
      .describe('ECUs that one pCPU of this host delivers: flavors with ECUs become quota and shares'),
    ecu_spec: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe("extra spec that holds a flavor's ECUs for the whole domain; drover:ecu when absent"),
    override_explicit: override,
    ...common('cpu-qos'),
  })
  .refine((value) => value.ecu_spec === undefined || value.ecu_per_pcpu !== undefined, {
    error: 'ecu_spec needs ecu_per_pcpu',
    path: ['ecu_spec'],
  });

export type CpuQosSettings = z.infer<typeof cpuQos>;
