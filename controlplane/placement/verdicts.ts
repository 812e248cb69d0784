/** What each filter says of each host, as sets of rows, and how often it says what. */
import { type Bits, blockRows, countBits, countRows, lowestBit } from '../fleet/registry-columns.js';
import type { Columns } from '../fleet/registry-resources.js';
import type { CheckedRequest } from '../model/request.js';
import type { Filter, PreparedFilter } from './filters/filter.js';
import { keepWithin, keepWithout, narrow } from './narrow.js';
import { preselect } from './preselect.js';
import type { Rules } from './select.js';

/** A filter's answer over every host that a request may name. */
export interface Verdict {
  readonly filter: Filter;
  readonly prepared: PreparedFilter;
  readonly refused: Bits;
}

export interface Verdicts {
  /** Rows that the request may name. */
  readonly rows: Bits;
  /** In filter order. None where the request skips the filters. */
  readonly each: readonly Verdict[];
  /** Rows that no filter refuses. */
  readonly passed: Bits;
  /** Rows that exactly one filter refuses. */
  readonly sole: Bits;
}

export interface RefusalCount {
  readonly filter: string;
  readonly reason: string;
  /** Hosts that this filter refuses for this reason. */
  readonly hosts: number;
  /** Those among them that no other filter refuses: what would pass if this one were cured. */
  readonly soleHosts: number;
}

/** Asks every filter about every host. */
export function judgeAll(columns: Columns, rules: Rules, request: CheckedRequest): Verdicts {
  const { rows, skipsFilters } = preselect(columns, request);
  const each = (skipsFilters ? [] : rules.filters).map((filter) => {
    const prepared = filter.prepare(request, columns, rules.settings);
    return { filter, prepared, refused: refusedBy(prepared, rows) };
  });
  const passed = rows.slice();
  for (const { refused } of each) keepWithout(passed, refused);
  return { rows, each, passed, sole: refusedOnce(each, rows.length) };
}

/** The rows among `rows` that a filter refuses. */
export function refusedBy(prepared: PreparedFilter, rows: Bits): Bits {
  const passes = rows.slice();
  narrow(passes, prepared);
  for (let word = 0; word < rows.length; word++)
    passes[word] = (rows[word] as number) & ~(passes[word] as number);
  return passes;
}

function refusedOnce(each: readonly Verdict[], words: number): Bits {
  const once = new Int32Array(words);
  const more = new Int32Array(words);
  for (const { refused } of each)
    for (let word = 0; word < words; word++) {
      more[word] = (more[word] as number) | ((once[word] as number) & (refused[word] as number));
      once[word] = (once[word] as number) | (refused[word] as number);
    }
  keepWithout(once, more);
  return once;
}

/** The rows that this filter refuses and no other. */
export function soleOf({ refused }: Verdict, sole: Bits): Bits {
  const rows = refused.slice();
  keepWithin(rows, sole);
  return rows;
}

/** Hosts by filter and reason, most frequent first; as many: in filter order. */
export function countRefusals({ each, sole }: Verdicts): RefusalCount[] {
  return each
    .flatMap((verdict) => countReasons(verdict, sole))
    .filter(({ hosts }) => hosts > 0)
    .toSorted((a, b) => b.hosts - a.hosts);
}

function countReasons(verdict: Verdict, sole: Bits): RefusalCount[] {
  const { filter, refused } = verdict;
  const [first, ...others] = filter.reasons;
  if (first !== undefined && others.length === 0) {
    const soleHosts = countRows(soleOf(verdict, sole));
    return [{ filter: filter.name, reason: first, hosts: countRows(refused), soleHosts }];
  }
  const [hosts, soleHosts] = countEach(verdict, sole);
  return filter.reasons.map((reason, index) => ({
    filter: filter.name,
    reason,
    hosts: hosts[index] as number,
    soleHosts: soleHosts[index] as number,
  }));
}

function countEach({ filter, prepared, refused }: Verdict, sole: Bits): [Uint32Array, Uint32Array] {
  const hosts = new Uint32Array(filter.reasons.length);
  const soleHosts = new Uint32Array(filter.reasons.length);
  for (let word = 0; word < refused.length; word++) {
    const alone = sole[word] as number;
    for (let rest = refused[word] as number; rest !== 0; rest &= rest - 1) {
      const bit = lowestBit(rest);
      const reason = prepared.reasonOf(word * blockRows + bit);
      hosts[reason] = (hosts[reason] as number) + 1;
      if ((alone & (1 << bit)) !== 0) soleHosts[reason] = (soleHosts[reason] as number) + 1;
    }
  }
  return [hosts, soleHosts];
}

/** How many rows are left after each filter, in order. */
export function countLeft({ each, rows: named }: Verdicts): { filter: string; hostsLeft: number }[] {
  const rows = named.slice();
  return each.map(({ filter, refused }) => {
    let hostsLeft = 0;
    for (let word = 0; word < rows.length; word++) {
      rows[word] = (rows[word] as number) & ~(refused[word] as number);
      hostsLeft += countBits(rows[word] as number);
    }
    return { filter: filter.name, hostsLeft };
  });
}
