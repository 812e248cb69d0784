/** CPU caches (Documentation/ABI/testing/sysfs-devices-system-cpu, `cache/indexN`). */
import type { CpuCache } from '../../proto/gen/drover/v1/CpuCache.js';
import { intersectCpus } from '../../proto/wire/cpu-set.js';
import { readListOrMask } from './cpu-list.js';
import { cpuDirectory } from './cpu-topology.js';
import type { Look } from './fact.js';

/** One cache and the CPUs that share it. */
export interface CacheInstance {
  readonly level: number;
  /** data, instruction, unified. */
  readonly type: string;
  readonly sizeBytes: number;
  /** Online CPUs, ascending. */
  readonly cpus: readonly number[];
}

/** The cache in a directory `cpuN/cache/indexN`; undefined where it is absent or its size is not known. */
export function readCache(
  look: Look,
  directory: string,
  online: readonly number[],
): CacheInstance | undefined {
  const sizeBytes = parseSize(look.root.read(`${directory}/size`));
  if (sizeBytes === undefined) return undefined;
  const cpus = readListOrMask(look, `${directory}/shared_cpu_list`, `${directory}/shared_cpu_map`);
  return {
    level: Number(look.root.read(`${directory}/level`)),
    type: (look.root.read(`${directory}/type`) ?? '').toLowerCase(),
    sizeBytes,
    cpus: intersectCpus(cpus ?? [Number(/cpu(\d+)\/cache/.exec(directory)?.[1])], online),
  };
}

/** Where the cache `index` of a CPU stands. */
export function cacheDirectory(cpu: number, index: number): string {
  return `${cpuDirectory}/cpu${cpu}/cache/index${index}`;
}

/** `32K`, `30M` in bytes. */
function parseSize(text: string | undefined): number | undefined {
  const match = /^(\d+)([KMG]?)$/.exec(text ?? '');
  if (!match || match[1] === '0') return undefined;
  return Number(match[1]) * { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[match[2] as '' | 'K' | 'M' | 'G'];
}

/**
 * Caches of the online CPUs, by level, type and size. A cache counts once however many CPUs share it, and also where an
 * index repeats it (seen in VirtualBox guests). Empty where sysfs has none (s390x, some guests).
 */
export function readCaches(look: Look, online: readonly number[]): CpuCache[] {
  const counts = new Map<string, CpuCache>();
  const seen = new Set<string>();
  for (const cache of allCaches(look, online)) {
    const kind = `${cache.level}|${cache.type}|${cache.sizeBytes}`;
    const instance = `${kind}|${cache.cpus.join()}`;
    if (seen.has(instance)) continue;
    seen.add(instance);
    const count = counts.get(kind) ?? {
      level: cache.level,
      type: cache.type,
      sizeBytes: cache.sizeBytes,
      instances: 0,
    };
    counts.set(kind, { ...count, instances: count.instances + 1 });
  }
  const byKind = (a: CpuCache, b: CpuCache) =>
    a.level - b.level || a.type.localeCompare(b.type) || a.sizeBytes - b.sizeBytes;
  return [...counts.values()].sort(byKind);
}

/**
 * Every cache, each read from one of the CPUs that share it: what a CPU before named under the same index is passed
 * over, so that a host with 128 CPUs costs as many reads as it has caches.
 */
function allCaches(look: Look, online: readonly number[]): CacheInstance[] {
  const covered = new Set<string>();
  return online.flatMap((cpu) =>
    indexes(look, cpu).flatMap((index) => {
      if (covered.has(`${index}|${cpu}`)) return [];
      const cache = readCache(look, cacheDirectory(cpu, index), online);
      for (const sharer of cache?.cpus ?? []) covered.add(`${index}|${sharer}`);
      return cache ?? [];
    }),
  );
}

function indexes({ root }: Look, cpu: number): number[] {
  const names = root.list(`${cpuDirectory}/cpu${cpu}/cache`).filter((name) => /^index\d+$/.test(name));
  return names.map((name) => Number(name.slice(5)));
}
