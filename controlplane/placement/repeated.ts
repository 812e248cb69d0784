/**
 * Searches that are made again and again, as those of one flavor are: the best of a search are kept, and only the hosts that
 * changed since are looked at before the next. The answers are those of `select`, to the last bit; where that is not certain,
 * it is searched anew.
 */
import type { Registry } from '../fleet/registry.js';
import type { CheckedRequest } from '../model/request.js';
import { areAlike, isRepeatable } from './alike.js';
import type { Best } from './best.js';
import type { Candidates } from './candidates.js';
import { choose, isPlainChoice, ranksNeeded } from './choose.js';
import { areKept, passes, type Witnesses, witnessesOf } from './kept-terms.js';
import { rankBest } from './rank.js';
import { candidatesOf, type Rules, termsOf } from './select.js';
import { type Term, weightAt } from './weigh.js';

/** Limits of what is kept. */
export const repeatLimits = {
  /** Kept searches; the one used longest ago goes. */
  searches: 8,
  /** Hosts of each at first, and once it was used up again and again: each placement uses up one at most. */
  ranks: 64,
  mostRanks: 512,
  /** Most of them that an answer needs, and most hosts that are looked at again instead of searching anew. */
  needed: 32,
  changes: 256,
  /** Requests that were asked once, of which the next makes a kept search. */
  askedOnce: 32,
} as const;

interface Kept {
  readonly rules: Rules;
  readonly request: CheckedRequest;
  readonly candidates: Candidates;
  readonly terms: readonly Term[];
  witnesses: Witnesses;
  readonly best: Best;
  /** Of the registry that `best` is of. */
  revision: number;
  /** How many hosts it keeps, or is to keep when it is searched anew. */
  ranks: number;
}

type Asked = Pick<Kept, 'rules' | 'request'>;

export class RepeatedSearches {
  readonly #registry: Registry;
  /** Last used first. */
  readonly #kept: Kept[] = [];
  readonly #askedOnce: Asked[] = [];
  #hits = 0;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** How many questions were answered by what was kept. */
  get hits(): number {
    return this.#hits;
  }

  /** How many searches are kept. */
  get size(): number {
    return this.#kept.length;
  }

  /** Rows of the chosen host and the next best, `count` at most, as `select` finds them. Errors: its own. */
  find(rules: Rules, request: CheckedRequest, count: number, seed: number): readonly number[] {
    const { settings } = rules;
    const needed = ranksNeeded(settings, count, this.#registry.size);
    const asked = { rules, request };
    const best =
      needed > repeatLimits.needed || !isRepeatable(request)
        ? searched(this.#registry, asked, needed)
        : this.#repeat(asked, needed);
    if (isPlainChoice(settings)) return best.top(Math.min(count, needed));
    const { rows, weights } = best.ranking();
    const ranking = { rows: rows.subarray(0, needed), weights: weights.subarray(0, needed) };
    return Array.from(choose(ranking, settings, seed).rows.subarray(0, count));
  }

  #repeat(asked: Asked, needed: number): Best {
    const [first] = this.#kept;
    if (first && isSame(first, asked) && this.#bringUpToDate(first, needed)) return first.best;
    const place = this.#kept.findIndex((kept) => isSame(kept, asked));
    const [kept] = place < 0 ? [] : this.#kept.splice(place, 1);
    if (!kept && !this.#wasAsked(asked)) return searched(this.#registry, asked, needed);
    const current = kept && this.#bringUpToDate(kept, needed) ? kept : this.#start(asked, kept?.ranks);
    this.#kept.unshift(current);
    if (this.#kept.length > repeatLimits.searches) this.#kept.pop();
    return current.best;
  }

  /** Whether it was asked before. From now on it was. */
  #wasAsked(asked: Asked): boolean {
    const place = this.#askedOnce.findIndex((one) => isSame(one, asked));
    if (place >= 0) this.#askedOnce.splice(place, 1);
    else if (this.#askedOnce.unshift(asked) > repeatLimits.askedOnce) this.#askedOnce.pop();
    return place >= 0;
  }

  #start({ rules, request }: Asked, ranks: number = repeatLimits.ranks): Kept {
    const { columns, revision } = this.#registry;
    const candidates = candidatesOf(columns, rules, request);
    const terms = termsOf(candidates, rules, request);
    const best = rankBest(candidates, terms, ranks);
    const witnesses = witnessesOf(candidates, terms);
    return { rules, request, candidates, terms, witnesses, best, revision, ranks };
  }

  /** False: what is kept does not say enough, because too much changed or too few are left. It is then of no use. */
  #bringUpToDate(kept: Kept, needed: number): boolean {
    const { revision } = this.#registry;
    const changed = kept.revision === revision ? [] : this.#changedSince(kept.revision);
    if (!changed) return this.#isOfNoUse(kept, kept.ranks / 2);
    const { candidates, best } = kept;
    for (const row of changed) {
      candidates.forget(row);
      best.remove(row);
    }
    if (!hasSameTerms(kept, changed)) return this.#isOfNoUse(kept, kept.ranks);
    for (const row of changed) {
      const weight = weightAt(kept.terms, row);
      if (best.admits(row, weight) && passes(candidates, row)) best.insert(row, weight);
    }
    kept.revision = revision;
    if (best.length < needed && best.least > -Infinity) return this.#isOfNoUse(kept, kept.ranks * 2);
    this.#hits++;
    return true;
  }

  /** Whoever looks at it next finds that too much changed. `ranks`: how many it is to keep then; a longer list costs more. */
  #isOfNoUse(kept: Kept, ranks: number): false {
    if (kept.revision > -Infinity)
      kept.ranks = Math.min(repeatLimits.mostRanks, Math.max(repeatLimits.ranks, ranks));
    kept.revision = -Infinity;
    return false;
  }

  /** Rows that changed since a revision, each once; undefined: too many, or nobody knows which. */
  #changedSince(since: number): number[] | undefined {
    const { revision } = this.#registry;
    if (revision - since > repeatLimits.changes) return undefined;
    const rows: number[] = [];
    for (let at = since + 1; at <= revision; at++) {
      const row = this.#registry.rowChangedAt(at);
      if (row === undefined) return undefined;
      if (!rows.includes(row)) rows.push(row);
    }
    return rows;
  }
}

function searched({ columns }: Registry, { rules, request }: Asked, needed: number): Best {
  const candidates = candidatesOf(columns, rules, request);
  return rankBest(candidates, termsOf(candidates, rules, request), needed);
}

/** What one host has decides how all others are weighed, where it has the most or the least. */
function hasSameTerms(kept: Kept, changed: readonly number[]): boolean {
  const { candidates, rules, request, terms, witnesses } = kept;
  if (candidates.count(2) >= 2 && areKept(candidates, rules, request, terms, witnesses, changed)) return true;
  const now = termsOf(candidates, rules, request);
  if (!sameTerms(now, terms)) return false;
  kept.witnesses = witnessesOf(candidates, terms);
  return true;
}

function isSame(one: Asked, other: Asked): boolean {
  return one.rules === other.rules && areAlike(one.request, other.request);
}

function sameTerms(one: readonly Term[], other: readonly Term[]): boolean {
  if (one.length !== other.length) return false;
  for (let place = 0; place < one.length; place++)
    if (!isSameTerm(one[place] as Term, other[place] as Term)) return false;
  return true;
}

function isSameTerm(one: Term, other: Term): boolean {
  return (
    one.column === other.column &&
    one.range === other.range &&
    one.minimum === other.minimum &&
    one.floor === other.floor &&
    one.multiplier === other.multiplier &&
    one.overrides === other.overrides
  );
}
