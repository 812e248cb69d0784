/**
 * The pipeline of placement: filters leave candidates, candidates are weighed, the best are answered. One host that is left
 * alone is not weighed, as in Nova: its weight is 0.
 */
import type { Registry } from '../fleet/registry.js';
import type { CheckedRequest } from '../model/request.js';
import { Candidates } from './candidates.js';
import { filters } from './filters/index.js';
import type { Filter } from './filters/filter.js';
import { narrow } from './narrow.js';
import { rank } from './rank.js';
import { prepareTerms, type Term, termAt } from './weigh.js';
import { weighers } from './weighers/index.js';
import type { WeigherInUse } from './weighers/weigher.js';

/** The rules of a placement: which filters in which order, which weighers with which multipliers. */
export interface Rules {
  readonly filters: readonly Filter[];
  readonly weighers: readonly WeigherInUse[];
}

/** Every filter and every weigher, with Nova's defaults. */
export const defaultRules: Rules = { filters, weighers };

export interface FilterCount {
  readonly filter: string;
  readonly hostsLeft: number;
}

export interface Destination {
  readonly row: number;
  readonly hostId: string;
  readonly hostName: string;
  readonly weight: number;
  /** Weigher to normalised weight times multiplier. */
  readonly weights: Record<string, number>;
}

export interface Selection {
  /** Of the registry that was searched. */
  readonly revision: number;
  readonly hostsConsidered: number;
  /** Best first; empty: no valid host. */
  readonly destinations: readonly Destination[];
}

/** The best `count` hosts for a request. */
export function select(registry: Registry, rules: Rules, request: CheckedRequest, count: number): Selection {
  const { columns, revision, size } = registry;
  const candidates = new Candidates(rules.filters, request, columns);
  const alone = candidates.count(2) < 2;
  const terms = alone ? [] : prepareTerms(candidates, rules.weighers, request, columns);
  const best = rank(candidates, terms, Math.min(count, size));
  const destinations = Array.from(best.rows, (row, place) =>
    destination(registry, row, best.weights[place] as number, terms),
  );
  return { revision, hostsConsidered: size, destinations };
}

/** How many hosts each filter leaves, in order. A search does not need these counts; whoever shows them asks for them. */
export function countFilters(registry: Registry, rules: Rules, request: CheckedRequest): FilterCount[] {
  const { columns } = registry;
  const rows = columns.present.slice();
  return rules.filters.map((filter) => ({
    filter: filter.name,
    hostsLeft: narrow(rows, filter.prepare(request, columns)),
  }));
}

function destination(registry: Registry, row: number, weight: number, terms: readonly Term[]): Destination {
  const { id, name } = registry.recordAt(row);
  const weights: Record<string, number> = {};
  for (const term of terms) weights[term.name] = termAt(term, row);
  return { row, hostId: id, hostName: name, weight, weights };
}
