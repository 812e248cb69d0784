/** Frequency governor of CPUs. Kernel: Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst. */
import { z } from 'zod';
import { common, cpuList } from './common.js';

export const cpuGovernor = z
  .strictObject({
    governor: z
      .enum(['performance', 'powersave', 'schedutil', 'ondemand', 'conservative', 'userspace'])
      .optional()
      .describe('how the kernel chooses the frequency of a CPU'),
    userspace_khz: z
      .int()
      .min(1)
      .max(100_000_000)
      .optional()
      .describe('the frequency that governor userspace holds, in kHz'),
    cpus: cpuList.optional().describe('CPUs such as 4-$; all when absent'),
    energy_performance_preference: z
      .enum(['performance', 'balance_performance', 'balance_power', 'power'])
      .optional()
      .describe('hint to the processor between speed and power, where the driver has it'),
    ...common('cpu-governor'),
  })
  .refine((value) => value.governor !== undefined || value.energy_performance_preference !== undefined, {
    error: 'governor or energy_performance_preference, or both',
  })
  .refine((value) => (value.governor === 'userspace') === (value.userspace_khz !== undefined), {
    error: 'with governor userspace, and only there, the frequency in kHz',
    path: ['userspace_khz'],
  });

export type CpuGovernorSettings = z.infer<typeof cpuGovernor>;
