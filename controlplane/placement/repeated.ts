/**
 * Searches that are made again and again, as those of one flavor are: what a search found is kept in order, and only the hosts
 * that changed since are looked at before the next. The answers are those of `select`, to the last bit; where that is not certain,
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
import { Standings } from './standings.js';
import { type Term, weightAt } from './weigh.js';

/** Limits of what is kept. */
export const repeatLimits = {
  /** Searches that are kept; the one used longest ago goes. */
  searches: 8,
  /** Requests that are known, so that asking again is seen. */
  requests: 32,
  /** Rows that it costs as much to put into order as one search costs: so many for each search made before are kept. */
  rowsPerSearch: 4_096,
  /** Hosts that an answer needs at most, and most changes that are looked at again instead of searching anew. */
  needed: 32,
  changes: 1_024,
} as const;

interface Kept {
  readonly candidates: Candidates;
  readonly terms: readonly Term[];
  witnesses: Witnesses;
  readonly standings: Standings;
  /** Of the registry that the standings are of. */
  revision: number;
  /** Searches that it has spared. */
  hits: number;
}

/** A question that may be asked again. */
interface Question {
  readonly rules: Rules;
  readonly request: CheckedRequest;
  /** Searches that were made for it since nothing is kept, or that what was kept last had spared. */
  searched: number;
  kept: Kept | undefined;
}

type Asked = Pick<Question, 'rules' | 'request'>;
type Ranked = Pick<Standings, 'top' | 'ranking'>;

export class RepeatedSearches {
  readonly #registry: Registry;
  /** Last asked first. */
  readonly #questions: Question[] = [];
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
    return this.#questions.filter(({ kept }) => kept).length;
  }

  /** Rows of the chosen host and the next best, `count` at most, as `select` finds them. Errors: its own. */
  find(rules: Rules, request: CheckedRequest, count: number, seed: number): readonly number[] {
    const { settings } = rules;
    const needed = ranksNeeded(settings, count, this.#registry.size);
    const asked = { rules, request };
    const ranked =
      needed > repeatLimits.needed || !isRepeatable(request)
        ? searched(this.#registry, asked, needed)
        : this.#repeat(asked, needed);
    if (isPlainChoice(settings)) return ranked.top(Math.min(count, needed));
    return Array.from(choose(ranked.ranking(needed), settings, seed).rows.subarray(0, count));
  }

  #repeat(asked: Asked, needed: number): Ranked {
    const question = this.#questionOf(asked);
    if (question.kept && this.#bringUpToDate(asked, question.kept)) {
      this.#hits++;
      question.kept.hits++;
      return question.kept.standings;
    }
    // What is thrown away again has cost no more than the searches that were made in its place, or that one before it spared.
    if (question.kept) question.searched = question.kept.hits;
    question.kept = undefined;
    if (question.searched++ * repeatLimits.rowsPerSearch < this.#registry.columns.rows)
      return searched(this.#registry, asked, needed);
    question.kept = this.#start(asked);
    this.#dropOldest();
    return question.kept.standings;
  }

  /** The question, which is the one asked last now. */
  #questionOf(asked: Asked): Question {
    const [first] = this.#questions;
    if (first && isSame(first, asked)) return first;
    const place = this.#questions.findIndex((one) => isSame(one, asked));
    const [known] = place < 0 ? [] : this.#questions.splice(place, 1);
    const question = known ?? { ...asked, searched: 0, kept: undefined };
    if (this.#questions.unshift(question) > repeatLimits.requests) this.#questions.pop();
    return question;
  }

  #dropOldest(): void {
    const keeping = this.#questions.filter(({ kept }) => kept);
    for (const question of keeping.slice(repeatLimits.searches))
      [question.kept, question.searched] = [undefined, 0];
  }

  #start({ rules, request }: Asked): Kept {
    const { columns, revision } = this.#registry;
    const candidates = candidatesOf(columns, rules, request);
    const terms = termsOf(candidates, rules, request);
    const witnesses = witnessesOf(candidates, terms);
    return { candidates, terms, witnesses, standings: new Standings(candidates, terms), revision, hits: 0 };
  }

  /** False: too much changed, or all others weigh something else now. It is then of no use. */
  #bringUpToDate(asked: Asked, kept: Kept): boolean {
    const { revision } = this.#registry;
    if (kept.revision === revision) return true;
    const changed = this.#changedSince(kept.revision);
    if (!changed) return false;
    const { candidates, standings, terms } = kept;
    for (const row of changed) candidates.forget(row);
    if (!hasSameTerms(asked, kept, changed)) return false;
    for (const row of changed)
      if (passes(candidates, row)) standings.set(row, weightAt(terms, row));
      else standings.drop(row);
    kept.revision = revision;
    return true;
  }

  /** Rows that changed since a revision; undefined: too many, or nobody knows which. */
  #changedSince(since: number): readonly number[] | undefined {
    const { revision } = this.#registry;
    if (revision - since > repeatLimits.changes) return undefined;
    const first = this.#registry.rowChangedAt(since + 1);
    if (first === undefined) return undefined;
    const rows = [first];
    for (let at = since + 2; at <= revision; at++) {
      const row = this.#registry.rowChangedAt(at);
      if (row === undefined) return undefined;
      if (row !== rows.at(-1)) rows.push(row);
    }
    return rows;
  }
}

function searched({ columns }: Registry, { rules, request }: Asked, needed: number): Best {
  const candidates = candidatesOf(columns, rules, request);
  return rankBest(candidates, termsOf(candidates, rules, request), needed);
}

/** What one host has decides how all others are weighed, where it has the most or the least. */
function hasSameTerms({ rules, request }: Asked, kept: Kept, changed: readonly number[]): boolean {
  const { candidates, terms, witnesses } = kept;
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
