/** What a host is, from its facts. What the host has not is left out, as in the facts themselves. */
import type { BlockDevice } from '../../../proto/gen/drover/v1/BlockDevice.js';
import type { CgroupFacts } from '../../../proto/gen/drover/v1/CgroupFacts.js';
import type { CpuFacts } from '../../../proto/gen/drover/v1/CpuFacts.js';
import type { HostFacts } from '../../../proto/gen/drover/v1/HostFacts.js';
import type { HugepagePool } from '../../../proto/gen/drover/v1/HugepagePool.js';
import type { NumaCell } from '../../../proto/gen/drover/v1/NumaCell.js';
import { tableOf, type Column } from '../../../proto/output/table.js';
import type { Block, Pair } from '../../../proto/output/view.js';
import { formatBytes } from '../../../proto/wire/units.js';
import { nothing, orNothing } from '../../../proto/output/words.js';
import { count, mapText } from './cells.js';
import { devicesText } from './devices.js';

const cellColumns: readonly Column<NumaCell>[] = [
  { heading: 'CELL', align: 'right', cell: (cell) => String(cell.id) },
  { heading: 'CPUS', cell: (cell) => orNothing(cell.cpus) },
  { heading: 'MEMORY', align: 'right', cell: (cell) => formatBytes(cell.memoryBytes) },
  { heading: 'HUGEPAGES', cell: (cell) => poolsText(cell.hugepages) },
  {
    heading: 'DISTANCES',
    cell: (cell) =>
      mapText(Object.fromEntries(Object.entries(cell.distances).map(([id, one]) => [id, String(one)]))),
  },
];

const diskColumns: readonly Column<BlockDevice>[] = [
  { heading: 'DISK', cell: (disk) => disk.name },
  { heading: 'SIZE', align: 'right', cell: (disk) => formatBytes(disk.sizeBytes) },
  {
    heading: 'KIND',
    cell: (disk) => (disk.rotational ? 'rotational' : 'solid state') + (disk.removable ? ', removable' : ''),
  },
  { heading: 'SCHEDULER', cell: (disk) => orNothing(disk.scheduler) },
  { heading: 'QUEUE', align: 'right', cell: (disk) => String(disk.queueRequests) },
  { heading: 'MODEL', cell: (disk) => orNothing(`${disk.vendor} ${disk.model}`.trim()) },
];

/** The facts as blocks; one line that says so where the host has not reported them yet. */
export function factBlocks(facts: HostFacts | null): Block[] {
  if (!facts) return [{ kind: 'text', text: 'The host has reported no facts yet.' }];
  return [
    { kind: 'pairs', title: 'Facts', pairs: factPairs(facts) },
    ...(facts.numaCells.length > 0
      ? [{ kind: 'table', title: 'NUMA cells', table: tableOf(cellColumns, facts.numaCells) } as const]
      : []),
    ...(facts.blockDevices.length > 0
      ? [{ kind: 'table', title: 'Disks', table: tableOf(diskColumns, facts.blockDevices) } as const]
      : []),
  ];
}

function factPairs(facts: HostFacts): Pair[] {
  const { cpu, memory, cgroup, passthrough } = facts;
  const pairs: (Pair | false)[] = [
    cpu !== null && ['Processor', `${cpu.modelName} (${cpu.architecture})`],
    cpu !== null && ['Topology', topologyText(cpu)],
    cpu !== null && cpu.caches.length > 0 && ['Caches', cpu.caches.map(cacheText).join(', ')],
    memory !== null && [
      'Memory',
      `${formatBytes(memory.totalBytes)}, swap ${formatBytes(memory.swapTotalBytes)}`,
    ],
    facts.hugepages.length > 0 && ['Hugepages', poolsText(facts.hugepages)],
    passthrough !== null &&
      passthrough.devices.length > 0 && ['Passthrough', devicesText(passthrough.devices)],
    facts.diskTotalBytes > 0 && ['Images', `${formatBytes(facts.diskTotalBytes)} file system`],
    cgroup !== null && ['Cgroups', cgroupText(cgroup)],
    ['KSM', ksmText(facts.ksm)],
    ['THP', mapText(facts.transparentHugepages)],
    ['Versions', mapText(facts.versions)],
    ['Services', mapText(facts.services)],
    facts.virtualization !== '' && ['Virtualization', facts.virtualization],
    Object.keys(facts.inventory).length > 0 && ['Inventory', mapText(facts.inventory)],
    ...facts.warnings.map((text): Pair => ['Warning', { text, tone: 'warning' }]),
  ];
  return pairs.filter((pair): pair is Pair => pair !== false);
}

/** Sockets, cores and threads in one line, and which of the CPUs are off or isolated. */
export function topologyText(cpu: CpuFacts): string {
  const { threadsPerCoreMin: least, threadsPerCoreMax: most } = cpu;
  const threads = least === most ? count(most, 'thread') : `${least} to ${most} threads`;
  const sizes = `${count(cpu.sockets, 'socket')}, ${count(cpu.cores, 'core')}, ${threads} a core`;
  const offline = cpu.offline === '' ? '' : `, offline ${cpu.offline}`;
  const isolated = cpu.isolated === '' ? '' : `, isolated ${cpu.isolated}`;
  return `${sizes}; online ${orNothing(cpu.online)}${offline}${isolated}`;
}

function cacheText({ level, type, sizeBytes, instances }: CpuFacts['caches'][number]): string {
  const kind = /^data$/i.test(type) ? 'd' : /^instruction$/i.test(type) ? 'i' : '';
  return `L${level}${kind} ${instances}×${formatBytes(sizeBytes)}`;
}

/** Free and all pages of each size: `2 MiB: 512 of 1024 free`. */
export function poolsText(pools: readonly HugepagePool[]): string {
  return orNothing(
    pools.map((pool) => `${formatBytes(pool.sizeBytes)}: ${pool.free} of ${pool.total} free`).join('; '),
  );
}

function cgroupText({ mode, controllers, unified, unifiedControllers }: CgroupFacts): string {
  const first = orNothing(Object.keys(controllers).toSorted().join(' '));
  const second = unified === '' ? '' : `${unified}: ${orNothing(unifiedControllers.join(' '))}`;
  return mode === 'v1'
    ? `v1, ${first}`
    : mode === 'hybrid'
      ? `hybrid, v1 ${first}; v2 at ${second}`
      : mode === 'v2'
        ? `v2 at ${second}`
        : mode;
}

/** Values of `run` in Documentation/admin-guide/mm/ksm.rst. */
const ksmModes: Readonly<Record<string, string>> = { '0': 'off', '1': 'on', '2': 'unmerge' };
const ksmShown = ['pages_to_scan', 'sleep_millisecs', 'merge_across_nodes', 'pages_shared', 'pages_sharing'];

function ksmText(ksm: Readonly<Record<string, string>>): string {
  const run = ksm['run'];
  if (run === undefined) return `${nothing} (the kernel has none)`;
  const rest = ksmShown.filter((name) => ksm[name] !== undefined).map((name) => `${name}=${ksm[name]}`);
  return [ksmModes[run] ?? run, ...rest].join(', ');
}
