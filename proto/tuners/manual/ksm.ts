/** Manual of the tuner ksm. */
import type { ManualSetting, TunerManual } from './manual.js';

const folder = '/sys/kernel/mm/ksm';

/** A setting that is one file of KSM. */
function file(name: string, since: string, initial: string, values: string, what: string): ManualSetting {
  return { name, what, values, default: initial, writes: `${folder}/${name}`, since, effect: 'now' };
}

export const manual: TunerManual = {
  name: 'ksm',
  summary: 'Kernel samepage merging: equal pages of guests are kept once, while that pays.',
  settings: [
    {
      ...file('run', 'Linux 2.6.32', 'off', 'off, on, auto, unmerge', ''),
      what: 'Whether ksmd scans: off keeps what is merged, unmerge gives every page its own copy again, auto decides in each pass.',
    },
    {
      name: 'max_cpu_percent',
      what: 'Cap on the CPU time of ksmd: auto stops it when its mean over five minutes is higher, and with the advisor it is advisor_max_cpu.',
      values: '1..100, percent of one CPU',
      default: '30',
      writes: 'nothing by itself',
      since: 'any',
      effect: 'now',
    },
    {
      name: 'on_below_percent',
      what: 'auto merges while a smaller share of memory than this is available, and stops at ten points more.',
      values: '1..89, percent of MemTotal',
      default: '20',
      writes: 'nothing by itself',
      since: 'Linux 3.14 (MemAvailable)',
      effect: 'now',
    },
    file(
      'pages_to_scan',
      'Linux 2.6.32',
      '100',
      '1 and up, pages',
      'Pages that ksmd looks at before it sleeps.',
    ),
    file(
      'sleep_millisecs',
      'Linux 2.6.32',
      '20',
      '0 and up, milliseconds',
      'How long ksmd sleeps in between.',
    ),
    file(
      'merge_across_nodes',
      'Linux 3.9',
      'true',
      'true, false',
      'Whether pages of different NUMA cells are merged; it can change only while nothing is merged.',
    ),
    file(
      'use_zero_pages',
      'Linux 4.12',
      'false',
      'true, false',
      "Whether empty pages become the kernel's zero page; for pages that are merged from then on.",
    ),
    file(
      'smart_scan',
      'Linux 6.7',
      'true',
      'true, false',
      'Whether pages that could not be merged in former scans are left out of some scans.',
    ),
    file(
      'max_page_sharing',
      'Linux 4.13',
      '256',
      '2 and up, pages',
      'How many pages one page may stand for; it can change only while nothing is merged.',
    ),
    file(
      'stable_node_chains_prune_millisecs',
      'Linux 4.13',
      '2000',
      '0 and up, milliseconds',
      'How often the bookkeeping of pages at max_page_sharing is cleaned.',
    ),
    {
      ...file('advisor', 'Linux 6.8', 'none', 'none, scan-time', ''),
      what: 'scan-time lets the kernel set pages_to_scan by how long a scan takes.',
      writes: `${folder}/advisor_mode`,
    },
    file(
      'advisor_target_scan_time',
      'Linux 6.8',
      '200',
      '1 and up, seconds',
      'In which time the advisor wants all memory scanned.',
    ),
    file(
      'advisor_max_cpu',
      'Linux 6.8',
      'the value of max_cpu_percent; the kernel itself has 70',
      '1..100, percent of one CPU',
      'CPU time that the advisor lets ksmd take.',
    ),
  ],
  knobs: [
    'run',
    'pages_to_scan',
    'sleep_millisecs',
    'merge_across_nodes',
    'use_zero_pages',
    'smart_scan',
    'max_page_sharing',
    'stable_node_chains_prune_millisecs',
    'advisor_target_scan_time',
    'advisor_max_cpu',
  ],
  verify:
    'Every file is read back. The evidence of run: pages shared and sharing, bytes saved, profit (general_profit since Linux 6.4, else the formula of ksm.rst with 64 bytes for each scanned page), and the mean CPU time of ksmd over five minutes from /proc/PID/stat. unmerge is done only when pages_shared is 0.',
  undo: 'Each file gets its former number. pages_to_scan and the advisor are one knob, since the kernel resets pages_to_scan when its advisor is turned on or off: its value is a number, or scan-time. merge_across_nodes and max_page_sharing cannot be undone while pages are merged (pages_shared over 0): undo fails with "needs run: unmerge first" and says whether there is room for that; after a pass with run: unmerge it succeeds.',
  limits: [
    'auto turns on when less than on_below_percent of memory is available, or when active domains were given more memory (huge pages left out on both sides) than the host has.',
    'auto turns off when ksmd took more than max_cpu_percent for five minutes (it rests until the mean has fallen to half of the cap), when profit is negative after a full scan (tried again after an hour), or when on_below_percent + 10 points of memory are available and nothing is overcommitted. Off keeps merged pages.',
    'auto decides once in each pass, every 28 seconds by default. While libvirt does not answer it does not turn off for plenty of memory.',
    'With run: on, max_cpu_percent stops nothing unless the advisor is used.',
    'unmerge is held, and refused at the write, unless there is room for 1.2 times what the merged pages will take: in MemAvailable, and below the memory limit of the group of all domains (machine-slice), where one is set.',
    'merge_across_nodes and max_page_sharing are held while pages are merged, and a write then fails: the kernel would answer EBUSY.',
    'pages_to_scan is held while somebody else has turned the advisor on; advisor: none takes it over.',
    'Only memory that QEMU marks as mergeable is scanned: a domain with <nosharepages/>, on huge pages or with shared memory never is.',
    'Merging across guests can be observed by guests through timing; hosts of mutually distrustful guests may want it off.',
  ],
  owners: ['ksmtuned.service', 'ksm.service', 'mom-vdsm.service (oVirt)'],
  sources: [
    'Linux Documentation/admin-guide/mm/ksm.rst and mm/ksm.c',
    'Behaviour of the advisor and of unmerging seen on Linux 6.18',
  ],
  example: `ksm:
  run: auto
  max_cpu_percent: 30
  on_below_percent: 20
  advisor: scan-time
`,
};
