/**
 * The registry's storage: one number or bit for each host, in arrays. A column also keeps the lowest and highest value of
 * every 32 rows, so that a search can take or leave a whole word of a bit set after one comparison.
 */

/** Rows of one word of a bit set, and of one block of a column. */
export const blockRows = 32;

/** A set of rows: bit `row & 31` of word `row >>> 5`. Signed words, which the engine need not widen. */
export type Bits = Int32Array;

/** True when `row` is in the set. */
export function hasBit(bits: Bits, row: number): boolean {
  return ((bits[row >>> 5] as number) & (1 << (row & 31))) !== 0;
}

/** Puts `row` into the set or takes it out. */
export function writeBit(bits: Bits, row: number, on: boolean): void {
  const word = row >>> 5;
  const mask = 1 << (row & 31);
  bits[word] = on ? (bits[word] as number) | mask : (bits[word] as number) & ~mask;
}

/** How many bits of a word are set. */
export function countBits(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** How many rows a set has. */
export function countRows(bits: Bits): number {
  let rows = 0;
  for (let word = 0; word < bits.length; word++) rows += countBits(bits[word] as number);
  return rows;
}

/** Number of the lowest set bit of a word that is not 0. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & ~(word - 1));
}

/** The rows of a set, ascending. */
export function rowsOf(bits: Bits): number[] {
  const rows: number[] = [];
  for (let word = 0; word < bits.length; word++) {
    for (let rest = bits[word] as number; rest !== 0; rest &= rest - 1) {
      rows.push(word * blockRows + lowestBit(rest));
    }
  }
  return rows;
}

/** One number for each row, with the bounds of each block of 32 rows. Rows without a host hold NaN and bound nothing. */
export class Column {
  values = new Float64Array(0);
  /** Lowest value of each block; Infinity where it has no host. */
  low = new Float64Array(0);
  /** Highest value of each block; -Infinity where it has no host. */
  high = new Float64Array(0);

  grow(rows: number): void {
    this.values = grown(this.values, rows, Number.NaN);
    this.low = grown(this.low, rows / blockRows, Infinity);
    this.high = grown(this.high, rows / blockRows, -Infinity);
  }

  /** Writes a row and keeps its block's bounds. NaN: no host. */
  set(row: number, value: number): void {
    const before = this.values[row] as number;
    if (before === value) return;
    this.values[row] = value;
    const block = row >>> 5;
    const wasBound = before === this.low[block] || before === this.high[block];
    if (wasBound || Number.isNaN(value)) this.#rebound(block);
    else this.#include(block, value);
  }

  #include(block: number, value: number): void {
    if (value < (this.low[block] as number)) this.low[block] = value;
    if (value > (this.high[block] as number)) this.high[block] = value;
  }

  #rebound(block: number): void {
    let low = Infinity;
    let high = -Infinity;
    const end = (block + 1) * blockRows;
    for (let row = block * blockRows; row < end; row++) {
      const value = this.values[row] as number;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    this.low[block] = low;
    this.high[block] = high;
  }
}

function grown(old: Float64Array<ArrayBuffer>, length: number, fill: number): Float64Array<ArrayBuffer> {
  const next = new Float64Array(length).fill(fill);
  next.set(old);
  return next;
}
