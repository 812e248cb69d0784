/** What the store says while no control plane runs: whether it kept to the hosts, the groups and its promises. */
import { readRecords } from '../../controlplane/allocations/records.js';
import { openLmdbStore } from '../../controlplane/store/lmdb.js';
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { Held } from './client.js';

export interface HostLimits {
  readonly vcpus: number;
  readonly memoryMb: number;
}

/** Every allocation that is durable. Nobody else may have the store open. */
export async function storedAllocations(folder: string): Promise<Allocation[]> {
  const store = await openLmdbStore(folder);
  try {
    return readRecords(await store.load()).allocations;
  } finally {
    await store.close();
  }
}

/** Hosts that hold more than they have. */
export function overfull(allocations: readonly Allocation[], limits: HostLimits): string[] {
  const sums = new Map<string, { vcpus: number; memoryMb: number }>();
  for (const { hostName, vcpus, memoryMb } of allocations) {
    const sum = sums.get(hostName) ?? { vcpus: 0, memoryMb: 0 };
    sums.set(hostName, { vcpus: sum.vcpus + vcpus, memoryMb: sum.memoryMb + memoryMb });
  }
  return [...sums]
    .filter(([, sum]) => sum.vcpus > limits.vcpus || sum.memoryMb > limits.memoryMb)
    .map(([host, sum]) => `${host}: ${sum.vcpus} vCPUs, ${sum.memoryMb} MiB`);
}

/** Pairs of a group of anti-affinity on one host. */
export function together(allocations: readonly Allocation[]): string[] {
  return repeated(
    allocations
      .filter((one) => one.serverGroupId !== '')
      .map((one) => `${one.serverGroupId} on ${one.hostId}`),
  );
}

/** Keys that stand for two allocations. */
export function doubled(allocations: readonly Allocation[]): string[] {
  return repeated(allocations.map(({ idempotencyKey }) => idempotencyKey));
}

/** Promised and not there, or not as promised. */
export function lost(allocations: readonly Allocation[], promised: readonly Held[]): string[] {
  const byId = new Map(allocations.map((allocation) => [allocation.id, allocation]));
  return promised.flatMap((held) => {
    const kept = byId.get(held.id);
    if (!kept) return [`${held.id} is gone`];
    const differs = (['idempotencyKey', 'vcpus', 'memoryMb', 'hostName'] as const).filter(
      (key) => kept[key] !== held[key],
    );
    return differs.map((key) => `${held.id}: ${key} is ${kept[key]}, promised ${held[key]}`);
  });
}

/** There, and held by nobody. */
export function unknown(allocations: readonly Allocation[], promised: readonly Held[]): string[] {
  const known = new Set(promised.map(({ id }) => id));
  return allocations
    .filter(({ id }) => !known.has(id))
    .map(({ id, idempotencyKey }) => `${id} (${idempotencyKey})`);
}

function repeated(texts: readonly string[]): string[] {
  const seen = new Set<string>();
  return texts.filter((text) => seen.size === seen.add(text).size);
}
