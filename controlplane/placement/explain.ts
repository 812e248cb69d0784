/**
 * Why each host passes or not: every refusal of every host, counted. The tests are the filters' own, run over the whole
 * fleet one filter at a time; words are made only for the hosts that are shown.
 */
import { type Bits, blockRows, countBits, countRows, hasBit, lowestBit } from '../fleet/registry-columns.js';
import type { Registry } from '../fleet/registry.js';
import type { CheckedRequest } from '../model/request.js';
import { type Filter, type PreparedFilter, type Refusal, refusalOf } from './filters/filter.js';
import { Candidates } from './candidates.js';
import { narrow } from './narrow.js';
import { rank } from './rank.js';
import type { FilterCount, Rules } from './select.js';
import { prepareTerms } from './weigh.js';

export interface RefusalCount {
  readonly filter: string;
  readonly reason: string;
  /** Hosts that this filter refuses for this reason. */
  readonly hosts: number;
  /** Those among them that no other filter refuses: what would pass if this one were cured. */
  readonly soleHosts: number;
}

export interface HostExplanation {
  readonly hostId: string;
  readonly hostName: string;
  readonly passes: boolean;
  readonly weight: number;
  readonly refusals: readonly Refusal[];
}

export interface Explanation {
  readonly revision: number;
  readonly hostsConsidered: number;
  readonly hostsPassed: number;
  /** Hosts left after each filter, in order. */
  readonly filters: readonly FilterCount[];
  /** Most frequent first; as many: in filter order. */
  readonly refusals: readonly RefusalCount[];
  /** The first `limit` hosts: those that pass, best first, then the refused by name. */
  readonly hosts: readonly HostExplanation[];
}

/** A filter's answer over the whole fleet. */
interface Verdict {
  readonly filter: Filter;
  readonly prepared: PreparedFilter;
  readonly refused: Bits;
}

/** Explains a request over every host, in words for the first `limit` hosts. */
export function explain(
  registry: Registry,
  rules: Rules,
  request: CheckedRequest,
  limit: number,
): Explanation {
  const verdicts = rules.filters.map((filter) => judge(registry, filter, request));
  const passed = registry.columns.present.slice();
  const filters = verdicts.map(({ filter, refused }) => ({
    filter: filter.name,
    hostsLeft: takeOut(passed, refused),
  }));
  const hostsPassed = countRows(passed);
  return {
    revision: registry.revision,
    hostsConsidered: registry.size,
    hostsPassed,
    filters,
    refusals: countRefusals(verdicts),
    hosts: [
      ...passing(registry, rules, request, Math.min(limit, hostsPassed)),
      ...refusedHosts(registry, verdicts, passed, limit - hostsPassed),
    ],
  };
}

function judge(registry: Registry, filter: Filter, request: CheckedRequest): Verdict {
  const prepared = filter.prepare(request, registry.columns);
  const refused = registry.columns.present.slice();
  const passes = refused.slice();
  narrow(passes, prepared);
  takeOut(refused, passes);
  return { filter, prepared, refused };
}

/** Takes the rows of `others` out of `rows`, and answers how many are left. */
function takeOut(rows: Bits, others: Bits): number {
  let left = 0;
  for (let word = 0; word < rows.length; word++) {
    rows[word] = (rows[word] as number) & ~(others[word] as number);
    left += countBits(rows[word] as number);
  }
  return left;
}

function countRefusals(verdicts: readonly Verdict[]): RefusalCount[] {
  const sole = refusedOnce(verdicts.map(({ refused }) => refused));
  const counts = verdicts.flatMap((verdict) => countReasons(verdict, sole));
  return counts.filter(({ hosts }) => hosts > 0).toSorted((a, b) => b.hosts - a.hosts);
}

/** Rows that are in exactly one of the sets. */
function refusedOnce(sets: readonly Bits[]): Bits {
  const once = new Int32Array(sets[0]?.length ?? 0);
  const more = new Int32Array(once.length);
  for (const set of sets) {
    for (let word = 0; word < once.length; word++) {
      more[word] = (more[word] as number) | ((once[word] as number) & (set[word] as number));
      once[word] = (once[word] as number) | (set[word] as number);
    }
  }
  takeOut(once, more);
  return once;
}

function countReasons({ filter, prepared, refused }: Verdict, sole: Bits): RefusalCount[] {
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
  return filter.reasons.map((reason, index) => ({
    filter: filter.name,
    reason,
    hosts: hosts[index] as number,
    soleHosts: soleHosts[index] as number,
  }));
}

function passing(
  registry: Registry,
  rules: Rules,
  request: CheckedRequest,
  count: number,
): HostExplanation[] {
  const candidates = new Candidates(rules.filters, request, registry.columns);
  const terms =
    candidates.count(2) < 2 ? [] : prepareTerms(candidates, rules.weighers, request, registry.columns);
  const best = rank(candidates, terms, count);
  return Array.from(best.rows, (row, place) => {
    const { id, name } = registry.recordAt(row);
    return { hostId: id, hostName: name, passes: true, weight: best.weights[place] as number, refusals: [] };
  });
}

function refusedHosts(
  registry: Registry,
  verdicts: readonly Verdict[],
  passed: Bits,
  count: number,
): HostExplanation[] {
  const hosts: HostExplanation[] = [];
  for (const row of registry.rowsByName()) {
    if (hosts.length >= count) break;
    if (!hasBit(passed, row)) hosts.push(refusedHost(registry, verdicts, row));
  }
  return hosts;
}

function refusedHost(registry: Registry, verdicts: readonly Verdict[], row: number): HostExplanation {
  const { id, name } = registry.recordAt(row);
  const refusals: Refusal[] = [];
  for (const { filter, prepared, refused } of verdicts)
    if (hasBit(refused, row)) refusals.push(refusalOf(filter, prepared, row));
  return { hostId: id, hostName: name, passes: false, weight: 0, refusals };
}
