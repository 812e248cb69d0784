/** What some cell of a host must have for the first guest cell, in columns: without it no choice of cells is right. */
import type { Column } from '../../fleet/registry-columns.js';
import type { PagePool } from '../../model/host-numa.js';
import type { CellMeasure, CellRoom } from './cell-room.js';
import type { CellSummary } from './cell-summary.js';
import type { FirstCell } from './fits-host.js';

const freeCpus: CellMeasure = { name: 'cpus', of: (cell) => cell.freeCpus };
const freeMemory: CellMeasure = { name: 'memory', of: (cell) => cell.freeMemoryMb };

/** vCPUs that the thread policy isolate has room for. */
const wholeCores: CellMeasure = {
  name: 'whole-cores',
  of: ({ mayIsolate, coresWith, threadsPerCore }) => (mayIsolate ? (coresWith[threadsPerCore] ?? 0) : 0),
};

/** vCPUs that the thread policy require has room for. */
const siblings: CellMeasure = {
  name: 'siblings',
  of: ({ coresWith }) =>
    coresWith.reduce((most, cores, threads) => (threads < 2 ? most : Math.max(most, threads * cores)), 0),
};

/** KiB free in pages of a size, or of the sizes that one of Nova's words names. */
function freePages(pageSize: number): CellMeasure {
  return {
    name: `pages ${pageSize}`,
    of: (cell) => poolsOf(cell, pageSize).reduce((most, pool) => Math.max(most, freeKb(pool)), -Infinity),
  };
}

function poolsOf({ pages }: CellSummary, pageSize: number): readonly PagePool[] {
  if (pageSize === -1) return pages.slice(-1);
  if (pageSize === -2) return pages.slice(0, -1);
  return pageSize === -3 ? pages : pages.filter(({ sizeKb }) => sizeKb === pageSize);
}

function freeKb({ sizeKb, total, used, reserved }: PagePool): number {
  return (total - used - reserved) * sizeKb;
}

/** Columns and the least of each that a host must have. */
export function leastRoom(
  room: CellRoom,
  first: FirstCell | undefined,
): { column: Column; minimum: number }[] {
  if (!first) return [];
  const { needs, pageSize, emulatorCpus } = first;
  const { dedicatedVcpus, memoryMb, threadPolicy } = needs;
  const least: [CellMeasure, number][] = [];
  if (needs.isPinned) least.push([freeCpus, dedicatedVcpus + emulatorCpus], [freeMemory, memoryMb]);
  if (needs.isPinned && threadPolicy === 'isolate') least.push([wholeCores, dedicatedVcpus]);
  if (needs.isPinned && threadPolicy === 'require') least.push([siblings, dedicatedVcpus]);
  if (pageSize) least.push([freePages(pageSize), memoryMb * 1024]);
  return least.map(([measure, minimum]) => ({ column: room.column(measure), minimum }));
}
