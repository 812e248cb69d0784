/** Whether one guest cell fits one host cell. Nova `hardware._numa_fit_instance_cell`. Pure, and no allocation. */
import type { PagePool } from '../../model/host-numa.js';
import type { GuestCell, PageSize } from '../../model/guest-numa.js';
import type { CellSummary } from './cell-summary.js';

/** Why a cell does not fit, in the order of the tests: the higher, the further it came. */
export const cellRefusals = {
  none: 0,
  pageSizeMissing: 1,
  pagesShort: 2,
  memoryOverTotal: 3,
  dedicatedOverTotal: 4,
  sharedOverTotal: 5,
  dedicatedShort: 6,
  memoryShort: 7,
  /** Nova raises, and the whole host does not pass. */
  coresUnknown: 8,
  siblingsShort: 9,
  vcpusOverRatio: 10,
  memoryOverRatio: 11,
} as const;
export type CellRefusal = (typeof cellRefusals)[keyof typeof cellRefusals];

/** Ratios of a host for vCPUs and memory that are not dedicated. */
export interface CellLimits {
  readonly cpuAllocationRatio: number;
  readonly ramAllocationRatio: number;
}

/** What a guest cell needs, in numbers. */
export interface CellNeeds {
  readonly sharedVcpus: number;
  readonly dedicatedVcpus: number;
  readonly memoryMb: number;
  /** Policy dedicated or mixed. */
  readonly isPinned: boolean;
  /** Policy shared, mixed or none. */
  readonly isFloating: boolean;
  readonly threadPolicy: string | null;
}

export function needsOf({
  sharedVcpus,
  dedicatedVcpus,
  memoryMb,
  cpuPolicy,
  threadPolicy,
}: GuestCell): CellNeeds {
  return {
    sharedVcpus: sharedVcpus.length,
    dedicatedVcpus: dedicatedVcpus.length,
    memoryMb,
    isPinned: cpuPolicy === 'dedicated' || cpuPolicy === 'mixed',
    isFloating: cpuPolicy !== 'dedicated',
    threadPolicy,
  };
}

/**
 * The page size in KiB that a cell would use for a size asked for: of several the largest that has room. 0: none has; -1: the
 * host cell has no pages of that size.
 */
export function chosenPageSize({ pages }: CellSummary, pageSize: number, memoryMb: number): number {
  if (pageSize > 0 || pageSize < -3) return pageSizeOf(pages, pageSize, memoryMb);
  const from = pageSize === -1 ? pages.length - 1 : 0;
  const end = pageSize === -2 ? pages.length - 1 : pages.length;
  for (let index = Math.max(0, from); index < end; index++)
    if (hasRoom(pages[index] as PagePool, memoryMb)) return (pages[index] as PagePool).sizeKb;
  return 0;
}

function pageSizeOf(pages: readonly PagePool[], sizeKb: number, memoryMb: number): number {
  for (const pool of pages) if (pool.sizeKb === sizeKb) return hasRoom(pool, memoryMb) ? sizeKb : 0;
  return -1;
}

function hasRoom({ sizeKb, total, used, reserved }: PagePool, memoryMb: number): boolean {
  const memoryKb = memoryMb * 1024;
  return memoryKb <= (total - used - reserved) * sizeKb && memoryKb % sizeKb === 0;
}

/**
 * Why a guest cell does not fit, 0 where it does. `reservedCpus`: pCPUs for emulator threads besides; `limits`: null for none.
 * Dedicated guests never overcommit memory; without a page size only the total of small pages counts.
 */
export function refusalOf(
  host: CellSummary,
  needs: CellNeeds,
  pageSize: PageSize,
  reservedCpus: number,
  limits: CellLimits | null,
): CellRefusal {
  const memory = memoryRefusal(host, needs.memoryMb, pageSize);
  if (memory !== cellRefusals.none) return memory;
  const dedicated = needs.dedicatedVcpus + reservedCpus;
  if (needs.isPinned && dedicated > host.dedicatedCpus) return cellRefusals.dedicatedOverTotal;
  if (needs.isFloating && needs.sharedVcpus > host.sharedCpus) return cellRefusals.sharedOverTotal;
  const pinned = needs.isPinned ? pinnedRefusal(host, needs, reservedCpus) : cellRefusals.none;
  if (pinned !== cellRefusals.none || !needs.isFloating || limits === null) return pinned;
  return limitRefusal(host, needs, limits);
}

function memoryRefusal(host: CellSummary, memoryMb: number, pageSize: PageSize): CellRefusal {
  if (pageSize) {
    const chosen = chosenPageSize(host, pageSize, memoryMb);
    if (chosen > 0) return cellRefusals.none;
    return chosen < 0 || host.pages.length === 0 ? cellRefusals.pageSizeMissing : cellRefusals.pagesShort;
  }
  const smallest = host.pages.at(-1);
  if (smallest) {
    const memoryKb = memoryMb * 1024;
    const fits = memoryKb <= smallest.total * smallest.sizeKb && memoryKb % smallest.sizeKb === 0;
    return fits ? cellRefusals.none : cellRefusals.pagesShort;
  }
  return memoryMb > host.cell.memoryMb ? cellRefusals.memoryOverTotal : cellRefusals.none;
}

function pinnedRefusal(host: CellSummary, needs: CellNeeds, reservedCpus: number): CellRefusal {
  if (needs.dedicatedVcpus + reservedCpus > host.freeCpus) return cellRefusals.dedicatedShort;
  if (needs.memoryMb > host.freeMemoryMb) return cellRefusals.memoryShort;
  if (host.threadsPerCore === 0) return cellRefusals.coresUnknown;
  return fitsCores(host, needs, reservedCpus) ? cellRefusals.none : cellRefusals.siblingsShort;
}

/** Whether `pinVcpus` finds pCPUs. A cell of a mixed guest without a dedicated vCPU never fits, as in Nova. */
function fitsCores(
  host: CellSummary,
  { dedicatedVcpus, threadPolicy }: CellNeeds,
  reservedCpus: number,
): boolean {
  const { coresWith, freeThreads, threadsPerCore, mayIsolate } = host;
  if (dedicatedVcpus === 0) return false;
  if (threadPolicy === 'isolate') {
    const isRoom = (coresWith[threadsPerCore] ?? 0) >= dedicatedVcpus;
    return mayIsolate && isRoom && (reservedCpus === 0 || (coresWith[1] ?? 0) > dedicatedVcpus);
  }
  if (freeThreads < dedicatedVcpus + reservedCpus) return false;
  if (threadPolicy !== 'require') return true;
  for (let threads = 2; threads < coresWith.length; threads++)
    if (threads * (coresWith[threads] as number) >= dedicatedVcpus) return threadsPerCore > 1;
  return false;
}

function limitRefusal(host: CellSummary, needs: CellNeeds, limits: CellLimits): CellRefusal {
  const { vcpusUsed, memoryUsedMb, memoryMb } = host.cell;
  if (vcpusUsed + needs.sharedVcpus > host.sharedCpus * limits.cpuAllocationRatio)
    return cellRefusals.vcpusOverRatio;
  return memoryUsedMb + needs.memoryMb > memoryMb * limits.ramAllocationRatio
    ? cellRefusals.memoryOverRatio
    : cellRefusals.none;
}
