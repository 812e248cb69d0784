/**
 * A bound of a row's weight from a sum that is kept: weights are sums of columns times coefficients, which differ from
 * request to request only a little. With s the kept sum and c0 its coefficients, a weight with coefficients c is
 * `r s + sum (c - r c0) v`, and what the second part can be at most follows from the values the candidates have. Pure.
 */
import type { ScoreIndex, ScoreIndexes, Summand } from '../fleet/score-index.js';
import type { Term } from './weigh.js';

/** No candidate row weighs more than `scale * score.values[row] + slack`, by the terms that are summed up. */
export interface RowBound {
  readonly score: ScoreIndex;
  readonly scale: number;
  readonly slack: number;
  /** Terms that are not in the sum. */
  readonly others: readonly Term[];
}

/** Beyond this share of the largest weight, a sum of better coefficients is made. */
const looseness = 0.02;
/** Roundings of a weight, its bound and the kept sum together, in units of the last place, with much to spare. */
const roundings = 256 * Number.EPSILON;

/** The bound for these terms; undefined where no column among them can be summed up. */
export function rowBound(terms: readonly Term[], scores: ScoreIndexes): RowBound | undefined {
  const joint: Term[] = [];
  const others: Term[] = [];
  for (const term of terms) (canBeSummed(term) ? joint : others).push(term);
  if (joint.length === 0) return undefined;
  const enough = looseness * greatestWeight(joint);
  const best = closest(scores.of(joint), joint, enough);
  if (best && (best.loose <= enough || !scores.hasRoom)) {
    const { score, scale } = best;
    return { score: scores.use(score), scale, slack: slackOf(score.summands, joint, others, scale), others };
  }
  if (!scores.hasRoom) return undefined;
  const score = scores.add(joint.map(summandOf));
  return { score, scale: 1, slack: slackOf(score.summands, joint, others, 1), others };
}

/** Weighers with a floor start from the same value at every request, so that their sums keep. */
function canBeSummed({ column, floor, overrides, range, multiplier }: Term): boolean {
  const isKept = column.tally !== undefined && overrides === undefined;
  return isKept && floor > -Infinity && range !== 0 && multiplier !== 0;
}

/** Whether a term only takes away: its best value adds nothing. */
export function isPenalty({ multiplier, range, overrides }: Term): boolean {
  return overrides === undefined && (range === 0 || multiplier / range <= 0);
}

function summandOf(term: Term): Summand {
  return { column: term.column, floor: term.floor, coefficient: coefficientOf(term) };
}

function coefficientOf({ multiplier, range }: Term): number {
  return multiplier / range;
}

function greatestWeight(terms: readonly Term[]): number {
  let sum = 0;
  for (const { multiplier } of terms) sum += Math.abs(multiplier);
  return sum;
}

function greatestMultiplier({ multiplier, overrides }: Term): number {
  let greatest = Math.abs(multiplier);
  for (const bounds of overrides ? [overrides.low, overrides.high] : [])
    for (const bound of bounds)
      if (Math.abs(bound) < Infinity) greatest = Math.max(greatest, Math.abs(bound));
  return greatest;
}

/** The index and the scale that leave little to guess; the least, where none leaves little enough. */
function closest(
  indexes: readonly ScoreIndex[],
  terms: readonly Term[],
  enough: number,
): { score: ScoreIndex; loose: number; scale: number } | undefined {
  let best: { score: ScoreIndex; loose: number; scale: number } | undefined;
  for (const score of indexes) {
    for (let place = 0; place < terms.length; place++) {
      const scale = coefficientOf(terms[place] as Term) / (score.summands[place] as Summand).coefficient;
      if (!(scale > 0)) continue;
      const loose = loosenessOf(score.summands, terms, scale);
      if (!best || loose < best.loose) best = { score, loose, scale };
      if (loose <= enough) return best;
    }
  }
  return best;
}

/** How far apart what the sum leaves open can be. */
function loosenessOf(summands: readonly Summand[], terms: readonly Term[], scale: number): number {
  let sum = 0;
  for (let place = 0; place < terms.length; place++) {
    const term = terms[place] as Term;
    const rest = coefficientOf(term) - scale * (summands[place] as Summand).coefficient;
    sum += Math.abs(rest * term.range);
  }
  return sum;
}

function slackOf(
  summands: readonly Summand[],
  terms: readonly Term[],
  others: readonly Term[],
  scale: number,
): number {
  let slack = 0;
  let size = 0;
  for (let place = 0; place < terms.length; place++) {
    const term = terms[place] as Term;
    const { coefficient } = summands[place] as Summand;
    const own = coefficientOf(term);
    const low = term.minimum;
    const high = low + Math.abs(term.range);
    const rest = own - scale * coefficient;
    slack += Math.max(rest * low, rest * high) - own * low;
    size += (Math.abs(own) + Math.abs(scale * coefficient)) * Math.max(Math.abs(low), Math.abs(high));
  }
  for (const term of others) size += greatestMultiplier(term);
  return slack + roundings * size;
}
