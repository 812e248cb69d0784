/** Proportional weight of domains on a disk. Kernel: Documentation/block/bfq-iosched.rst, cgroup-v2.rst io.weight. */
import { z } from 'zod';
import { common, override } from './common.js';

/** libvirt's range of <blkiotune><weight>. */
export const blockWeightRange = { lowest: 10, highest: 1000 } as const;

export const blockWeight = z.strictObject({
  weight: z
    .int()
    .min(blockWeightRange.lowest)
    .max(blockWeightRange.highest)
    .optional()
    .describe('share of the disk beside other domains, 10..1000; absent: domains with the extra spec alone'),
  override_explicit: override,
  ...common('block-weight'),
});

export type BlockWeightSettings = z.infer<typeof blockWeight>;
