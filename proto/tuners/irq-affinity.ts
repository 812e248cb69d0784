/** CPUs that serve interrupts. Kernel: Documentation/core-api/irq/irq-affinity.rst. */
import { z } from 'zod';
import { common, cpuList } from './common.js';

export const irqAffinity = z.strictObject({
  keep_off: cpuList
    .min(1, { error: 'dedicated, or a CPU list such as 4-$' })
    .describe('CPUs without interrupts of devices: dedicated (those of vcpu-pinning), or a list such as 4-$'),
  ...common('irq-affinity'),
});

export type IrqAffinitySettings = z.infer<typeof irqAffinity>;
