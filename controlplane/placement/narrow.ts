/** Runs one filter's tests over a set of rows: no call and no allocation for a row that a column decides. */
import { type Bits, blockRows, countRows, lowestBit } from '../fleet/registry-columns.js';
import type { PreparedFilter, Threshold } from './filters/filter.js';

/** Takes out of `rows` what the filter refuses, and answers how many are left. */
export function narrow(rows: Bits, filter: PreparedFilter): number {
  for (const bits of filter.within ?? []) keepWithin(rows, bits);
  for (const bits of filter.without ?? []) keepWithout(rows, bits);
  for (const threshold of filter.atLeast ?? []) keepAtLeast(rows, threshold);
  if (filter.passes) keepPassing(rows, filter.passes);
  return countRows(rows);
}

/** Takes out of `rows` what is not in `bits`. */
export function keepWithin(rows: Bits, bits: Bits): void {
  for (let word = 0; word < rows.length; word++) rows[word] = (rows[word] as number) & (bits[word] as number);
}

/** Takes out of `rows` what is in `bits`. */
export function keepWithout(rows: Bits, bits: Bits): void {
  for (let word = 0; word < rows.length; word++)
    rows[word] = (rows[word] as number) & ~(bits[word] as number);
}

/** A block whose lowest value reaches the minimum stays whole; one whose highest does not goes whole. */
function keepAtLeast(rows: Bits, { column, minimum }: Threshold): void {
  const { low, high, values } = column;
  for (let word = 0; word < rows.length; word++) {
    if ((low[word] as number) >= minimum) continue;
    const before = rows[word] as number;
    if (before === 0) continue;
    rows[word] = (high[word] as number) < minimum ? 0 : keepInWord(before, values, word * blockRows, minimum);
  }
}

/** Every row of the word is looked at: a comparison costs less than a branch that nobody can foresee. */
function keepInWord(before: number, values: Float64Array, firstRow: number, minimum: number): number {
  let reaches = 0;
  for (let bit = 0; bit < blockRows; bit++)
    reaches |= Number((values[firstRow + bit] as number) >= minimum) << bit;
  return before & reaches;
}

function keepPassing(rows: Bits, passes: (row: number) => boolean): void {
  for (let word = 0; word < rows.length; word++) {
    const before = rows[word] as number;
    let kept = before;
    for (let rest = before; rest !== 0; rest &= rest - 1) {
      const bit = lowestBit(rest);
      if (!passes(word * blockRows + bit)) kept &= ~(1 << bit);
    }
    rows[word] = kept;
  }
}
