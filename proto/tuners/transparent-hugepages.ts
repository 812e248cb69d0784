/** Transparent hugepages. Kernel: Documentation/admin-guide/mm/transhuge.rst. */
import { z } from 'zod';
import { common, uint32 } from './common.js';

/** Entries of a huge page's table less one; x86-64 with 4 KiB pages has 511. */
const entries = z.int().min(0).max(8191);

export const transparentHugepages = z.strictObject({
  enabled: z.enum(['always', 'madvise', 'never']),
  defrag: z.enum(['always', 'defer', 'defer+madvise', 'madvise', 'never']).optional(),
  shmem_enabled: z.enum(['always', 'within_size', 'advise', 'never', 'deny', 'force']).optional(),
  use_zero_page: z.boolean().optional(),
  khugepaged_defrag: z.boolean().optional(),
  khugepaged_pages_to_scan: uint32.min(1).optional(),
  khugepaged_scan_sleep_millisecs: uint32.optional(),
  khugepaged_alloc_sleep_millisecs: uint32.optional(),
  khugepaged_max_ptes_none: entries.optional(),
  khugepaged_max_ptes_swap: entries.optional(),
  khugepaged_max_ptes_shared: entries.optional(),
  ...common('transparent-hugepages'),
});

export type TransparentHugepagesSettings = z.infer<typeof transparentHugepages>;
