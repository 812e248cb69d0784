/** Taking passthrough devices out of a host's pools and putting them back. Nova `PciDeviceStats.apply_requests`. Pure. */
import type { PciPool } from '../../model/host-details.js';
import type { PciRequest } from '../../model/pci-request.js';
import { type Nearness, poolsFor } from './match-devices.js';

/** The pools after a claim, and what was taken of each. */
export interface DeviceClaim {
  readonly left: readonly PciPool[];
  readonly taken: readonly PciPool[];
}

/**
 * Takes what the requests ask for, one after the other; undefined where one of them finds too few. Pools with fewer tags are
 * used first, then in the host's order; a pool that is used up is left out. `nearness`: null for a virtual machine without
 * NUMA cells.
 */
export function claimDevices(
  pools: readonly PciPool[],
  requests: readonly PciRequest[],
  nearness: Nearness | null,
): DeviceClaim | undefined {
  let left = byTags(pools);
  const taken: PciPool[] = [];
  for (const request of requests) {
    const sources = poolsFor(left, request, nearness);
    if (!sources) return undefined;
    left = take(left, sources, request.count, taken);
  }
  return { left, taken };
}

/** Whether a host's pools can serve the requests; a host that reports no devices cannot. */
export function supportsDevices(
  pools: readonly PciPool[] | undefined,
  requests: readonly PciRequest[],
  nearness: Nearness | null,
): boolean {
  return pools !== undefined && claimDevices(pools, requests, nearness) !== undefined;
}

function byTags(pools: readonly PciPool[]): readonly PciPool[] {
  const tagsOf = (pool: PciPool) => Object.keys(pool.tags).length;
  return pools.length < 2 ? pools : pools.toSorted((a, b) => tagsOf(a) - tagsOf(b));
}

function take(
  pools: readonly PciPool[],
  sources: readonly PciPool[],
  count: number,
  taken: PciPool[],
): readonly PciPool[] {
  const rest = new Map<PciPool, number>();
  let missing = count;
  for (const pool of sources) {
    if (missing === 0) break;
    const amount = Math.min(pool.count, missing);
    missing -= amount;
    rest.set(pool, pool.count - amount);
    if (amount > 0) taken.push({ ...pool, count: amount });
  }
  return pools.flatMap((pool) => {
    const amount = rest.get(pool);
    if (amount === undefined) return pool;
    return amount > 0 ? { ...pool, count: amount } : [];
  });
}

/** Pools with what a claim took put back. Pools of one kind come together in one. */
export function returnDevices(pools: readonly PciPool[], taken: readonly PciPool[]): PciPool[] {
  const back = pools.slice();
  for (const pool of taken) {
    const index = back.findIndex((other) => isSameKind(other, pool));
    const present = back[index];
    if (present) back[index] = { ...present, count: present.count + pool.count };
    else back.push(pool);
  }
  return back;
}

function isSameKind(a: PciPool, b: PciPool): boolean {
  const keys = Object.keys(a.tags);
  return (
    a.vendorId === b.vendorId &&
    a.productId === b.productId &&
    a.numaCell === b.numaCell &&
    a.deviceType === b.deviceType &&
    keys.length === Object.keys(b.tags).length &&
    keys.every((key) => a.tags[key] === b.tags[key])
  );
}
