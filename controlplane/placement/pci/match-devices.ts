/** Which pools of passthrough devices a request may use. Nova `pci/stats.py`, `pci/utils.py`. Pure. */
import type { PciPool } from '../../model/host-details.js';
import type { HostNuma } from '../../model/host-numa.js';
import type { PciRequest } from '../../model/pci-request.js';

/** Where a virtual machine's cells are; devices are then wanted near them. */
export interface Nearness {
  /** Ids of host cells. */
  readonly cells: readonly number[];
  readonly host: HostNuma;
}

type Spec = Readonly<Record<string, string>>;

/** A property of a pool by Nova's name; tags stand before the pool's own. Numbers never equal a spec's text, as in Nova. */
function propertyOf(pool: PciPool, key: string): string | undefined {
  const tag = pool.tags[key];
  if (tag !== undefined) return tag;
  if (key === 'vendor_id') return pool.vendorId;
  if (key === 'product_id') return pool.productId;
  return key === 'dev_type' ? pool.deviceType : undefined;
}

/** Every key of the spec is a property of the pool with that value, in any case. The empty spec takes every pool. */
export function matchesSpec(pool: PciPool, spec: Spec): boolean {
  for (const key in spec) if (propertyOf(pool, key)?.toLowerCase() !== spec[key]?.toLowerCase()) return false;
  return true;
}

const yes = ['1', 't', 'true', 'on', 'y', 'yes'];
const isRemote = (text: string | undefined) => yes.includes((text ?? '').trim().toLowerCase());

/** Devices of these kinds are given to those alone that ask for the kind. */
function isUnrequested(pool: PciPool, { specs }: PciRequest): boolean {
  const kind = propertyOf(pool, 'dev_type');
  if ((kind === 'type-PF' || kind === 'vdpa') && !specs.some((spec) => spec['dev_type'] === kind))
    return true;
  return isRemote(pool.tags['remote_managed']) && !specs.some((spec) => isRemote(spec['remote_managed']));
}

/** Devices of pools together. */
export function countDevices(pools: readonly PciPool[]): number {
  let count = 0;
  for (const pool of pools) count += pool.count;
  return count;
}

/** Pools by the request's affinity: of the strictest kind that has enough devices, but no stricter than it must be. */
function nearby(
  pools: readonly PciPool[],
  request: PciRequest,
  { cells, host }: Nearness,
): readonly PciPool[] {
  const policy = request.numaPolicy || 'legacy';
  const near = pools.filter(({ numaCell }) => numaCell !== null && cells.includes(numaCell));
  if (policy === 'required' || countDevices(near) >= request.count) return near;
  if (policy === 'socket') return inSockets(pools, cells, host);
  const notFar = pools.filter(({ numaCell }) => numaCell === null || cells.includes(numaCell));
  if (policy === 'legacy' || countDevices(notFar) >= request.count) return notFar;
  return [...notFar, ...pools.filter((pool) => !notFar.includes(pool))];
}

/** Pools behind cells of the sockets that the chosen cells are in; none where the host does not tell the socket of a cell. */
function inSockets(pools: readonly PciPool[], cells: readonly number[], host: HostNuma): readonly PciPool[] {
  if (host.cells.some(({ socket }) => socket === null)) return [];
  const sockets = host.cells.filter(({ id }) => cells.includes(id)).map(({ socket }) => socket);
  const allowed = host.cells.filter(({ socket }) => sockets.includes(socket)).map(({ id }) => id);
  return pools.filter(({ numaCell }) => numaCell !== null && allowed.includes(numaCell));
}

/** The pools that a request takes devices from, first to last; undefined: they do not have enough. */
export function poolsFor(
  pools: readonly PciPool[],
  request: PciRequest,
  nearness: Nearness | null,
): readonly PciPool[] | undefined {
  const matching = pools.filter((pool) => request.specs.some((spec) => matchesSpec(pool, spec)));
  if (countDevices(matching) < request.count) return undefined;
  const near = nearness ? nearby(matching, request, nearness) : matching;
  const usable = near.filter((pool) => !isUnrequested(pool, request));
  return usable.length > 0 && countDevices(usable) >= request.count ? usable : undefined;
}
