/** Kernel samepage merging. Kernel: Documentation/admin-guide/mm/ksm.rst. */
import { z } from 'zod';
import { common, uint32 } from './common.js';

const percent = z.int().min(1).max(100);

/** What `auto` goes by where the profile does not say otherwise. */
export const ksmDefaults = { maxCpuPercent: 30, onBelowPercent: 20 } as const;

export const ksm = z
  .strictObject({
    run: z
      .enum(['off', 'on', 'auto', 'unmerge'])
      .describe(
        'off keeps merged pages, unmerge gives every page its own copy again, auto merges while it pays',
      ),
    max_cpu_percent: percent
      .optional()
      .describe('cap on the CPU time of ksmd, in percent of one CPU; absent: 30'),
    on_below_percent: z
      .int()
      .min(1)
      .max(89)
      .optional()
      .describe('auto merges while less than this share of memory is available; absent: 20'),
    pages_to_scan: uint32.min(1).optional(),
    sleep_millisecs: uint32.optional(),
    merge_across_nodes: z.boolean().optional(),
    use_zero_pages: z.boolean().optional(),
    smart_scan: z.boolean().optional(),
    max_page_sharing: z.int().min(2).max(2_147_483_647).optional(),
    stable_node_chains_prune_millisecs: uint32.optional(),
    advisor: z
      .enum(['none', 'scan-time'])
      .optional()
      .describe('scan-time: the kernel sets pages_to_scan by how long a scan takes'),
    advisor_target_scan_time: uint32
      .min(1)
      .optional()
      .describe('seconds in which the advisor wants all memory scanned'),
    advisor_max_cpu: percent.optional().describe('absent, with the advisor: max_cpu_percent'),
    ...common('ksm'),
  })
  .refine(({ advisor, pages_to_scan }) => advisor !== 'scan-time' || pages_to_scan === undefined, {
    path: ['pages_to_scan'],
    error: 'none with advisor: scan-time, which sets it itself',
  })
  .refine(
    ({ advisor, advisor_max_cpu, advisor_target_scan_time }) =>
      advisor === 'scan-time' || (advisor_max_cpu ?? advisor_target_scan_time) === undefined,
    {
      path: ['advisor'],
      error: 'scan-time with advisor_max_cpu or advisor_target_scan_time: without it these do nothing',
    },
  );

export type KsmSettings = z.infer<typeof ksm>;
