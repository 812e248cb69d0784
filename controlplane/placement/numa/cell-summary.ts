/**
 * What fitting asks of a host cell, counted once: cells never change, a claim puts new ones in their place. CPU sets are
 * counted as bits of 32-bit words.
 */
import type { HostCell, HostNuma, PagePool } from '../../model/host-numa.js';

export interface CellSummary {
  readonly cell: HostCell;
  readonly sharedCpus: number;
  readonly dedicatedCpus: number;
  /** Dedicated pCPUs that nothing is pinned to. */
  readonly freeCpus: number;
  readonly freeMemoryMb: number;
  /** `coresWith[n]`: cores that have at least `n` free threads, `n` from 1. */
  readonly coresWith: readonly number[];
  /** Free threads of all cores. */
  readonly freeThreads: number;
  /** Threads of the widest core, at least 1; 0 where the host tells no cores, on which Nova raises. */
  readonly threadsPerCore: number;
  /** A vCPU may have a core to itself: one thread a core, or the old single set whose siblings a claim takes too. */
  readonly mayIsolate: boolean;
  /** Largest first. */
  readonly pages: readonly PagePool[];
}

const known = new WeakMap<HostNuma, readonly CellSummary[]>();
const knownCells = new WeakMap<HostCell, CellSummary>();

/** The summaries of a host's cells, in their order; counted at the first call for an object and kept as long as it lives. */
export function summariesOf(host: HostNuma): readonly CellSummary[] {
  let summaries = known.get(host);
  if (!summaries) {
    summaries = host.cells.map(summaryOf);
    known.set(host, summaries);
  }
  return summaries;
}

function summaryOf(cell: HostCell): CellSummary {
  let summary = knownCells.get(cell);
  if (!summary) {
    summary = count(cell);
    knownCells.set(cell, summary);
  }
  return summary;
}

function count(cell: HostCell): CellSummary {
  const [shared, dedicated] = [wordsOf(cell.sharedCpus), wordsOf(cell.dedicatedCpus)];
  const free = without(dedicated, wordsOf(cell.pinnedCpus));
  const { coresWith, freeThreads } = countCores(cell.siblings, free);
  const widest = cell.siblings.reduce((most, threads) => Math.max(most, threads.length), 0);
  const threadsPerCore = cell.siblings.length === 0 ? 0 : widest || 1;
  return {
    cell,
    sharedCpus: countCpus(shared),
    dedicatedCpus: countCpus(dedicated),
    freeCpus: countCpus(free),
    freeMemoryMb: cell.memoryMb - cell.memoryUsedMb,
    coresWith,
    freeThreads,
    threadsPerCore,
    mayIsolate: threadsPerCore === 1 || areSame(shared, dedicated),
    pages: cell.pages.length < 2 ? cell.pages : cell.pages.toSorted((a, b) => b.sizeKb - a.sizeKb),
  };
}

function countCores(siblings: HostCell['siblings'], free: Uint32Array) {
  const coresWith: number[] = [0];
  let freeThreads = 0;
  for (const threads of siblings) {
    let here = 0;
    for (const cpu of threads) if (hasCpu(free, cpu)) here++;
    freeThreads += here;
    for (let least = 1; least <= here; least++) coresWith[least] = (coresWith[least] ?? 0) + 1;
  }
  return { coresWith, freeThreads };
}

/** A set of CPU numbers: bit `cpu & 31` of word `cpu >>> 5`. */
function wordsOf(cpus: readonly number[]): Uint32Array {
  let last = 0;
  for (const cpu of cpus) if (cpu > last) last = cpu;
  const words = new Uint32Array((last >>> 5) + 1);
  for (const cpu of cpus) words[cpu >>> 5] = (words[cpu >>> 5] as number) | (1 << (cpu & 31));
  return words;
}

function hasCpu(words: Uint32Array, cpu: number): boolean {
  return (((words[cpu >>> 5] ?? 0) >>> (cpu & 31)) & 1) === 1;
}

function without(words: Uint32Array, others: Uint32Array): Uint32Array {
  return words.map((word, index) => word & ~(others[index] ?? 0));
}

function countCpus(words: Uint32Array): number {
  let cpus = 0;
  for (let word of words) for (; word !== 0; word = (word & (word - 1)) >>> 0) cpus++;
  return cpus;
}

function areSame(a: Uint32Array, b: Uint32Array): boolean {
  for (let index = 0; index < Math.max(a.length, b.length); index++)
    if ((a[index] ?? 0) !== (b[index] ?? 0)) return false;
  return true;
}
