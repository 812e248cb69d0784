/**
 * Sums over several columns, kept by row and with the highest of each block: where hosts are ranked by a sum, the highest
 * sum of a block says much more than the highest of each column. Brought up to date block by block, when it is asked for.
 */
import {
  blockRows,
  type ChangeTally,
  type Column,
  highestOf,
  spanBlocks,
  spansOf,
} from './registry-columns.js';

/** One part of a sum: the column's value, `floor` where it is lower, times a coefficient. */
export interface Summand {
  readonly column: Column;
  readonly floor: number;
  readonly coefficient: number;
}

/** Rows that are remembered: the best handful of some six kinds of request. */
const mostPeaks = 32;

export class ScoreIndex {
  readonly summands: readonly Summand[];
  /** The sum by row; NaN without a host. */
  readonly values: Float64Array;
  /** The highest of each block; -Infinity without a host. */
  readonly high: Float64Array;
  /** The highest of each span of blocks. */
  readonly spanHigh: Float64Array;
  /** Rows that were among the best of late, or -1: where it is worth looking first, no more. */
  readonly peaks = new Int32Array(mostPeaks).fill(-1);
  #nextPeak = 0;
  /** The tally when a block was summed up. */
  readonly #seen: Uint32Array;
  readonly #seenSpans: Uint32Array;

  constructor(summands: readonly Summand[], tally: ChangeTally) {
    const blocks = tally.changes.length;
    this.summands = summands;
    this.values = new Float64Array(blocks * blockRows);
    this.high = new Float64Array(blocks);
    this.spanHigh = new Float64Array(spansOf(blocks * blockRows));
    this.#seen = tally.changes.slice();
    this.#seenSpans = tally.spanChanges.slice();
    for (let block = 0; block < blocks; block++) this.#sumUp(block);
    for (let span = 0; span < this.spanHigh.length; span++) this.#boundSpan(span);
  }

  #boundSpan(span: number): void {
    const end = Math.min((span + 1) * spanBlocks, this.high.length);
    this.spanHigh[span] = highestOf(this.high, span * spanBlocks, end);
  }

  /** Takes rows among the peaks, in the places of the oldest. */
  notePeaks(rows: Uint32Array): void {
    const { peaks } = this;
    for (let place = 0; place < rows.length; place++) {
      const row = rows[place] as number;
      if (peaks.includes(row)) continue;
      peaks[this.#nextPeak] = row;
      this.#nextPeak = (this.#nextPeak + 1) % mostPeaks;
    }
  }

  /** Sums up the blocks that changed since. */
  refresh(tally: ChangeTally): void {
    const seen = this.#seenSpans;
    for (let span = 0; span < seen.length; span++) {
      if (seen[span] === tally.spanChanges[span]) continue;
      seen[span] = tally.spanChanges[span] as number;
      this.#refreshSpan(span, tally.changes);
    }
  }

  #refreshSpan(span: number, changes: Uint32Array): void {
    const seen = this.#seen;
    const end = Math.min((span + 1) * spanBlocks, seen.length);
    for (let block = span * spanBlocks; block < end; block++) {
      if (seen[block] === changes[block]) continue;
      seen[block] = changes[block] as number;
      this.#sumUp(block);
    }
    this.#boundSpan(span);
  }

  #sumUp(block: number): void {
    const { values } = this;
    const first = block * blockRows;
    const end = first + blockRows;
    values.fill(0, first, end);
    for (const summand of this.summands) addTo(values, summand, first, end);
    this.high[block] = highestOf(values, first, end);
  }
}

function addTo(
  sums: Float64Array,
  { column: { values }, floor, coefficient }: Summand,
  first: number,
  end: number,
): void {
  for (let row = first; row < end; row++) {
    const value = values[row] as number;
    sums[row] = (sums[row] as number) + coefficient * (value < floor ? floor : value);
  }
}

/** Most indexes that are kept: of one set of weighers, one for each kind of fleet that requests choose from. */
const mostIndexes = 8;
/** Searches between one index that takes the place of another and the next. */
const patience = 64;

/** The indexes of a registry. */
export class ScoreIndexes {
  readonly #tally: ChangeTally;
  readonly #indexes: ScoreIndex[] = [];
  #blocks = 0;
  #searches = 0;

  constructor(tally: ChangeTally) {
    this.#tally = tally;
  }

  /** Those that sum up these columns; the one used last stands first. */
  of(columns: readonly { readonly column: Column; readonly floor: number }[]): readonly ScoreIndex[] {
    this.#searches++;
    if (this.#blocks !== this.#tally.changes.length) this.#forget();
    const found: ScoreIndex[] = [];
    for (const index of this.#indexes) if (sumsUp(index, columns)) found.push(index);
    return found;
  }

  /** The columns have more rows now. */
  #forget(): void {
    this.#blocks = this.#tally.changes.length;
    this.#indexes.length = 0;
  }

  /** True when an index may be added: there is room, or none took another's place of late. */
  get hasRoom(): boolean {
    return this.#indexes.length < mostIndexes || this.#searches >= patience;
  }

  /** Makes an index; the one that was not used for longest goes when there are too many. */
  add(parts: readonly Summand[]): ScoreIndex {
    const index = new ScoreIndex(parts, this.#tally);
    this.#indexes.unshift(index);
    if (this.#indexes.length > mostIndexes) this.#indexes.pop();
    this.#searches = 0;
    return index;
  }

  /** Brings an index up to date. */
  use(index: ScoreIndex): ScoreIndex {
    index.refresh(this.#tally);
    if (this.#indexes[0] === index) return index;
    this.#indexes.splice(this.#indexes.indexOf(index), 1);
    this.#indexes.unshift(index);
    return index;
  }
}

function sumsUp(
  { summands }: ScoreIndex,
  columns: readonly { readonly column: Column; readonly floor: number }[],
): boolean {
  if (summands.length !== columns.length) return false;
  for (let place = 0; place < summands.length; place++) {
    const ours = summands[place] as Summand;
    const theirs = columns[place] as Summand;
    if (ours.column !== theirs.column || ours.floor !== theirs.floor) return false;
  }
  return true;
}
