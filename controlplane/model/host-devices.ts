/** Passthrough devices of a host one by one, and the pools that Nova makes of them. Pure. */
import type { PciDevice } from '../../proto/gen/drover/v1/PciDevice.js';
import type { HostDetails, HostDevices, PciPool } from './host-details.js';

/** Devices that nobody has, as far as it is known here. */
export function devicesOf(all: readonly PciDevice[]): Required<Pick<HostDetails, 'devices' | 'pciPools'>> {
  return { devices: { all, free: all }, pciPools: poolsOf(all) };
}

/** The devices of a host and their pools, those at these addresses taken. */
export function devicesWithout(
  { all }: HostDevices,
  taken: ReadonlySet<string>,
): Required<Pick<HostDetails, 'devices' | 'pciPools'>> {
  const free = taken.size === 0 ? all : all.filter(({ address }) => !taken.has(address));
  return { devices: { all, free }, pciPools: poolsOf(free) };
}

/** One pool for all devices of a kind behind one NUMA cell, in the order of the first of each. Nova `PciDeviceStats.add_device`. */
export function poolsOf(devices: readonly PciDevice[]): PciPool[] {
  const pools = new Map<string, { -readonly [Name in keyof PciPool]: PciPool[Name] }>();
  for (const device of devices) {
    const pool = pools.get(kindOf(device));
    if (pool) pool.count++;
    else pools.set(kindOf(device), { ...poolOf(device), count: 1 });
  }
  return [...pools.values()];
}

function poolOf({ vendorId, productId, deviceType, numaCell, tags }: PciDevice): Kind {
  return { vendorId, productId, deviceType, numaCell: numaCell ?? null, tags };
}

type Kind = Pick<PciPool, 'vendorId' | 'productId' | 'numaCell' | 'deviceType' | 'tags'>;

/** A text that devices and pools have alike only where they are of one kind. */
function kindOf({ vendorId, productId, numaCell, deviceType, tags }: Kind | PciDevice): string {
  const sorted = Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([vendorId, productId, numaCell ?? null, deviceType, sorted]);
}

/** As many devices of each pool as it counts, the first of the free ones; undefined: there are fewer. */
export function pickDevices(
  free: readonly PciDevice[],
  pools: readonly PciPool[],
): readonly PciDevice[] | undefined {
  const picked = new Set<PciDevice>();
  for (const pool of pools) {
    const kind = kindOf(pool);
    const some = free.filter((device) => !picked.has(device) && kindOf(device) === kind).slice(0, pool.count);
    if (some.length < pool.count) return undefined;
    for (const device of some) picked.add(device);
  }
  return [...picked];
}
