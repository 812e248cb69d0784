/**
 * Benchmarks of placement: searching, explaining and durable claims. Every function answers measurements; run as a program
 * it prints them, one JSON line each. The fleet is made from a fixed seed.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Claims } from '../../controlplane/allocations/claims.js';
import type { CommitQueue } from '../../controlplane/allocations/commit-lane.js';
import type { Registry } from '../../controlplane/fleet/registry.js';
import type { CheckedRequest } from '../../controlplane/model/request.js';
import { novaSettings } from '../../controlplane/model/scheduler-settings.js';
import { explain } from '../../controlplane/placement/explain.js';
import { defaultRules, rulesOf, select } from '../../controlplane/placement/select.js';
import { simulate } from '../../controlplane/placement/simulate/simulate.js';
import { Writer } from '../../controlplane/store/group-commit.js';
import { openLmdbStore } from '../../controlplane/store/lmdb.js';
import { codec } from '../../proto/wire/load.js';
import { benchFleet, pinned, request, withCells } from './fleet.js';
import { hostStates, naiveSearch } from './naive-search.js';

export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: 'us' | 'ms' | '1/s' | 'x' | 'MB';
}

const shapes = [1, 2, 4, 8, 16, 32];

/** Times of single calls in microseconds, sorted. Every call asks for another shape. */
function timed(calls: number, call: (index: number) => void): Float64Array {
  for (let index = 0; index < Math.min(calls, 2_000) / 4; index++) call(index);
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

/** Rounds of every timing. What else runs on the machine makes a round slower, never faster: the best round counts. */
const rounds = 5;

/** Median and 99th percentile of single calls, of the round with the lowest median. */
function measured(name: string, calls: number, call: (index: number) => void): Measurement[] {
  let best: Float64Array | undefined;
  for (let round = 0; round < rounds; round++) {
    const times = timed(Math.ceil(calls / rounds), call);
    if (!best || quantile(times, 0.5) < quantile(best, 0.5)) best = times;
  }
  if (!best) return [];
  return [
    { name: `${name}.p50`, value: quantile(best, 0.5), unit: 'us' },
    { name: `${name}.p99`, value: quantile(best, 0.99), unit: 'us' },
  ];
}

const zoned = shapes.flatMap((vcpus) => ['az0', 'az1', 'az2'].map((zone) => request(vcpus, zone)));
const anywhere = shapes.map((vcpus) => request(vcpus, ''));
const nth = (requests: readonly CheckedRequest[], index: number): CheckedRequest =>
  requests[index % requests.length] as CheckedRequest;

/**
 * Selecting the top 5 with the default filters and every weigher: in one of three zones, in any zone, and in a zone while
 * each chosen host takes the machine before the next search.
 */
export function benchSelect(hosts: number, calls: number): Measurement[] {
  const registry = benchFleet(hosts);
  const still = (name: string, requests: readonly CheckedRequest[]) =>
    measured(`placement.${name}.${hosts}`, calls, (index) => {
      select(registry, defaultRules, nth(requests, index), 5);
    });
  return [
    ...still('select', zoned),
    ...still('select-any-zone', anywhere),
    ...measured(`placement.select-and-mark.${hosts}`, calls, (index) => {
      const [best] = select(registry, defaultRules, nth(zoned, index), 5).destinations;
      if (best) take(registry, best.row, nth(zoned, index));
    }),
  ];
}

/** A host takes a machine; one that is nearly full is emptied, so that the fleet stays as it is. */
function take({ columns }: Registry, row: number, { vcpus, memoryMb, diskMb }: CheckedRequest): void {
  const isFull = (columns.memoryMb.fit.values[row] as number) < 262_144;
  for (const [resource, amount] of [
    [columns.vcpus, vcpus],
    [columns.memoryMb, memoryMb],
    [columns.diskMb, diskMb],
  ] as const) {
    resource.allocated[row] = isFull ? 0 : (resource.allocated[row] as number) + amount;
    resource.derive(row);
  }
}

/** A request with dedicated CPUs, with NUMATopologyFilter beside the default filters, over hosts of two cells. */
export function benchPinned(hosts: number, calls: number): Measurement[] {
  const registry = withCells(benchFleet(hosts));
  const rules = rulesOf({
    ...novaSettings,
    enabledFilters: [...novaSettings.enabledFilters, 'NUMATopologyFilter'],
  });
  const requests = shapes
    .slice(0, 5)
    .flatMap((vcpus) => ['az0', 'az1', 'az2'].map((zone) => pinned(vcpus, zone)));
  return measured(`placement.select-pinned.${hosts}`, calls, (index) => {
    select(registry, rules, nth(requests, index), 5);
  });
}

/** The same search over objects, and how many times slower it is. Both in turn, in the same run. */
export function benchNaive(hosts: number, calls: number): Measurement[] {
  const registry = benchFleet(hosts);
  const objects = hostStates(registry);
  const ours = measured('', calls * 20, (index) => void select(registry, defaultRules, nth(zoned, index), 5));
  const naive = measured(`placement.select-naive.${hosts}`, calls, (index) => {
    naiveSearch(objects, nth(zoned, index), 5, novaSettings);
  });
  const ratio = (naive[0]?.value ?? 0) / (ours[0]?.value ?? 1);
  return [...naive, { name: `placement.select-naive.${hosts}.ratio`, value: ratio, unit: 'x' }];
}

/** Every refusal of every host with the nearest changes, without words, with those of the first 100 and of 1,000 hosts. */
export function benchExplain(hosts: number, calls: number): Measurement[] {
  const registry = benchFleet(hosts);
  const requests = zoned.filter(({ vcpus }) => vcpus === 32);
  const measure = (name: string, limit: number): Measurement[] =>
    measured(`placement.${name}.${hosts}`, calls, (index) => {
      explain(registry, defaultRules, nth(requests, index), limit);
    })
      .slice(0, 1)
      .map(({ value, ...figure }) => ({ ...figure, value: value / 1000, unit: 'ms' }));
  return [
    ...measure('explain-counts', 0),
    ...measure('explain', 100),
    ...measure('explain-words-1000', 1_000),
  ];
}

/** 1,000 placements on a fork, the fork included. */
export function benchSimulate(hosts: number, calls: number): Measurement[] {
  const registry = benchFleet(hosts);
  const parts = { registry, rules: defaultRules, allocationsOf: () => [], settingsWith: () => novaSettings };
  const messages = codec('SimulateRequest');
  const placements = shapes.map((vcpus, index) => ({
    request: { vcpus, memoryMb: vcpus * 4096, rootGb: vcpus * 20 },
    count: index === 0 ? 170 : 166,
  }));
  const asked = messages.decode(messages.encode({ placements, seed: 1 }));
  return measured(`placement.simulate-1000.${hosts}`, calls, () => {
    const { placed } = simulate(parts, asked);
    if (placed !== 1_000) throw new Error(`${placed} of 1,000 were placed`);
  })
    .slice(0, 1)
    .map(({ value, ...figure }) => ({ ...figure, value: value / 1000, unit: 'ms' }));
}

/** Resident memory of a process of its own that holds a fleet and its allocations. */
export function benchMemory(hosts: number, domains: number): Measurement[] {
  const program = fileURLToPath(new URL('./memory-child.js', import.meta.url));
  const answer = execFileSync(process.execPath, [program, String(hosts), String(domains)], {
    encoding: 'utf8',
  });
  return [
    { name: `placement.memory.${hosts}-hosts.${domains}-domains`, value: Number(answer) / 1e6, unit: 'MB' },
  ];
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
    ...benchPinned(10_000, 1_000),
    ...benchNaive(10_000, 200),
    ...benchExplain(10_000, 500),
    ...benchSimulate(10_000, 20),
    ...benchMemory(10_000, 200_000),
  ];
  return [...searches, ...(await withStore((commits) => benchClaims(commits, 2_000, 200)))];
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const measurement of await benchPlacement()) console.log(JSON.stringify(measurement));
}
