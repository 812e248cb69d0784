/**
 * Weighing as Nova's `weights.py`: raw values are normalised over the hosts that are left, multiplied and added up. Bounds
 * of blocks spare most rows: a block that cannot reach the best is not looked into, and the answer is the same.
 */
import { blockRows, lowestBit } from '../fleet/registry-columns.js';
import type { Columns } from '../fleet/registry-resources.js';
import type { CheckedRequest } from '../model/request.js';
import type { Candidates } from './candidates.js';
import type { WeigherInUse } from './weighers/weigher.js';

/** One weigher, normalised over a set of rows. */
export interface Term {
  readonly name: string;
  readonly values: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly floor: number;
  readonly minimum: number;
  /** Highest - minimum; 0: every row weighs 0. */
  readonly range: number;
  readonly multiplier: number;
  /** By row, where aggregates set their own; NaN: they do not. */
  readonly overrides: Float64Array | undefined;
}

/** The terms of a request over the candidates that pass. */
export function prepareTerms(
  candidates: Candidates,
  inUse: readonly WeigherInUse[],
  request: CheckedRequest,
  columns: Columns,
): Term[] {
  return inUse.map(({ weigher, multiplier }) => {
    const { column, floor } = weigher.prepare(request, columns);
    const { values, low, high } = column;
    const minimum = floor ?? lowest(candidates, values, low);
    const range = Math.max(highest(candidates, values, high), minimum) - minimum;
    const overrides = columns.multipliers.get(weigher.multiplierKey);
    return {
      name: weigher.name,
      values,
      low,
      high,
      floor: floor ?? -Infinity,
      minimum,
      range,
      multiplier,
      overrides,
    };
  });
}

/** Highest value over the candidates that pass; -Infinity for none. */
function highest(candidates: Candidates, values: Float64Array, high: Float64Array): number {
  let best = -Infinity;
  for (let word = 0; word < candidates.rows.length; word++) {
    if (!((high[word] as number) > best)) continue;
    for (let rest = candidates.inBlock(word); rest !== 0; rest &= rest - 1) {
      const row = word * blockRows + lowestBit(rest);
      const value = values[row] as number;
      if (value > best && candidates.pass(row)) best = value;
    }
  }
  return best;
}

/** Lowest value over the candidates that pass; Infinity for none. */
function lowest(candidates: Candidates, values: Float64Array, low: Float64Array): number {
  let best = Infinity;
  for (let word = 0; word < candidates.rows.length; word++) {
    if (!((low[word] as number) < best)) continue;
    for (let rest = candidates.inBlock(word); rest !== 0; rest &= rest - 1) {
      const row = word * blockRows + lowestBit(rest);
      const value = values[row] as number;
      if (value < best && candidates.pass(row)) best = value;
    }
  }
  return best;
}

/** The normalised weight of a row in one term times its multiplier. */
export function termAt(term: Term, row: number): number {
  const override = term.overrides === undefined ? Number.NaN : (term.overrides[row] as number);
  const multiplier = Number.isNaN(override) ? term.multiplier : override;
  return multiplier * normal(term, term.values[row] as number);
}

function normal(term: Term, raw: number): number {
  if (term.range === 0) return 0;
  return ((raw < term.floor ? term.floor : raw) - term.minimum) / term.range;
}

/** The weight of a row: its terms added up in order. */
export function weightAt(terms: readonly Term[], row: number): number {
  let weight = 0;
  for (let index = 0; index < terms.length; index++) weight += termAt(terms[index] as Term, row);
  return weight;
}

/** By block: no row in it weighs more. Rounding keeps order, so the bounds hold to the last bit. */
export function boundsOf(terms: readonly Term[], blocks: number): Float64Array {
  const bounds = new Float64Array(blocks);
  for (const term of terms) {
    if (term.overrides !== undefined) return bounds.fill(Infinity);
    if (term.range !== 0) addBounds(bounds, term, term.multiplier >= 0 ? term.high : term.low);
  }
  return bounds;
}

function addBounds(
  bounds: Float64Array,
  { floor, minimum, range, multiplier }: Term,
  extremes: Float64Array,
): void {
  for (let block = 0; block < bounds.length; block++) {
    const raw = extremes[block] as number;
    bounds[block] =
      (bounds[block] as number) + multiplier * (((raw < floor ? floor : raw) - minimum) / range);
  }
}
