/**
 * The rows that may pass every filter of a request. Sets are put together 32 rows at a time, and sets, columns and
 * predicates are asked only about what the search comes to, which is little: it is after the best and does not need to know
 * all the rest.
 */
import {
  type Bits,
  blockRows,
  type Column,
  hasBit,
  lowestBit,
  spanBlocks,
  writeBit,
} from '../fleet/registry-columns.js';
import type { Columns } from '../fleet/registry-resources.js';
import type { CheckedRequest } from '../model/request.js';
import type { SchedulerSettings } from '../model/scheduler-settings.js';
import type { Filter, PreparedFilter, Threshold } from './filters/filter.js';

/** Which filters run, with their settings. */
export interface FilterRules {
  readonly filters: readonly Filter[];
  readonly settings: SchedulerSettings;
}

export class Candidates {
  readonly columns: Columns;
  /** Rows that are looked at in the first place. */
  readonly rows: Bits;
  readonly #within: Bits[] = [];
  readonly #without: Bits[] = [];
  readonly #thresholds: Threshold[] = [];
  readonly #predicates: ((row: number) => boolean)[] = [];
  /** Rows that the predicates were asked about, and those that passed: some of them cost much, and are asked once. */
  #asked: Bits | undefined;
  #passed: Bits | undefined;

  /** `rows`: of these only; every host where not given. */
  constructor(
    { filters, settings }: FilterRules,
    request: CheckedRequest,
    columns: Columns,
    rows: Bits = columns.present.slice(),
  ) {
    this.columns = columns;
    this.rows = rows;
    for (const filter of filters) this.#apply(filter.prepare(request, columns, settings));
    if (this.#predicates.length === 0) return;
    this.#asked = new Int32Array(rows.length);
    this.#passed = new Int32Array(rows.length);
  }

  #apply({ within, without, atLeast, passes }: PreparedFilter): void {
    if (within) for (let place = 0; place < within.length; place++) this.#within.push(within[place] as Bits);
    if (without)
      for (let place = 0; place < without.length; place++) this.#without.push(without[place] as Bits);
    if (atLeast)
      for (let place = 0; place < atLeast.length; place++) this.#thresholds.push(atLeast[place] as Threshold);
    if (passes) this.#predicates.push(passes);
  }

  /** The rows of a block that every set leaves. */
  word(block: number): number {
    let word = this.rows[block] as number;
    const within = this.#within;
    for (let place = 0; place < within.length; place++) word &= (within[place] as Bits)[block] as number;
    const without = this.#without;
    for (let place = 0; place < without.length; place++) word &= ~((without[place] as Bits)[block] as number);
    return word;
  }

  /** The rows of a block that may pass: none where the best of the block is short of something. */
  inBlock(block: number): number {
    return this.isShort(block) ? 0 : this.word(block);
  }

  /** Whether the best of a block is short of something. */
  isShort(block: number): boolean {
    const thresholds = this.#thresholds;
    for (let place = 0; place < thresholds.length; place++) {
      const { column, minimum } = thresholds[place] as Threshold;
      if ((column.high[block] as number) < minimum) return true;
    }
    return false;
  }

  /** Whether a row that every set leaves passes the rest of every filter. */
  pass(row: number): boolean {
    const thresholds = this.#thresholds;
    for (let place = 0; place < thresholds.length; place++) {
      const { column, minimum } = thresholds[place] as Threshold;
      if (!((column.values[row] as number) >= minimum)) return false;
    }
    return this.#asked === undefined || this.#ask(row, this.#asked, this.#passed as Bits);
  }

  #ask(row: number, asked: Bits, passed: Bits): boolean {
    if (hasBit(asked, row)) return hasBit(passed, row);
    const isPassing = this.#predicates.every((passes) => passes(row));
    writeBit(asked, row, true);
    writeBit(passed, row, isPassing);
    return isPassing;
  }

  /** A row is another than before: what its predicates said is asked again. */
  forget(row: number): void {
    if (this.#asked) writeBit(this.#asked, row, false);
  }

  /** How many rows pass, counted no further than `most`. */
  count(most: number): number {
    const words = this.rows.length;
    let count = 0;
    for (let word = 0; word < words; word++) {
      for (let rest = this.inBlock(word); rest !== 0; rest &= rest - 1) {
        if (this.pass(word * blockRows + lowestBit(rest)) && ++count >= most) return count;
      }
    }
    return count;
  }

  /** Highest value over the rows that pass; -Infinity for none. */
  highest(column: Column): number {
    const { high, spanHigh } = column;
    const blocks = this.rows.length;
    const spans = Math.ceil(blocks / spanBlocks);
    let best = this.#highestPeak(column);
    for (let span = 0; span < spans; span++) {
      if ((spanHigh[span] as number) <= best) continue;
      const end = Math.min((span + 1) * spanBlocks, blocks);
      for (let block = span * spanBlocks; block < end; block++)
        if ((high[block] as number) > best) best = this.#highestIn(block, column, best);
    }
    return best;
  }

  #highestPeak({ values, peaks }: Column): number {
    let best = -Infinity;
    for (let place = 0; place < peaks.length; place++) {
      const row = peaks[place] as number;
      if (row < 0 || !((values[row] as number) > best)) continue;
      if ((this.word(row >>> 5) & (1 << (row & 31))) !== 0 && this.pass(row)) best = values[row] as number;
    }
    return best;
  }

  #highestIn(block: number, column: Column, least: number): number {
    const { values } = column;
    let best = least;
    let bestRow = -1;
    for (let rest = this.inBlock(block); rest !== 0; rest &= rest - 1) {
      const row = block * blockRows + lowestBit(rest);
      if (!((values[row] as number) > best && this.pass(row))) continue;
      best = values[row] as number;
      bestRow = row;
    }
    if (bestRow >= 0) column.notePeak(bestRow);
    return best;
  }

  /** Lowest value over the rows that pass; Infinity for none. */
  lowest(column: Column): number {
    const { low, spanLow } = column;
    const blocks = this.rows.length;
    const spans = Math.ceil(blocks / spanBlocks);
    let best = Infinity;
    for (let span = 0; span < spans; span++) {
      if ((spanLow[span] as number) >= best) continue;
      const end = Math.min((span + 1) * spanBlocks, blocks);
      for (let block = span * spanBlocks; block < end; block++)
        if ((low[block] as number) < best) best = this.#lowestIn(block, column, best);
    }
    return best;
  }

  #lowestIn(block: number, { values }: Column, most: number): number {
    let best = most;
    for (let rest = this.inBlock(block); rest !== 0; rest &= rest - 1) {
      const row = block * blockRows + lowestBit(rest);
      if ((values[row] as number) < best && this.pass(row)) best = values[row] as number;
    }
    return best;
  }
}
