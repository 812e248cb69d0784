/** Why a guest does not fit a host's cells, and what the host has, in words. */
import type { GuestNuma } from '../../model/guest-numa.js';
import type { HostNuma } from '../../model/host-numa.js';
import { formatCpuSet } from '../../../proto/wire/cpu-set.js';
import { type CellSummary, summariesOf } from './cell-summary.js';
import { type FitAsk, isBound } from './fit-ask.js';
import { cellRefusals, needsOf, refusalOf } from './fit-cell.js';
import { fitAttempts } from './fit-guest.js';
import { haveThreads } from './wants-threads.js';

/** Codes of NUMATopologyFilter; those of single cells stand in the order of `cellRefusals`. */
export const numaReasons = [
  'image-unknown',
  'numa-unknown',
  'numa-cells-short',
  'numa-page-size-missing',
  'numa-pages-short',
  'numa-memory-over-total',
  'numa-dedicated-over-total',
  'numa-shared-over-total',
  'numa-dedicated-short',
  'numa-memory-short',
  'numa-cores-unknown',
  'numa-siblings-short',
  'numa-vcpus-over-ratio',
  'numa-memory-over-ratio',
  'numa-far',
  'numa-together',
] as const;

const reasonIndex = (reason: (typeof numaReasons)[number]) => numaReasons.indexOf(reason);

/**
 * Why a guest that does not fit does not: an index of `numaReasons`. `needsThreads`: nor would it on a host whose cores have one
 * thread.
 */
export function fitReason(host: HostNuma | null, ask: FitAsk, needsThreads = false): number {
  if (!host || host.cells.length === 0) return reasonIndex('numa-unknown');
  if (host.cells.length < ask.guest.cells.length) return reasonIndex('numa-cells-short');
  const refusal = worstRefusal(summariesOf(host), ask);
  if (refusal !== cellRefusals.none) return reasonIndex('numa-cells-short') + refusal;
  if (needsThreads && !haveThreads(summariesOf(host))) return reasonIndex('numa-siblings-short');
  const unbound = { ...ask, network: null, pciRequests: [], budget: { choices: 10_000 } };
  return reasonIndex(isBound(ask) && fitAttempts(host, unbound) ? 'numa-far' : 'numa-together');
}

/** Of the first guest cell that fits no host cell, the refusal of the host cell on which it came furthest. */
function worstRefusal(cells: readonly CellSummary[], { guest, limits }: FitAsk): number {
  for (const [place, asked] of guest.cells.entries()) {
    const emulatorCpus = place === 0 && guest.emulatorThreadsPolicy === 'isolate' ? 1 : 0;
    const refusals = cells.map((cell) =>
      refusalOf(cell, needsOf(asked), asked.pageSize, emulatorCpus, limits),
    );
    if (!refusals.includes(cellRefusals.none)) return Math.max(...refusals);
  }
  return cellRefusals.none;
}

const shownCells = 4;

/** A host's cells: what is free of CPUs, memory and pages. */
export function hostInWords(host: HostNuma | null): string {
  if (!host || host.cells.length === 0) return 'no NUMA cells reported';
  const cells = summariesOf(host).slice(0, shownCells).map(cellInWords);
  const more = host.cells.length - cells.length;
  return more > 0 ? `${cells.join('; ')}; and ${more} cells more` : cells.join('; ');
}

function cellInWords({
  cell,
  freeCpus,
  dedicatedCpus,
  sharedCpus,
  freeMemoryMb,
  threadsPerCore,
}: CellSummary): string {
  const pages = cell.pages.map(
    ({ sizeKb, total, used, reserved }) => `${total - used - reserved} of ${total} pages of ${sizeKb} KiB`,
  );
  const parts = [
    `${freeCpus} of ${dedicatedCpus} dedicated CPUs`,
    `${cell.vcpusUsed} vCPUs on ${sharedCpus} shared CPUs`,
    `${threadsPerCore} threads a core`,
    `${freeMemoryMb} of ${cell.memoryMb} MiB`,
    ...pages,
  ];
  return `cell ${cell.id} has free ${parts.join(', ')}`;
}

/** What a guest asks for, cell by cell. */
export function guestInWords({ cells, emulatorThreadsPolicy }: GuestNuma): string {
  const words = cells
    .slice(0, shownCells)
    .map(({ id, sharedVcpus, dedicatedVcpus, memoryMb, pageSize, threadPolicy }) => {
      const vcpus = [
        sharedVcpus.length > 0 ? `shared vCPUs ${formatCpuSet(sharedVcpus)}` : '',
        dedicatedVcpus.length > 0 ? `dedicated vCPUs ${formatCpuSet(dedicatedVcpus)}` : '',
        threadPolicy ? `threads: ${threadPolicy}` : '',
        `${memoryMb} MiB${pageSize ? ` in ${pagesInWords(pageSize)}` : ''}`,
      ];
      return `cell ${id}: ${vcpus.filter(Boolean).join(', ')}`;
    });
  if (cells.length > shownCells) words.push(`and ${cells.length - shownCells} cells more`);
  if (emulatorThreadsPolicy === 'isolate') words.push('a CPU for emulator threads');
  return words.join('; ');
}

function pagesInWords(pageSize: number): string {
  if (pageSize > 0) return `pages of ${pageSize} KiB`;
  return ['small pages', 'large pages', 'pages of any size'][-pageSize - 1] ?? `pages of ${pageSize} KiB`;
}
