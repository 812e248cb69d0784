/** Drover's cells in the form of Nova's answers, and what is asked of them where Nova's thread numbers are not specified. */
import type { GuestCell } from '../../controlplane/model/guest-numa.js';
import type { HostCell, HostNuma } from '../../controlplane/model/host-numa.js';
import type { FittedCell } from '../../controlplane/placement/numa/place-guest.js';

export interface ExpectedCell {
  readonly id: number;
  readonly cpuset: readonly number[];
  readonly pcpuset: readonly number[];
  readonly memory: number;
  readonly pagesize: number | null;
  readonly cpu_policy: string | null;
  readonly cpu_thread_policy: string | null;
  readonly cpu_pinning: Readonly<Record<string, number>> | null;
  readonly cpuset_reserved: readonly number[] | null;
}

/** What a host cell holds. */
export interface CellUsage {
  readonly id: number;
  readonly cpu_usage: number;
  readonly memory_usage: number;
  readonly pinned_cpus: readonly number[];
  readonly mempages: readonly { readonly size_kb: number; readonly used: number }[];
}

export interface ExpectedFit {
  readonly fits: boolean;
  readonly cells?: readonly ExpectedCell[];
  readonly usage_after?: readonly CellUsage[];
  readonly usage_error?: string;
  readonly thread_order_unspecified?: boolean;
  /** false: an answer that cannot be right, such as pCPUs of another cell. */
  readonly sane?: boolean;
  readonly stateless?: { readonly fits: boolean; readonly cells: readonly ExpectedCell[] | null };
}

/** Guest cells as asked for, or on host cells. */
export function guestCells(cells: readonly (GuestCell | FittedCell)[]): ExpectedCell[] {
  return cells.map((cell) => {
    const isFitted = 'guest' in cell;
    const guest = isFitted ? cell.guest : cell;
    const hasPins = isFitted && cell.pinning.length > 0;
    return {
      id: isFitted ? cell.hostCell : cell.id,
      cpuset: guest.sharedVcpus,
      pcpuset: guest.dedicatedVcpus,
      memory: guest.memoryMb,
      pagesize: cell.pageSize,
      cpu_policy: guest.cpuPolicy,
      cpu_thread_policy: guest.threadPolicy,
      cpu_pinning: hasPins ? Object.fromEntries(cell.pinning) : null,
      cpuset_reserved: isFitted && cell.emulatorCpus.length > 0 ? cell.emulatorCpus : null,
    };
  });
}

/** What host cells hold, as Nova tells it after a guest is placed. */
export function hostUsage(cells: readonly HostCell[]): CellUsage[] {
  return cells.map(({ id, vcpusUsed, memoryUsedMb, pinnedCpus, pages }) => ({
    id,
    cpu_usage: vcpusUsed,
    memory_usage: memoryUsedMb,
    pinned_cpus: pinnedCpus,
    mempages: pages.map(({ sizeKb, used }) => ({ size_kb: sizeKb, used })),
  }));
}

/** How a fit breaks what it must keep whatever the numbers: cells as Nova's, pCPUs free, distinct, there, by thread policy. */
export function wrongThreads(
  host: HostNuma,
  fitted: readonly FittedCell[],
  { cells = [], sane = true }: ExpectedFit,
): string | undefined {
  for (const [place, cell] of fitted.entries()) {
    const asked = cells[place];
    const on = host.cells.find(({ id }) => id === cell.hostCell);
    if (!asked || !on || cell.hostCell !== asked.id || cell.pageSize !== asked.pagesize)
      return `guest cell ${place} on ${cell.hostCell}, Nova on ${asked?.id}`;
    const why = sane ? wrongCpus(on, cell, asked) : undefined;
    if (why) return `guest cell ${place}: ${why}`;
  }
  return fitted.length === cells.length ? undefined : `${fitted.length} cells, Nova ${cells.length}`;
}

function wrongCpus(
  on: HostCell,
  { guest, pinning, emulatorCpus }: FittedCell,
  asked: ExpectedCell,
): string | undefined {
  const cpus = [...pinning.map(([, cpu]) => cpu), ...emulatorCpus];
  if (new Set(cpus).size < cpus.length) return `pCPUs ${cpus.join()} are not distinct`;
  const isFree = (cpu: number) => on.dedicatedCpus.includes(cpu) && !on.pinnedCpus.includes(cpu);
  if (!cpus.every(isFree)) return `pCPUs ${cpus.join()} are not all free`;
  if (pinning.map(([vcpu]) => vcpu).join() !== Object.keys(asked.cpu_pinning ?? {}).join())
    return 'other vCPUs are pinned than by Nova';
  if (emulatorCpus.length !== (asked.cpuset_reserved?.length ?? 0)) return 'other emulator CPUs than by Nova';
  const byCore = on.siblings.map((threads) => pinning.filter(([, cpu]) => threads.includes(cpu)).length);
  const widest = Math.max(...byCore);
  const theirs = on.siblings.map(
    (threads) => Object.values(asked.cpu_pinning ?? {}).filter((cpu) => threads.includes(cpu)).length,
  );
  if (guest.threadPolicy === 'isolate' && widest > 1) return 'isolated vCPUs share a core';
  return ascending(byCore) === ascending(theirs) ? undefined : 'vCPUs spread over cores as Nova does not';
}

function ascending(counts: readonly number[]): string {
  return counts.toSorted((a, b) => a - b).join();
}
