/**
 * How much a row of a block can weigh at most: the sum of its terms with each value replaced by the block's best one.
 * Rounding keeps order, so the bounds hold to the last bit. Normalised values of candidates lie between 0 and 1, whatever
 * else the block holds. Pure.
 */
import type { Overrides } from '../fleet/registry-resources.js';
import type { Term } from './weigh.js';

/** Adds to `bounds`, by block, the most that a row of it can weigh by these terms. */
export function addBlockBounds(bounds: Float64Array, terms: readonly Term[]): void {
  for (const term of terms) {
    if (term.range === 0) continue;
    if (term.overrides === undefined) addBounds(bounds, term);
    else addOverriddenBounds(bounds, term, term.overrides);
  }
}

/** The most that a row of this one block can weigh. */
export function boundOfBlock(terms: readonly Term[], block: number): number {
  let bound = 0;
  for (let place = 0; place < terms.length; place++) {
    const term = terms[place] as Term;
    if (term.range === 0) continue;
    bound +=
      term.overrides === undefined
        ? mostAt(term, block, term.multiplier)
        : mostOverridden(term, term.overrides, block);
  }
  return bound;
}

function addBounds(bounds: Float64Array, { column, floor, minimum, range, multiplier }: Term): void {
  const extremes = multiplier >= 0 === range > 0 ? column.high : column.low;
  const [least, most] = range > 0 ? [0, 1] : [-1, 0];
  for (let block = 0; block < bounds.length; block++) {
    const raw = extremes[block] as number;
    const normal = ((raw < floor ? floor : raw) - minimum) / range;
    bounds[block] =
      (bounds[block] as number) + multiplier * (normal < least ? least : normal > most ? most : normal);
  }
}

function addOverriddenBounds(bounds: Float64Array, term: Term, overrides: Overrides): void {
  for (let block = 0; block < bounds.length; block++)
    bounds[block] = (bounds[block] as number) + mostOverridden(term, overrides, block);
}

/** The multiplier of a row is the option or anything between its block's bounds: the most is at one of the ends. */
function mostOverridden(term: Term, { low, high }: Overrides, block: number): number {
  const least = Math.min(term.multiplier, low[block] as number);
  const most = Math.max(term.multiplier, high[block] as number);
  return Math.max(mostAt(term, block, least), mostAt(term, block, most));
}

function mostAt({ column, floor, minimum, range }: Term, block: number, multiplier: number): number {
  const raw = (multiplier >= 0 === range > 0 ? column.high : column.low)[block] as number;
  const normal = ((raw < floor ? floor : raw) - minimum) / range;
  const least = range > 0 ? 0 : -1;
  return multiplier * Math.max(least, Math.min(least + 1, normal));
}
