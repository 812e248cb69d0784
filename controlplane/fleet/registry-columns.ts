/**
 * The registry's storage: one number or bit for each host, in arrays. A column also keeps the lowest and highest value of
 * every 32 rows, so that a search can take or leave a whole word of a bit set after one comparison.
 */

/** Rows of one word of a bit set, and of one block of a column. */
export const blockRows = 32;
/** Blocks of one span. */
export const spanBlocks = 32;

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

/** How often the blocks of a set of columns were written to, so that what was worked out from a block can be kept. */
export class ChangeTally {
  /** By block, and by span of blocks. They wrap around; nobody is 2^32 changes behind. */
  changes = new Uint32Array(0);
  spanChanges = new Uint32Array(0);

  /** For this many rows, a multiple of 32. */
  size(rows: number): void {
    if (this.changes.length === rows / blockRows) return;
    this.changes = new Uint32Array(rows / blockRows);
    this.spanChanges = new Uint32Array(spansOf(rows));
  }

  count(block: number): void {
    this.changes[block] = (this.changes[block] as number) + 1;
    this.spanChanges[block >>> 5] = (this.spanChanges[block >>> 5] as number) + 1;
  }
}

/** Rows that searches found extremes at, by column. */
const mostPeaks = 8;

/**
 * One number for each row, with the bounds of each block of 32 rows and of each span of 32 blocks. Rows without a host hold
 * NaN and bound nothing.
 */
export class Column {
  values = new Float64Array(0);
  /** Lowest value of each block; Infinity where it has no host. */
  low = new Float64Array(0);
  /** Highest value of each block; -Infinity where it has no host. */
  high = new Float64Array(0);
  /** The same of each span. */
  spanLow = new Float64Array(0);
  spanHigh = new Float64Array(0);
  readonly #tally: ChangeTally | undefined;
  readonly #peaks = new Int32Array(mostPeaks).fill(-1);
  #nextPeak = 0;

  /** `tally`: counts the changes of this column, and of others beside it. */
  constructor(tally?: ChangeTally) {
    this.#tally = tally;
  }

  get tally(): ChangeTally | undefined {
    return this.#tally;
  }

  /** Rows where searches found the highest or lowest value of late, or -1: where it is worth looking first, no more. */
  get peaks(): Int32Array {
    return this.#peaks;
  }

  /** Takes a row among the peaks, in the place of the oldest. */
  notePeak(row: number): void {
    this.#peaks[this.#nextPeak] = row;
    this.#nextPeak = (this.#nextPeak + 1) % mostPeaks;
  }

  grow(rows: number): void {
    this.values = grown(this.values, rows, Number.NaN);
    this.low = grown(this.low, rows / blockRows, Infinity);
    this.high = grown(this.high, rows / blockRows, -Infinity);
    this.spanLow = grown(this.spanLow, spansOf(rows), Infinity);
    this.spanHigh = grown(this.spanHigh, spansOf(rows), -Infinity);
  }

  /** Writes a row and keeps its block's bounds. NaN: no host. */
  set(row: number, value: number): void {
    const before = this.values[row] as number;
    if (before === value) return;
    this.values[row] = value;
    const block = row >>> 5;
    this.#tally?.count(block);
    const low = this.low[block] as number;
    const high = this.high[block] as number;
    const newLow = value <= low ? value : before === low ? this.#lowestOf(block, low) : low;
    const newHigh = value >= high ? value : before === high ? this.#highestOf(block, high) : high;
    if (newLow === low && newHigh === high) return;
    this.low[block] = newLow;
    this.high[block] = newHigh;
    this.#reboundSpan(block, low, high);
  }

  /** The lowest of a block, where none is below `bound`. Mostly another row has that too. */
  #lowestOf(block: number, bound: number): number {
    const { values } = this;
    const end = (block + 1) * blockRows;
    let low = Infinity;
    for (let row = block * blockRows; row < end; row++) {
      const value = values[row] as number;
      if (value === bound) return bound;
      if (value < low) low = value;
    }
    return low;
  }

  /** The highest of a block, where none is above `bound`. */
  #highestOf(block: number, bound: number): number {
    const { values } = this;
    const end = (block + 1) * blockRows;
    let high = -Infinity;
    for (let row = block * blockRows; row < end; row++) {
      const value = values[row] as number;
      if (value === bound) return bound;
      if (value > high) high = value;
    }
    return high;
  }

  /** `low`, `high`: the block's bounds before. */
  #reboundSpan(block: number, low: number, high: number): void {
    const span = block >>> 5;
    const end = Math.min((span + 1) * spanBlocks, this.low.length);
    const newLow = this.low[block] as number;
    const newHigh = this.high[block] as number;
    if (newLow <= (this.spanLow[span] as number)) this.spanLow[span] = newLow;
    else if (low === this.spanLow[span]) this.spanLow[span] = lowestOf(this.low, span * spanBlocks, end);
    if (newHigh >= (this.spanHigh[span] as number)) this.spanHigh[span] = newHigh;
    else if (high === this.spanHigh[span]) this.spanHigh[span] = highestOf(this.high, span * spanBlocks, end);
  }
}

/** Spans of this many rows. */
export function spansOf(rows: number): number {
  return Math.ceil(rows / blockRows / spanBlocks);
}

function lowestOf(values: Float64Array, first: number, end: number): number {
  let low = Infinity;
  for (let index = first; index < end; index++)
    if ((values[index] as number) < low) low = values[index] as number;
  return low;
}

/** Highest of the entries from `first` up to `end`; -Infinity for none but NaN. */
export function highestOf(values: Float64Array, first: number, end: number): number {
  let high = -Infinity;
  for (let index = first; index < end; index++)
    if ((values[index] as number) > high) high = values[index] as number;
  return high;
}

/** Lowest and highest value of each block; Infinity and -Infinity for a block of nothing but NaN. */
export function blockBounds(values: Float64Array): { low: Float64Array; high: Float64Array } {
  const low = new Float64Array(values.length / blockRows).fill(Infinity);
  const high = new Float64Array(values.length / blockRows).fill(-Infinity);
  for (let row = 0; row < values.length; row++) {
    const value = values[row] as number;
    const block = row >>> 5;
    if (value < (low[block] as number)) low[block] = value;
    if (value > (high[block] as number)) high[block] = value;
  }
  return { low, high };
}

function grown(old: Float64Array<ArrayBuffer>, length: number, fill: number): Float64Array<ArrayBuffer> {
  const next = new Float64Array(length).fill(fill);
  next.set(old);
  return next;
}
