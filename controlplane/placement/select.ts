/**
 * The pipeline of placement: filters leave candidates, candidates are weighed, the best are answered. One host that is left
 * alone is not weighed, as in Nova: its weight is 0.
 */
import type { Columns } from '../fleet/registry-resources.js';
import type { Registry } from '../fleet/registry.js';
import type { CheckedRequest } from '../model/request.js';
import { novaSettings, type SchedulerSettings } from '../model/scheduler-settings.js';
import type { Ranking } from './best.js';
import { Candidates } from './candidates.js';
import { choose, ranksNeeded } from './choose.js';
import { filters } from './filters/index.js';
import type { Filter } from './filters/filter.js';
import { narrow } from './narrow.js';
import { namesHosts, preselect } from './preselect.js';
import { rank } from './rank.js';
import { prepareTerms, type Term, termAt } from './weigh.js';
import { weighers } from './weighers/index.js';
import type { Weigher } from './weighers/weigher.js';

/** The rules of a placement: which filters in which order, which weighers, and their settings. */
export interface Rules {
  readonly filters: readonly Filter[];
  readonly weighers: readonly Weigher[];
  readonly settings: SchedulerSettings;
}

/** The rules that settings make: the filters that they enable, in their order, and every weigher. */
export function rulesOf(settings: SchedulerSettings): Rules {
  const enabled = settings.enabledFilters.flatMap(
    (name) => filters.find((filter) => filter.name === name) ?? [],
  );
  return { filters: enabled, weighers, settings };
}

/** Nova's defaults. */
export const defaultRules: Rules = rulesOf(novaSettings);

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
  /** The chosen host, then the others, best first; empty: no valid host. */
  readonly destinations: readonly Destination[];
}

/**
 * The best `count` hosts for a request. `seed` decides where the settings leave a choice: among `host_subset_size` hosts, or
 * among equals. The same registry, rules, request and seed give the same answer. Errors: those of filters and weighers
 * that fail a whole request.
 */
export function select(
  registry: Registry,
  rules: Rules,
  request: CheckedRequest,
  count: number,
  seed = 0,
): Selection {
  const { columns, revision, size } = registry;
  const candidates = candidatesOf(columns, rules, request);
  const { ranking, terms } = rankCandidates(
    candidates,
    rules,
    request,
    ranksNeeded(rules.settings, count, size),
  );
  const { rows, weights } = choose(ranking, rules.settings, seed);
  const destinations: Destination[] = [];
  for (let place = 0; place < Math.min(count, rows.length); place++)
    destinations.push(destination(registry, rows[place] as number, weights[place] as number, terms));
  return { revision, hostsConsidered: size, destinations };
}

/** The candidates of a request among the hosts that it may name. Not to be kept: they see the columns as they become. */
export function candidatesOf(columns: Columns, rules: Rules, request: CheckedRequest): Candidates {
  if (!namesHosts(request)) return new Candidates(rules, request, columns, columns.present);
  const { rows, skipsFilters } = preselect(columns, request);
  return new Candidates(skipsFilters ? { ...rules, filters: [] } : rules, request, columns, rows);
}

/** The best `count` of the candidates, and by which terms; by none where one candidate is alone. */
export function rankCandidates(
  candidates: Candidates,
  rules: Rules,
  request: CheckedRequest,
  count: number,
): { ranking: Ranking; terms: readonly Term[] } {
  const terms = termsOf(candidates, rules, request);
  return { ranking: rank(candidates, terms, count), terms };
}

/** The terms that candidates are weighed by; none where one candidate is alone. */
export function termsOf(candidates: Candidates, rules: Rules, request: CheckedRequest): readonly Term[] {
  return candidates.count(2) < 2 ? [] : prepareTerms(candidates, rules, request, candidates.columns);
}

/** How many hosts each filter leaves, in order. A search does not need these counts; whoever shows them asks for them. */
export function countFilters(registry: Registry, rules: Rules, request: CheckedRequest): FilterCount[] {
  const { columns } = registry;
  const { rows, skipsFilters } = preselect(columns, request);
  if (skipsFilters) return [];
  return rules.filters.map((filter) => ({
    filter: filter.name,
    hostsLeft: narrow(rows, filter.prepare(request, columns, rules.settings)),
  }));
}

function destination(registry: Registry, row: number, weight: number, terms: readonly Term[]): Destination {
  const { id, name } = registry.recordAt(row);
  const weights: Record<string, number> = {};
  for (let place = 0; place < terms.length; place++) {
    const term = terms[place] as Term;
    weights[term.name] = termAt(term, row);
  }
  return { row, hostId: id, hostName: name, weight, weights };
}
