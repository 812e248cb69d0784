/**
 * Hosts for several servers of one request, one after another, as Nova's `SchedulerManager._schedule`: every step filters
 * and weighs what the step before left, and the chosen host has less by then. Claims nothing.
 */
import { type Bits, hasBit, rowsOf } from '../fleet/registry-columns.js';
import { forkColumns } from '../fleet/registry-fork.js';
import type { Columns } from '../fleet/registry-resources.js';
import type { Registry } from '../fleet/registry.js';
import type { CheckedRequest } from '../model/request.js';
import type { Ranking } from './best.js';
import { Candidates } from './candidates.js';
import { choose, seedOfStep } from './choose.js';
import { consume, type Taking } from './consume.js';
import type { Limits, PreparedFilter } from './filters/filter.js';
import { narrow } from './narrow.js';
import { preselect } from './preselect.js';
import type { FilterCount, Rules } from './select.js';
import { prepareTerms, weighRows } from './weigh.js';

export interface SequenceOptions {
  /** The servers, in order. */
  readonly instanceUuids: readonly string[];
  /** Decides as `choose` says; each step has its own, made from this one. */
  readonly seed: number;
  /** How many hosts of a step are told, the chosen one first. */
  readonly count: number;
}

/** One server's turn. */
export interface Step {
  /** Hosts left after each filter that ran. A filter that leaves none is the last. */
  readonly filters: readonly FilterCount[];
  /** Hosts that every filter left. */
  readonly survivors: number;
  /** The chosen host first, then the others, best first. Empty: no valid host, and no further step. */
  readonly ranking: Ranking;
}

interface Filtered {
  readonly rows: Bits;
  readonly counts: FilterCount[];
  readonly prepared: readonly PreparedFilter[];
}

/**
 * The steps of a request for these servers. The registry is not changed: from the second server on a copy of its columns
 * takes what the servers before have taken. Of equals the one that stood first in the list of the step before is taken, in
 * the first step the lower row. Errors: those of filters and of fitting, which fail the whole request.
 */
export function selectSequence(
  registry: Registry,
  rules: Rules,
  request: CheckedRequest,
  { instanceUuids, seed, count }: SequenceOptions,
): Step[] {
  const steps: Step[] = [];
  const columns = instanceUuids.length > 1 ? forkColumns(registry.columns) : registry.columns;
  let [left, asked] = [columns.present, request];
  let list: Uint32Array = Uint32Array.from(rowsOf(columns.present));
  for (const [index, instanceUuid] of instanceUuids.entries()) {
    asked = { ...asked, instanceUuid };
    const filtered = filter(columns, rules, asked, left, index);
    const sorted = sortStep(columns, rules, asked, filtered.rows, list);
    const { rows, weights } = choose(sorted, rules.settings, seedOfStep(seed, index));
    const ranking = { rows: rows.subarray(0, count), weights: weights.subarray(0, count) };
    steps.push({ filters: filtered.counts, survivors: rows.length, ranking });
    const chosen = rows[0];
    if (chosen === undefined) break;
    if (index < instanceUuids.length - 1)
      asked = consume(columns, chosen, asked, takingOf(rules, filtered, chosen));
    [left, list] = [filtered.rows, rows];
  }
  return steps;
}

/** Filters in order over the rows that are left. What runs once per request runs for the first server alone. */
function filter(
  columns: Columns,
  rules: Rules,
  request: CheckedRequest,
  among: Bits,
  index: number,
): Filtered {
  const { rows, skipsFilters } = preselect(columns, request, among);
  const counts: FilterCount[] = [];
  const prepared: PreparedFilter[] = [];
  for (const each of skipsFilters ? [] : rules.filters) {
    if (index > 0 && each.isOncePerRequest) continue;
    const hostsLeft = rows.every((word) => word === 0) ? 0 : narrowBy(each);
    counts.push({ filter: each.name, hostsLeft });
    if (hostsLeft === 0) break;
  }
  return { rows, counts, prepared };

  function narrowBy(each: Rules['filters'][number]): number {
    const tests = each.prepare(request, columns, rules.settings);
    prepared.push(tests);
    return narrow(rows, tests);
  }
}

/** What the filters left on a host for its claim; the later filter has the last word. */
function takingOf({ settings }: Rules, { prepared }: Filtered, row: number): Taking {
  let limits: Limits = {};
  for (const tests of prepared) limits = { ...limits, ...tests.limitsOf?.(row) };
  return { limits, packs: settings.packingHostNumaCellsAllocationStrategy };
}

/** The rows that the filters left, best first. `list`: the rows of the step before, whose order decides between equals. */
function sortStep(
  columns: Columns,
  rules: Rules,
  request: CheckedRequest,
  filtered: Bits,
  list: Uint32Array,
): Ranking {
  const rows = rowsIn(list, filtered);
  const weights = new Float64Array(rows.length);
  if (rows.length > 1) {
    const candidates = new Candidates({ filters: [], settings: rules.settings }, request, columns, filtered);
    weighRows(prepareTerms(candidates, rules, request, columns), rows, rows.length, weights);
  }
  return bestFirst(rows, weights);
}

/** What of `list` is in a set, in the order of the list. */
function rowsIn(list: Uint32Array, bits: Bits): Int32Array {
  const rows = new Int32Array(list.length);
  let length = 0;
  for (const row of list) if (hasBit(bits, row)) rows[length++] = row;
  return rows.subarray(0, length);
}

/** Sorted as it was but for a host or two, which the engine's sort of plain arrays makes use of. */
function bestFirst(rows: Int32Array, weights: Float64Array): Ranking {
  const places = Array.from(rows.keys()).sort((a, b) => (weights[b] as number) - (weights[a] as number));
  const sorted = { rows: new Uint32Array(rows.length), weights: new Float64Array(rows.length) };
  for (let place = 0; place < places.length; place++) {
    sorted.rows[place] = rows[places[place] as number] as number;
    sorted.weights[place] = weights[places[place] as number] as number;
  }
  return sorted;
}
