/** Manual of the tuner transparent-hugepages. */
import type { ManualSetting, TunerManual } from './manual.js';

const folder = '/sys/kernel/mm/transparent_hugepage';

/** A setting that is one file of the folder. */
function file(name: string, since: string, initial: string, values: string, what: string): ManualSetting {
  const writes = `${folder}/${name.replace('khugepaged_', 'khugepaged/')}`;
  return { name, what, values, default: initial, writes, since, effect: 'now' };
}

export const manual: TunerManual = {
  name: 'transparent-hugepages',
  summary: 'Huge pages that the kernel makes by itself, for the memory of guests among others.',
  settings: [
    {
      ...file(
        'enabled',
        'Linux 2.6.38',
        'by kernel configuration: madvise or always',
        'always, madvise, never',
        '',
      ),
      what: 'Which anonymous memory gets huge pages; memory that a running guest has touched stays as it is until the guest starts anew.',
      effect: 'domain-restart',
    },
    file(
      'defrag',
      'Linux 2.6.38; defer 4.6, defer+madvise 4.11',
      'madvise',
      'always, defer, defer+madvise, madvise, never',
      'Who waits for a huge page to be made when none is free.',
    ),
    file(
      'shmem_enabled',
      'Linux 4.8',
      'never',
      'always, within_size, advise, never, deny, force',
      'Huge pages for shared memory without a mount of its own: memfd, as of domains with <access mode="shared"/>.',
    ),
    file(
      'use_zero_page',
      'Linux 3.8',
      'true',
      'true, false',
      'Whether reading untouched memory maps the huge zero page.',
    ),
    file(
      'khugepaged_defrag',
      'Linux 2.6.38',
      'true',
      'true, false',
      'Whether khugepaged moves memory together to make huge pages.',
    ),
    file(
      'khugepaged_pages_to_scan',
      'Linux 2.6.38',
      '4096',
      '1 and up, pages',
      'Pages that khugepaged looks at in one pass.',
    ),
    file(
      'khugepaged_scan_sleep_millisecs',
      'Linux 2.6.38',
      '10000',
      '0 and up, milliseconds; 0 takes a whole CPU',
      'How long khugepaged sleeps between passes.',
    ),
    file(
      'khugepaged_alloc_sleep_millisecs',
      'Linux 2.6.38',
      '60000',
      '0 and up, milliseconds',
      'How long khugepaged waits after a huge page could not be had.',
    ),
    file(
      'khugepaged_max_ptes_none',
      'Linux 2.6.38',
      '511',
      '0..511 with 4 KiB pages',
      'Untouched small pages that may be filled up to make a huge one; more take memory that nobody asked for.',
    ),
    file(
      'khugepaged_max_ptes_swap',
      'Linux 4.8',
      '64',
      '0..511 with 4 KiB pages',
      'Pages that may be read from swap to make a huge one.',
    ),
    file(
      'khugepaged_max_ptes_shared',
      'Linux 5.8',
      '256',
      '0..511 with 4 KiB pages',
      'Pages shared by several processes that may be in a huge one.',
    ),
  ],
  knobs: [
    'enabled',
    'defrag',
    'khugepaged/defrag',
    'shmem_enabled',
    'use_zero_page',
    'khugepaged/pages_to_scan',
    'khugepaged/scan_sleep_millisecs',
    'khugepaged/alloc_sleep_millisecs',
    'khugepaged/max_ptes_none',
    'khugepaged/max_ptes_swap',
    'khugepaged/max_ptes_shared',
  ],
  verify:
    'Of a file with choices the word in brackets is read back, of the others the number. The evidence is of the whole host: AnonHugePages for enabled, ShmemHugePages for shmem_enabled (/proc/meminfo), pages_collapsed for khugepaged_defrag.',
  undo: 'Each file gets its former word or number; guests keep the pages that they have.',
  limits: [
    'A word that this kernel does not offer is unsupported on this host.',
    'A plan for enabled names the running domains: they feel it after a restart.',
    'Sizes between small and huge (hugepages-SIZEkB/, Linux 6.8) are not touched.',
    'When khugepaged starts or stops, the kernel may set vm.min_free_kbytes to a value of its own.',
    'deny and force of shmem_enabled are meant for emergencies and tests.',
  ],
  owners: ['tuned.service (transparent_hugepages in its plugin vm)'],
  sources: ['Linux Documentation/admin-guide/mm/transhuge.rst', 'Bounds of the values seen on Linux 6.18'],
  example: `transparent-hugepages:
  enabled: madvise
  defrag: madvise
  khugepaged_max_ptes_none: 64
`,
};
