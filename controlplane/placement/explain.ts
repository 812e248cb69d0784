/**
 * Why each host passes or not: every refusal of every host, counted, and what would let more pass. The tests are the
 * filters' own, run over the whole fleet one filter at a time; words are made only for the hosts that are shown.
 */
import { countRows, hasBit } from '../fleet/registry-columns.js';
import type { Registry } from '../fleet/registry.js';
import type { CheckedRequest } from '../model/request.js';
import { type Refusal, refusalOf } from './filters/filter.js';
import { relaxations } from './relax.js';
import type { Relaxation } from './relaxation.js';
import { candidatesOf, type FilterCount, rankCandidates, type Rules } from './select.js';
import {
  countLeft,
  countRefusals,
  judgeAll,
  type RefusalCount,
  type Verdict,
  type Verdicts,
} from './verdicts.js';

export interface HostExplanation {
  readonly hostId: string;
  readonly hostName: string;
  readonly passes: boolean;
  readonly weight: number;
  /** Every filter that refuses, in filter order. */
  readonly refusals: readonly Refusal[];
  /** The first of them; empty: none. */
  readonly firstFilter: string;
  /** The only one; empty: none, or several. */
  readonly soleFilter: string;
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
  /** What would let more hosts pass, the smallest change first. */
  readonly relaxations: readonly Relaxation[];
}

/**
 * Explains a request over every host, in words for the first `limit` hosts. Hosts that the request's own names leave out
 * (ignored, not forced, not the destination) are no one's to explain. Errors: those of filters that fail a whole request.
 */
export function explain(
  registry: Registry,
  rules: Rules,
  request: CheckedRequest,
  limit: number,
): Explanation {
  const { columns, revision, size } = registry;
  const verdicts = judgeAll(columns, rules, request);
  const hostsPassed = countRows(verdicts.passed);
  return {
    revision,
    hostsConsidered: size,
    hostsPassed,
    refusals: countRefusals(verdicts),
    relaxations: relaxations(columns, rules, request, verdicts),
    hosts: [
      ...passing(registry, rules, request, Math.min(limit, hostsPassed)),
      ...refusedHosts(registry, verdicts, limit - hostsPassed),
    ],
    filters: countLeft(verdicts),
  };
}

function passing(
  registry: Registry,
  rules: Rules,
  request: CheckedRequest,
  count: number,
): HostExplanation[] {
  if (count <= 0) return [];
  const candidates = candidatesOf(registry.columns, rules, request);
  const { rows, weights } = rankCandidates(candidates, rules, request, count).ranking;
  return Array.from(rows, (row, place) => {
    const { id, name } = registry.recordAt(row);
    const weight = weights[place] as number;
    return {
      hostId: id,
      hostName: name,
      passes: true,
      weight,
      refusals: [],
      firstFilter: '',
      soleFilter: '',
    };
  });
}

function refusedHosts(
  registry: Registry,
  { rows, each, passed }: Verdicts,
  count: number,
): HostExplanation[] {
  const hosts: HostExplanation[] = [];
  if (count <= 0) return hosts;
  for (const row of registry.rowsByName()) {
    if (hosts.length >= count) break;
    if (hasBit(rows, row) && !hasBit(passed, row)) hosts.push(refusedHost(registry, each, row));
  }
  return hosts;
}

function refusedHost(registry: Registry, each: readonly Verdict[], row: number): HostExplanation {
  const { id, name } = registry.recordAt(row);
  const refusals: Refusal[] = [];
  for (const { filter, prepared, refused } of each)
    if (hasBit(refused, row)) refusals.push(refusalOf(filter, prepared, row));
  const firstFilter = refusals[0]?.filter ?? '';
  const soleFilter = refusals.length === 1 ? firstFilter : '';
  return { hostId: id, hostName: name, passes: false, weight: 0, refusals, firstFilter, soleFilter };
}
