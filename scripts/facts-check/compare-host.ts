/** Compares the facts of a captured host with what `expected.json` says of it, field by field. */
import { cacheDirectory, readCache } from '../../agent/facts/cpu-caches.js';
import { readOnlineCpus } from '../../agent/facts/cpu-topology.js';
import type { Look } from '../../agent/facts/fact.js';
import { gatherFacts } from '../../agent/facts/index.js';
import type { HandedIn } from '../../agent/facts/index.js';
import type { KernelRoot } from '../../agent/kernel/root.js';
import type { CpuFacts } from '../../proto/gen/drover/v1/CpuFacts.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { HugepagePool } from '../../proto/gen/drover/v1/HugepagePool.js';
import { parseCpuSet } from '../../proto/wire/cpu-set.js';
import { compareBlockDevices } from './compare-block-devices.js';
import type {
  Comparison,
  Expected,
  ExpectedBlockDevice,
  ExpectedCache,
  ExpectedCacheSample,
  ExpectedCell,
  ExpectedPool,
} from './expected.js';

const nothing: HandedIn = { versions: {}, services: {}, inventory: {}, diskTotalBytes: 0 };
const noCpu: Partial<CpuFacts> = {};

/** Where a field comes from and how sure it is: not a fact of the host. */
const aboutTheFile = new Set(['source', 'origin']);

type Compare = (expected: never, facts: HostFacts, root: KernelRoot) => Comparison[];

const one = (field: string, got: (facts: HostFacts) => unknown): Compare => {
  return (expected: unknown, facts) => [{ field, expected, got: got(facts) }];
};
const ofCpu = (facts: HostFacts): Partial<CpuFacts> => facts.cpu ?? noCpu;
const numbers = (list: string | undefined): number[] => parseCpuSet(list ?? '');
const pools = (list: readonly HugepagePool[]): ExpectedPool[] =>
  list.map(({ sizeBytes, total }) => ({ size_kib: sizeBytes / 1024, total }));

const comparisons: Record<string, Compare> = {
  cpus_online: one('cpus_online', (facts) => numbers(ofCpu(facts).online)),
  cpus_offline: one('cpus_offline', (facts) => numbers(ofCpu(facts).offline)),
  isolated: one('isolated', (facts) => numbers(ofCpu(facts).isolated)),
  sockets: one('sockets', (facts) => ofCpu(facts).sockets),
  cores: one('cores', (facts) => ofCpu(facts).cores),
  model_name: one('model_name', (facts) => ofCpu(facts).modelName),
  threads_per_core_min: one('threads_per_core_min', (facts) => ofCpu(facts).threadsPerCoreMin),
  threads_per_core_max: one('threads_per_core_max', (facts) => ofCpu(facts).threadsPerCoreMax),
  threads_per_core: one('threads_per_core', threadsPerCore),
  siblings: one('siblings', (facts) => (ofCpu(facts).coreList ?? []).map(({ cpus }) => numbers(cpus))),
  core_kinds: one('core_kinds', coreKinds),
  hugepages: one('hugepages', (facts) => pools(facts.hugepages)),
  cgroup_mode: one('cgroup_mode', (facts) => facts.cgroup?.mode),
  caches: compareCaches,
  cache_samples: compareCacheSamples,
  numa_cells: compareCells,
  block_devices: (expected: readonly ExpectedBlockDevice[], facts, root) =>
    compareBlockDevices(expected, facts, root),
};

/** Every field of `expected` beside what the facts say; one that this check does not know has `got` undefined. */
export function compareHost(root: KernelRoot, expected: Expected): Comparison[] {
  const facts = gatherFacts(root, nothing);
  const fields = Object.entries(expected).filter(([field]) => !aboutTheFile.has(field));
  return fields.flatMap(([field, value]) => {
    const compare = Object.hasOwn(comparisons, field) ? comparisons[field] : undefined;
    return compare ? compare(value as never, facts, root) : [{ field, expected: value, got: undefined }];
  });
}

/** One number where all cores are alike, as the file has it. */
function threadsPerCore(facts: HostFacts): unknown {
  const { threadsPerCoreMin, threadsPerCoreMax } = ofCpu(facts);
  return threadsPerCoreMin === threadsPerCoreMax
    ? threadsPerCoreMin
    : { threadsPerCoreMin, threadsPerCoreMax };
}

function coreKinds(facts: HostFacts): unknown {
  const kinds = new Map<number, number[]>();
  for (const { cpus, efficiencyRank } of ofCpu(facts).coreList ?? []) {
    kinds.set(
      efficiencyRank,
      [...(kinds.get(efficiencyRank) ?? []), ...numbers(cpus)].sort((a, b) => a - b),
    );
  }
  return [...kinds].sort(([a], [b]) => a - b).map(([efficiency_rank, cpus]) => ({ cpus, efficiency_rank }));
}

function compareCaches(expected: readonly ExpectedCache[], facts: HostFacts): Comparison[] {
  const order = (a: ExpectedCache, b: ExpectedCache) =>
    a.level - b.level || a.type.localeCompare(b.type) || a.size_kib - b.size_kib;
  const got = (ofCpu(facts).caches ?? []).map(({ level, type, sizeBytes, instances }) => {
    return { level, type, size_kib: sizeBytes / 1024, instances };
  });
  return [{ field: 'caches', expected: expected.toSorted(order), got: got.toSorted(order) }];
}

function compareCacheSamples(
  expected: readonly ExpectedCacheSample[],
  _facts: HostFacts,
  root: KernelRoot,
): Comparison[] {
  const look: Look = { root, more: nothing, warn: () => undefined };
  const online = readOnlineCpus(look);
  return expected.map((sample) => {
    const directory = cacheDirectory(sample.cpu, sample.index);
    const cache = readCache(look, directory, online);
    const id = root.read(`${directory}/id`);
    const all: Record<string, unknown> = {
      ...{
        cpu: sample.cpu,
        index: sample.index,
        level: cache?.level,
        id: id && Number(id),
        type: cache?.type,
      },
      ...{ size_kib: cache === undefined ? undefined : cache.sizeBytes / 1024, cpus: cache?.cpus },
    };
    const got = Object.fromEntries(Object.keys(sample).map((field) => [field, all[field]]));
    return { field: `cache_samples cpu${sample.cpu} index${sample.index}`, expected: sample, got };
  });
}

function compareCells(expected: readonly ExpectedCell[], facts: HostFacts): Comparison[] {
  const ids = {
    field: 'numa_cells ids',
    expected: expected.map(({ id }) => id),
    got: facts.numaCells.map(({ id }) => id),
  };
  return [ids, ...expected.flatMap((cell) => compareCell(cell, facts))];
}

function compareCell({ id, ...fields }: ExpectedCell, facts: HostFacts): Comparison[] {
  const cell = facts.numaCells.find((each) => each.id === id);
  const known: Record<string, unknown> = {
    cpus: cell && numbers(cell.cpus),
    memory_kib: cell && cell.memoryBytes / 1024,
    hugepages: cell && pools(cell.hugepages),
    // The file may say a part of the row only (the distances among cells with memory).
    distances:
      cell &&
      Object.fromEntries(Object.keys(fields.distances ?? {}).map((to) => [to, cell.distances[Number(to)]])),
  };
  return Object.entries(fields).map(([field, expected]) => ({
    field: `numa_cells ${id} ${field}`,
    expected,
    got: known[field],
  }));
}
