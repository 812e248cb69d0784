/** Pools of huge pages as the kernel counts them (admin-guide/mm/hugetlbpage.rst), for each NUMA cell and size. */
import { readMeminfo } from './procfs.js';
import type { KernelRoot } from './root.js';

const hostFolder = '/sys/kernel/mm/hugepages';
const cellsFolder = '/sys/devices/system/node';

export interface PoolPlace {
  readonly sizeKb: number;
  /** Undefined: the host has no NUMA cells. */
  readonly cell: number | undefined;
  readonly folder: string;
}

export interface PoolCounts {
  /** Pages that stay when they are given back: what a profile sets. */
  readonly persistent: number;
  readonly free: number;
  /** Taken on demand beyond the pool, or left over where it shrank below what was in use. */
  readonly surplus: number;
}

/** Every pool by size and cell, cells without memory left out; empty where the kernel has no huge pages. */
export function poolPlaces(kernel: KernelRoot): PoolPlace[] {
  const cells = readCells(kernel);
  if (cells.length === 0) return places(kernel, hostFolder, undefined);
  return cells.flatMap((cell) => places(kernel, `${cellsFolder}/node${cell}/hugepages`, cell));
}

function places(kernel: KernelRoot, folder: string, cell: number | undefined): PoolPlace[] {
  return kernel
    .list(folder)
    .flatMap((each) => {
      const sizeKb = /^hugepages-(\d+)kB$/.exec(each)?.[1];
      return sizeKb === undefined ? [] : [{ sizeKb: Number(sizeKb), cell, folder: `${folder}/${each}` }];
    })
    .toSorted((a, b) => a.sizeKb - b.sizeKb);
}

function readCells(kernel: KernelRoot): number[] {
  return kernel
    .list(cellsFolder)
    .flatMap((entry) => (/^node\d+$/.test(entry) ? [Number(entry.slice(4))] : []))
    .filter((cell) => readMeminfo(kernel, `${cellsFolder}/node${cell}/meminfo`)?.get('MemTotal') !== 0)
    .toSorted((a, b) => a - b);
}

/** Counts of a pool; undefined: it is gone. `nr_hugepages` counts surplus pages too, so that these are taken off. */
export function readPool(kernel: KernelRoot, { folder }: Pick<PoolPlace, 'folder'>): PoolCounts | undefined {
  const total = kernel.read(`${folder}/nr_hugepages`);
  if (total === undefined) return undefined;
  const surplus = Number(kernel.read(`${folder}/surplus_hugepages`) ?? 0);
  const free = Number(kernel.read(`${folder}/free_hugepages`) ?? 0);
  return { persistent: Number(total) - surplus, free, surplus };
}

/** Folder of a size for the whole host, where overcommit and promised pages are counted. */
export function hostPoolFolder(sizeKb: number): string {
  return `${hostFolder}/hugepages-${sizeKb}kB`;
}

/** Pages of a size that were promised to processes and not yet touched, on the whole host. */
export function promisedPages(kernel: KernelRoot, sizeKb: number): number {
  return Number(kernel.read(`${hostPoolFolder(sizeKb)}/resv_hugepages`) ?? 0);
}

/** The file that makes the kernel compact a cell's memory, or that of the whole host (admin-guide/sysctl/vm.rst). */
export function compactFile(kernel: KernelRoot, cell: number | undefined): string {
  const own = `${cellsFolder}/node${cell}/compact`;
  return cell !== undefined && kernel.exists(own) ? own : '/proc/sys/vm/compact_memory';
}
