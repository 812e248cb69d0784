/**
 * Benchmarks of placement: searching, explaining and durable claims. Every function answers measurements; run as a program
 * it prints them, one JSON line each. The fleet is made from a fixed seed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Claims } from '../../controlplane/allocations/claims.js';
import type { CommitQueue } from '../../controlplane/allocations/commit-lane.js';
import { Registry } from '../../controlplane/fleet/registry.js';
import type { CheckedRequest } from '../../controlplane/model/request.js';
import { explain } from '../../controlplane/placement/explain.js';
import { defaultRules, select } from '../../controlplane/placement/select.js';
import { Writer } from '../../controlplane/store/group-commit.js';
import { openLmdbStore } from '../../controlplane/store/lmdb.js';

export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: 'us' | 'ms' | '1/s';
}

/** Numbers in 0..1 from a seed (mulberry32): the same fleet at every run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A fleet of three zones and four kinds of host, used to between nothing and all, one in fifty down, one in fifty disabled. */
export function benchFleet(hosts: number, seed = 1): Registry {
  const random = seeded(seed);
  const registry = new Registry();
  for (let index = 0; index < hosts; index++) addHost(registry, index, random);
  return registry;
}

function addHost(registry: Registry, index: number, random: () => number): void {
  const id = `h${String(index).padStart(6, '0')}`;
  const cores = [32, 64, 96, 128][Math.floor(random() * 4)] as number;
  registry.upsert({
    id,
    name: `kvm-${String(index).padStart(6, '0')}`,
    availabilityZone: `az${Math.floor(random() * 3)}`,
    labels: {},
    disabled: random() < 0.02,
    disabledReason: 'maintenance',
    overcommit: null,
    capacity: { vcpus: cores, memoryBytes: cores * 4 * 2 ** 30, diskBytes: cores * 50 * 2 ** 30 },
    machineId: '',
    certificateSerial: '',
    enrolledUnixMs: 0,
    simulated: true,
  });
  const used = random();
  registry.setUnmanaged(id, {
    vcpus: Math.floor(cores * 4 * Math.min(1, used * (0.8 + random() * 0.4))),
    memoryMb: Math.floor(cores * 4096 * used),
    diskMb: Math.floor(cores * 51_200 * random()),
    count: 1,
  });
  registry.setLiveness(id, random() >= 0.02, 1_700_000_000_000);
}

function request(vcpus: number, availabilityZone: string): CheckedRequest {
  return {
    vcpus,
    memoryMb: vcpus * 4096,
    diskMb: vcpus * 20_480,
    availabilityZone,
    instanceUuid: '',
    extraSpecs: {},
  };
}

const shapes = [1, 2, 4, 8, 16, 32];

/** Times of single calls in microseconds, sorted. Every call asks for another shape. */
function timed(calls: number, call: (index: number) => void): Float64Array {
  for (let index = 0; index < Math.min(calls, 2_000); index++) call(index);
  const times = new Float64Array(calls);
  for (let index = 0; index < calls; index++) {
    const start = performance.now();
    call(index);
    times[index] = (performance.now() - start) * 1000;
  }
  return times.sort();
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
}

/** Selecting the top 5, in one of three zones and in any zone. Nothing changes between calls. */
export function benchSelect(hosts: number, calls: number): Measurement[] {
  const registry = benchFleet(hosts);
  const measure = (name: string, zoneOf: (index: number) => string): Measurement[] => {
    const times = timed(calls, (index) => {
      select(registry, defaultRules, request(shapes[index % shapes.length] as number, zoneOf(index)), 5);
    });
    return [
      { name: `placement.${name}.${hosts}.p50`, value: quantile(times, 0.5), unit: 'us' },
      { name: `placement.${name}.${hosts}.p99`, value: quantile(times, 0.99), unit: 'us' },
    ];
  };
  return [...measure('select', (index) => `az${index % 3}`), ...measure('select-any-zone', () => '')];
}

/** Every refusal of every host, with the words of the first 100 hosts. */
export function benchExplain(hosts: number, calls: number): Measurement[] {
  const registry = benchFleet(hosts);
  const measure = (name: string, limit: number): Measurement => {
    const times = timed(
      calls,
      (index) => void explain(registry, defaultRules, request(32, `az${index % 3}`), limit),
    );
    return { name: `placement.${name}.${hosts}.p50`, value: quantile(times, 0.5) / 1000, unit: 'ms' };
  };
  return [measure('explain', 100), measure('explain-words-1000', 1_000)];
}

/** Durable claims a second: one after the other, and in groups of 100, over 1,000 hosts. */
export async function benchClaims(
  commits: CommitQueue,
  singles: number,
  groups: number,
): Promise<Measurement[]> {
  let ids = 0;
  const registry = benchFleet(1_000);
  const claims = new Claims({
    registry,
    commits,
    now: () => 0,
    newId: () => `allocation-${String(ids++).padStart(10, '0')}`,
  });
  const one = (): { request: CheckedRequest; key: string; by: string } => ({
    request: request(1, ''),
    key: `key-${ids}`,
    by: 'bench',
  });
  const single = await rate(singles, 1, async () => {
    const { request: wanted, key } = one();
    await claims.claim(wanted, key);
  });
  const grouped = await rate(groups, 100, async () => {
    const outcomes = await claims.placeMany(
      Array.from({ length: 100 }, (_, index) => ({ ...one(), key: `group-${ids}-${index}` })),
      false,
    );
    if (outcomes.some((outcome) => 'error' in outcome)) throw new Error('a claim of the benchmark failed');
  });
  return [
    { name: 'claims.durable.single.rate', value: single, unit: '1/s' },
    { name: 'claims.durable.batch100.rate', value: grouped, unit: '1/s' },
  ];
}

async function rate(rounds: number, each: number, round: () => Promise<void>): Promise<number> {
  for (let index = 0; index < Math.ceil(rounds / 10); index++) await round();
  const start = performance.now();
  for (let index = 0; index < rounds; index++) await round();
  return (rounds * each * 1000) / (performance.now() - start);
}

/** Runs `measure` with a commit queue over an LMDB store in a temporary folder of its own. */
export async function withStore<Result>(measure: (commits: CommitQueue) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-bench-'));
  const store = await openLmdbStore(folder);
  try {
    return await measure(new Writer(store, 0));
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

/** Every measurement of this file. */
export async function benchPlacement(): Promise<Measurement[]> {
  const searches = [
    ...benchSelect(10_000, 20_000),
    ...benchSelect(100_000, 2_000),
    ...benchExplain(10_000, 500),
  ];
  return [...searches, ...(await withStore((commits) => benchClaims(commits, 2_000, 200)))];
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const measurement of await benchPlacement()) console.log(JSON.stringify(measurement));
}
