/** Manual of the tuner virtual-memory. */
import type { ManualSetting, TunerManual } from './manual.js';

/** A setting that is one file of /proc/sys/vm. */
function file(name: string, since: string, initial: string, values: string, what: string): ManualSetting {
  return { name, what, values, default: initial, writes: `/proc/sys/vm/${name}`, since, effect: 'now' };
}

export const manual: TunerManual = {
  name: 'virtual-memory',
  summary: 'Swapping, write-back of dirty pages, free reserves and NUMA balancing of the host.',
  settings: [
    file(
      'swappiness',
      'Linux 2.6; over 100 since 5.8',
      '60',
      '0..200; 0..100 before Linux 5.8',
      'How gladly the kernel swaps, guests among others, rather than dropping cached files.',
    ),
    file(
      'dirty_ratio',
      'Linux 2.6',
      '20',
      '0..100, percent of available memory',
      'Share of memory that may be dirty before writers have to write themselves; instead of dirty_bytes.',
    ),
    file(
      'dirty_bytes',
      'Linux 2.6.29',
      '0, not in force',
      '8192 and up, bytes (two pages)',
      'The same as an amount; instead of dirty_ratio.',
    ),
    file(
      'dirty_background_ratio',
      'Linux 2.6',
      '10',
      '0..100, percent of available memory',
      'Share of dirty memory at which the kernel begins to write back; instead of dirty_background_bytes.',
    ),
    file(
      'dirty_background_bytes',
      'Linux 2.6.29',
      '0, not in force',
      '1 and up, bytes',
      'The same as an amount; instead of dirty_background_ratio.',
    ),
    file(
      'dirty_expire_centisecs',
      'Linux 2.6',
      '3000',
      '0 and up, hundredths of a second',
      'Age at which dirty pages are written back.',
    ),
    file(
      'dirty_writeback_centisecs',
      'Linux 2.6',
      '500',
      '0 and up, hundredths of a second; 0: never by age',
      'How often the kernel looks for old dirty pages.',
    ),
    file(
      'min_free_kbytes',
      'Linux 2.6',
      'by the size of memory',
      '128 and up, KiB, at most a fifth of memory',
      'Memory that the kernel keeps free for itself.',
    ),
    file(
      'watermark_scale_factor',
      'Linux 4.6; over 1000 since 5.17',
      '10',
      '1..3000, ten-thousandths of memory',
      'How early, and for how much, kswapd frees memory.',
    ),
    file(
      'vfs_cache_pressure',
      'Linux 2.6',
      '100',
      '0 and up, percent',
      'How gladly directory entries and inodes are dropped, against cached files.',
    ),
    file(
      'overcommit_memory',
      'Linux 2.6',
      '0',
      '0 by estimate, 1 always, 2 never more than the limit',
      'Whether the kernel promises more memory than there is.',
    ),
    file(
      'overcommit_ratio',
      'Linux 2.6',
      '50',
      '0 and up, percent of memory',
      'Limit for overcommit_memory 2, swap added; instead of overcommit_kbytes.',
    ),
    file(
      'overcommit_kbytes',
      'Linux 3.14',
      '0, not in force',
      '1 and up, KiB',
      'The same as an amount; instead of overcommit_ratio.',
    ),
    file(
      'zone_reclaim_mode',
      'Linux 2.6.16',
      '0',
      '0..7: 1 reclaim, 2 write dirty pages, 4 swap',
      "Whether a full NUMA cell frees its own memory before another cell's is taken.",
    ),
    {
      ...file(
        'numa_balancing',
        'Linux 3.13; 2 and 3 since 5.18',
        '1 on hosts with several cells',
        '0 off, 1 on, 2 memory tiers, 3 both',
        '',
      ),
      what: 'Whether the kernel moves memory to the cell whose CPUs use it; of little use for guests that are pinned.',
      writes: '/proc/sys/kernel/numa_balancing',
    },
    file(
      'page-cluster',
      'Linux 2.6',
      '3',
      '0..31, power of two of pages',
      'Pages read from swap at once; 0 suits swap on solid-state disks and zram.',
    ),
  ],
  knobs: [
    'dirty_limit',
    'dirty_background_limit',
    'overcommit_limit',
    'swappiness',
    'dirty_expire_centisecs',
    'dirty_writeback_centisecs',
    'min_free_kbytes',
    'watermark_scale_factor',
    'vfs_cache_pressure',
    'zone_reclaim_mode',
    'numa_balancing',
    'page-cluster',
    'overcommit_memory',
  ],
  verify:
    "Every file is read back. The evidence of the dirty limits is the kernel's own threshold from /proc/vmstat, and what is dirty now; that of swappiness is the swap in use.",
  undo: 'Each file gets its former number. A ratio and its amount are one knob, because the kernel sets the one to 0 when the other is written: its value is ratio 20 or bytes 268435456 (kbytes for overcommit_limit), and undo writes the half that was in force.',
  limits: [
    'A ratio and its amount in one profile are refused, and a background limit that is not below the other of the same unit: the kernel would take half of that instead.',
    'Values that this release of the kernel does not take are unsupported on this host.',
    'min_free_kbytes over a fifth of memory is refused: the host would begin to kill programs at once. The kernel sets it itself when memory is added or khugepaged starts: that shows as drift.',
    'A larger min_free_kbytes is held while the increase is more than MemAvailable less 1 % of memory, at least 256 MiB.',
    'overcommit_memory 2 is held while more is promised (Committed_AS) than the limit would allow: every program would be refused memory from then on.',
    'These files are of the whole host; limits for domains are those of the tuner machine-slice.',
  ],
  owners: [
    'tuned.service (plugins vm and sysctl)',
    'systemd-sysctl.service at boot',
    'numad.service (numa_balancing)',
  ],
  sources: [
    'Linux Documentation/admin-guide/sysctl/vm.rst, sysctl/kernel.rst',
    'Bounds and pairs seen on Linux 6.18',
  ],
  example: `virtual-memory:
  swappiness: 1
  dirty_bytes: 1073741824
  dirty_background_bytes: 268435456
  numa_balancing: 0
`,
};
