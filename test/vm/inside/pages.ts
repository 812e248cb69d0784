/** Settings of memory on two cells: pools of huge pages, KSM, balancing, transparent huge pages. */
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';
import type { Checks } from './checks.js';
import type { LocalHost } from './local-host.js';
import { checkRows, type Rows } from './settings-table.js';

const pool = (cell: number): string =>
  `/sys/devices/system/node/node${cell}/hugepages/hugepages-2048kB/nr_hugepages`;
const ksm = '/sys/kernel/mm/ksm';
const huge = '/sys/kernel/mm/transparent_hugepage';

const settings: TunerSettings = {
  hugepages: {
    pools: [
      { size: '2MiB', cell: 0, pages: 16 },
      { size: '2MiB', cell: 1, pages: 24 },
    ],
  },
  ksm: {
    run: 'on',
    pages_to_scan: 117,
    sleep_millisecs: 35,
    merge_across_nodes: false,
    use_zero_pages: true,
  },
  'virtual-memory': { numa_balancing: 0, zone_reclaim_mode: 1 },
  'transparent-hugepages': { enabled: 'madvise', defrag: 'defer', khugepaged_defrag: false },
};

const rows: Rows = {
  [pool(0)]: '16',
  [pool(1)]: '24',
  [`${ksm}/run`]: '1',
  [`${ksm}/pages_to_scan`]: '117',
  [`${ksm}/sleep_millisecs`]: '35',
  [`${ksm}/merge_across_nodes`]: '0',
  [`${ksm}/use_zero_pages`]: '1',
  '/proc/sys/kernel/numa_balancing': '0',
  '/proc/sys/vm/zone_reclaim_mode': '1',
  [`${huge}/enabled`]: 'always [madvise] never',
  [`${huge}/defrag`]: 'always [defer] defer+madvise madvise never',
  [`${huge}/khugepaged/defrag`]: '0',
};

export const checkPages = (checks: Checks, host: LocalHost): Promise<void> =>
  checkRows(checks, host, 'pages', { settings, rows });
