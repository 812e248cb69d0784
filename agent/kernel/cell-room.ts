/** How much memory a NUMA cell still has to give (its meminfo and pools: admin-guide/mm/hugetlbpage.rst, proc(5)). */
import { poolPlaces, readPool } from './hugepage-pools.js';
import { readMeminfo } from './procfs.js';
import type { KernelRoot } from './root.js';

export interface CellRoom {
  readonly totalBytes: number;
  /** Free, and page cache of files that nobody used lately. A cell has no MemAvailable of its own. */
  readonly availableBytes: number;
}

/** Room of a cell; undefined: the kernel does not tell. */
export function readCellRoom(kernel: KernelRoot, cell: number): CellRoom | undefined {
  const sizes = readMeminfo(kernel, `/sys/devices/system/node/node${cell}/meminfo`);
  const [totalBytes, freeBytes] = [sizes?.get('MemTotal'), sizes?.get('MemFree')];
  if (totalBytes === undefined || freeBytes === undefined) return undefined;
  return { totalBytes, availableBytes: freeBytes + (sizes?.get('Inactive(file)') ?? 0) };
}

/** Free huge pages. */
export interface FreePool {
  readonly cell: number;
  readonly sizeKb: number;
  readonly bytes: number;
}

/** Free huge pages of every cell and size; empty on a host without NUMA cells. */
export function readFreePools(kernel: KernelRoot): FreePool[] {
  return poolPlaces(kernel).flatMap((place) => {
    const counts = place.cell === undefined ? undefined : readPool(kernel, place);
    if (place.cell === undefined || !counts) return [];
    return [{ cell: place.cell, sizeKb: place.sizeKb, bytes: counts.free * place.sizeKb * 1024 }];
  });
}
