/**
 * From which NUMA cells a domain's threads may take memory (cpuset.mems: admin-guide/cgroup-v1/cpusets.rst,
 * cgroup-v2.rst), and on which cells what it has lies (memory.numa_stat of the same documents; proc(5), numa_maps).
 */
import { dirname } from 'node:path';
import type { CgroupFacts } from '../../proto/gen/drover/v1/CgroupFacts.js';
import { formatCpuSet, parseCpuSet } from '../../proto/wire/cpu-set.js';
import { controllerVersion, domainGroup } from './cgroup.js';
import { derived } from './derived.js';
import { allowedCellList } from './procfs.js';
import type { KernelRoot } from './root.js';

/** One group of a domain's threads: `emulator`, `vcpu0`, `iothread1`; empty name: the domain's whole group. */
export interface CellGroup {
  readonly name: string;
  /** A file as a host path. */
  readonly file: string;
  /** Ascending; on v2 those in effect where the group says none of its own. */
  readonly cells: readonly number[];
}

/** Where no group of a domain says any cells (v2): those of the groups above count. */
export const inheritedCells = 'inherited';

const threadGroup = /^(?:emulator|vcpu\d+|iothread\d+)$/;

/** The groups of a domain's threads with their cells; empty where it has no cpuset group. */
export function readCellGroups(root: KernelRoot, layout: CgroupFacts, pid: number): CellGroup[] {
  const directory = domainGroup(root, layout, pid, 'cpuset');
  if (directory === undefined) return [];
  const names = root.list(directory).filter((name) => threadGroup.test(name));
  return (names.length > 0 ? names : ['']).flatMap((name) => {
    const file = `${directory}/${name === '' ? '' : `${name}/`}cpuset.mems`;
    const own = root.read(file);
    // v2: an empty list means that of the group above, and no group with processes takes it back (ENOSPC): what counts is
    // in cpuset.mems.effective, and that is what an undo can write.
    const text = own === '' ? (root.read(`${file}.effective`) ?? own) : own;
    if (text === undefined) return [];
    return [{ name, file, cells: derived(root, `cells ${text}`, () => parseCpuSet(text, file)) }];
  });
}

/** How much memory lies on each cell. */
export interface CellMemory {
  readonly unit: 'pages' | 'KiB';
  readonly byCell: ReadonlyMap<number, number>;
  /** Of memory on hugetlbfs: KiB of its pages; 0: they are of several sizes. */
  readonly pageKb?: number;
}

/**
 * Anonymous and shared memory that is charged to the domain, by cell: counters of the kernel, so it costs one read
 * however large the guest is. Pages on hugetlbfs are not charged here. Undefined: no memory controller.
 */
export function readChargedMemory(
  root: KernelRoot,
  layout: CgroupFacts,
  pid: number,
): CellMemory | undefined {
  const directory = domainGroup(root, layout, pid, 'memory');
  if (directory === undefined) return undefined;
  // On v2 the inner group of libvirt may be without the controller; the scope above it has it.
  const text =
    root.read(`${directory}/memory.numa_stat`) ?? root.read(`${dirname(directory)}/memory.numa_stat`);
  if (text === undefined) return undefined;
  const isV1 = controllerVersion(layout, 'memory') === 1;
  const wanted = isV1 ? /^hierarchical_(?:anon|unevictable)=/ : /^(?:anon|shmem) /;
  const byCell = new Map<number, number>();
  for (const line of text.split('\n').filter((each) => wanted.test(each)))
    for (const [, cell, amount] of line.matchAll(/ N(\d+)=(\d+)/g))
      add(byCell, Number(cell), isV1 ? Number(amount) : Number(amount) / 1024);
  return { unit: isV1 ? 'pages' : 'KiB', byCell };
}

/** Memory of a process on hugetlbfs, by cell in KiB, from /proc/PID/numa_maps; undefined where that cannot be read. */
export function readHugetlbMemory(root: KernelRoot, pid: number): CellMemory | undefined {
  const text = root.read(`proc/${pid}/numa_maps`);
  if (text === undefined) return undefined;
  const byCell = new Map<number, number>();
  const sizes = new Set<number>();
  for (const line of text.split('\n').filter((each) => / huge(?: |$)/.test(each))) {
    const pageKib = Number(/ kernelpagesize_kB=(\d+)/.exec(line)?.[1] ?? 0);
    sizes.add(pageKib);
    for (const [, cell, pages] of line.matchAll(/ N(\d+)=(\d+)/g))
      add(byCell, Number(cell), Number(pages) * pageKib);
  }
  return { unit: 'KiB', byCell, pageKb: sizes.size === 1 ? ([...sizes][0] ?? 0) : 0 };
}

function add(sums: Map<number, number>, cell: number, amount: number): void {
  sums.set(cell, (sums.get(cell) ?? 0) + amount);
}

/** Cells whose memory the kernel can use, ascending; undefined on a host without NUMA. */
export function readMemoryCells(root: KernelRoot): number[] | undefined {
  const file = 'sys/devices/system/node/has_memory';
  const text = root.read(file);
  return text === undefined ? undefined : parseCpuSet(text, file);
}

/** Cells that a process may take memory from, ascending: the effect of its cpuset (proc(5), Mems_allowed_list). */
export function allowedCells(root: KernelRoot, pid: number): number[] | undefined {
  const list = allowedCellList(root, pid, pid);
  return list === undefined ? undefined : parseCpuSet(list, 'Mems_allowed_list');
}

/** Equal cells of all groups as a list; `inherited` where no group says any; else `mixed emulator=0 vcpu0=0-1`. */
export function formatCells(groups: readonly CellGroup[]): string {
  // Groups of one look often share their cells: each is written out once.
  const lists = new Set([...new Set(groups.map(({ cells }) => cells))].map(formatCpuSet));
  const [only = ''] = lists;
  if (lists.size === 1) return only === '' ? inheritedCells : only;
  return `mixed ${groups.map(({ name, cells }) => `${name}=${formatCpuSet(cells)}`).join(' ')}`;
}
