/**
 * What guests take of a host's cells. Nova `hardware.numa_usage_from_instance_numa`. Nothing is changed: what comes back has
 * new cells where something changed and the same ones elsewhere.
 */
import type { GuestCellPlacement } from '../../../proto/gen/drover/v1/GuestCellPlacement.js';
import type { HostCell, HostNuma, PagePool } from '../../model/host-numa.js';
import type { FittedCell } from './place-guest.js';

/** A fit as an allocation keeps it. An isolated vCPU holds the other threads of its core too: `idle_cpus`. */
export function placementsOf(host: HostNuma, fitted: readonly FittedCell[]): GuestCellPlacement[] {
  return fitted.map(({ guest, hostCell, pageSize, pinning, emulatorCpus }, guestCell) => {
    const used = [...pinning.map(([, cpu]) => cpu), ...emulatorCpus];
    const cell = host.cells.find(({ id }) => id === hostCell);
    return {
      guestCell,
      hostCell,
      memoryMb: guest.memoryMb,
      pageSizeKb: pageSize ?? 0,
      sharedVcpus: guest.sharedVcpus.length,
      pinning: Object.fromEntries(pinning),
      emulatorCpus: [...emulatorCpus],
      idleCpus: guest.threadPolicy === 'isolate' && cell ? siblingsOf(cell, used) : [],
    };
  });
}

function siblingsOf({ siblings }: HostCell, cpus: readonly number[]): number[] {
  const whole = siblings.filter((threads) => threads.some((cpu) => cpus.includes(cpu))).flat();
  return whole.filter((cpu) => !cpus.includes(cpu)).toSorted((a, b) => a - b);
}

/** The pCPUs that a placement holds alone. */
function heldCpus({ pinning, emulatorCpus, idleCpus }: GuestCellPlacement): number[] {
  return [...Object.values(pinning), ...emulatorCpus, ...idleCpus];
}

/**
 * The host with the placements on it; undefined where it has no such cell, or where a pCPU is not there, not dedicated, or
 * taken. Nova's filter lets some such hosts pass, and its accounting then raises.
 */
export function consume(host: HostNuma, placements: readonly GuestCellPlacement[]): HostNuma | undefined {
  let after: HostNuma | undefined = host;
  for (const placement of placements) after = after && consumeOne(after, placement);
  return after;
}

function consumeOne(host: HostNuma, placement: GuestCellPlacement): HostNuma | undefined {
  const index = host.cells.findIndex(({ id }) => id === placement.hostCell);
  const cell = host.cells[index];
  if (!cell) return undefined;
  const cpus = heldCpus(placement);
  const [dedicated, pinned] = [new Set(cell.dedicatedCpus), new Set(cell.pinnedCpus)];
  for (const cpu of cpus) {
    if (!dedicated.has(cpu) || pinned.has(cpu)) return undefined;
    pinned.add(cpu);
  }
  return { cells: host.cells.with(index, used(cell, placement, 1, pinned)) };
}

/** The host without the placements. What it no longer has is passed over: a release never fails. */
export function giveBack(host: HostNuma, placements: readonly GuestCellPlacement[]): HostNuma {
  const cells = host.cells.slice();
  for (const placement of placements) {
    const index = cells.findIndex(({ id }) => id === placement.hostCell);
    const cell = cells[index];
    if (!cell) continue;
    const pinned = new Set(cell.pinnedCpus);
    for (const cpu of heldCpus(placement)) pinned.delete(cpu);
    cells[index] = used(cell, placement, -1, pinned);
  }
  return { cells };
}

/** A cell with `sign` times a placement added; counts do not go below 0, as in Nova. */
function used(
  cell: HostCell,
  placement: GuestCellPlacement,
  sign: number,
  pinned: ReadonlySet<number>,
): HostCell {
  return {
    ...cell,
    memoryUsedMb: Math.max(0, cell.memoryUsedMb + sign * placement.memoryMb),
    vcpusUsed: Math.max(0, cell.vcpusUsed + sign * placement.sharedVcpus),
    pinnedCpus: [...pinned].toSorted((a, b) => a - b),
    pages: usedPages(cell.pages, placement, sign),
  };
}

/** Without a page size of its own a guest uses the host's smallest pages. */
function usedPages(
  pages: readonly PagePool[],
  placement: GuestCellPlacement,
  sign: number,
): readonly PagePool[] {
  const sizeKb =
    placement.pageSizeKb || pages.reduce((least, pool) => Math.min(least, pool.sizeKb), Infinity);
  const amount = (sign * placement.memoryMb * 1024) / sizeKb;
  return pages.map((pool) =>
    pool.sizeKb === sizeKb ? { ...pool, used: Math.trunc(Math.max(0, pool.used + amount)) } : pool,
  );
}
