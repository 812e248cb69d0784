/** Swapping, write-back and NUMA balancing. Kernel: Documentation/admin-guide/sysctl/vm.rst, sysctl/kernel.rst. */
import { z } from 'zod';
import { common } from './common.js';

const percent = z.int().min(0).max(100);
const int32 = z.int().min(0).max(2_147_483_647);
const bytes = z.int().max(2 ** 50);

/** Settings of which the kernel keeps only the one that was written last. */
const exclusive = [
  ['dirty_ratio', 'dirty_bytes'],
  ['dirty_background_ratio', 'dirty_background_bytes'],
  ['overcommit_ratio', 'overcommit_kbytes'],
] as const;

const shape = z.strictObject({
  swappiness: z.int().min(0).max(200).optional().describe('at most 100 before Linux 5.8'),
  dirty_ratio: percent.optional(),
  dirty_bytes: bytes.min(8192).optional().describe('at least two pages'),
  dirty_background_ratio: percent.optional(),
  dirty_background_bytes: bytes.min(1).optional(),
  dirty_expire_centisecs: int32.optional(),
  dirty_writeback_centisecs: int32.optional().describe('0: nothing is written back by age'),
  min_free_kbytes: int32.min(128).optional(),
  watermark_scale_factor: z
    .int()
    .min(1)
    .max(3000)
    .optional()
    .describe('in 1/10000 of memory; 1000 before Linux 5.17'),
  vfs_cache_pressure: int32.optional(),
  overcommit_memory: z.int().min(0).max(2).optional(),
  overcommit_ratio: int32.optional(),
  overcommit_kbytes: z
    .int()
    .min(1)
    .max(2 ** 50)
    .optional(),
  zone_reclaim_mode: z.int().min(0).max(7).optional(),
  numa_balancing: z
    .int()
    .min(0)
    .max(3)
    .optional()
    .describe('kernel.numa_balancing; 2 and 3 since Linux 5.18'),
  'page-cluster': z.int().min(0).max(31).optional(),
  ...common('virtual-memory'),
});

export const virtualMemory = shape.superRefine((settings, context) => {
  for (const [first, second] of exclusive)
    if (settings[first] !== undefined && settings[second] !== undefined)
      context.addIssue({
        code: 'custom',
        path: [second],
        message: `either ${first} or ${second}: each sets the other to 0`,
      });
  for (const unit of ['ratio', 'bytes'] as const) {
    const [most, background] = [settings[`dirty_${unit}`], settings[`dirty_background_${unit}`]];
    if (most !== undefined && background !== undefined && background >= most)
      context.addIssue({
        code: 'custom',
        path: [`dirty_background_${unit}`],
        message: `less than dirty_${unit}: the kernel would take half of that instead`,
      });
  }
});

export type VirtualMemorySettings = z.infer<typeof virtualMemory>;
