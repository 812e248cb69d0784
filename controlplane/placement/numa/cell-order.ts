/** In which order the cells of a host are tried. Nova `hardware.numa_fit_instance_to_host`. Pure. */
import type { GuestNuma } from '../../model/guest-numa.js';
import type { PciPool } from '../../model/host-details.js';
import type { CellSummary } from './cell-summary.js';

/**
 * Numbers of the host's cells, first tried first. With more cells than the guest has, the emptiest come first, by memory, then
 * by CPUs, which weighs more, then by devices, which weighs most; `packs` turns the first two round. With as many cells they
 * keep their order.
 */
export function cellOrder(
  host: readonly CellSummary[],
  guest: GuestNuma,
  packs: boolean,
  pools: readonly PciPool[] | undefined,
  wantsDevices: boolean,
): number[] {
  const order = host.map((_, index) => index);
  if (host.length <= guest.cells.length) return order;
  const at = (index: number) => host[index] as CellSummary;
  const ascending = packs ? 1 : -1;
  order.sort((a, b) => ascending * (at(a).freeMemoryMb - at(b).freeMemoryMb));
  const policy = guest.cells[0]?.cpuPolicy ?? 'shared';
  if (policy === 'shared') order.sort((a, b) => -ascending * (at(a).cell.vcpusUsed - at(b).cell.vcpusUsed));
  else order.sort((a, b) => ascending * (at(a).freeCpus - at(b).freeCpus));
  if (pools) {
    const devices = host.map(({ cell }) => devicesAt(pools, cell.id));
    const few = wantsDevices ? -1 : 1;
    order.sort((a, b) => few * ((devices[a] as number) - (devices[b] as number)));
  }
  return order;
}

function devicesAt(pools: readonly PciPool[], cell: number): number {
  return pools.reduce((sum, { numaCell, count }) => (numaCell === cell ? sum + count : sum), 0);
}
