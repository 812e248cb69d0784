/**
 * The rows that may pass every filter of a request. Sets are applied to all rows at once; columns are looked at only for
 * rows that the search comes to, which are few: it is after the best and does not need to know all the rest.
 */
import { type Bits, blockRows, lowestBit } from '../fleet/registry-columns.js';
import type { Columns } from '../fleet/registry-resources.js';
import type { CheckedRequest } from '../model/request.js';
import type { Filter, Threshold } from './filters/filter.js';
import { keepWithin, keepWithout } from './narrow.js';

export class Candidates {
  /** Rows that the sets of every filter leave. */
  readonly rows: Bits;
  readonly #thresholds: readonly Threshold[];
  readonly #predicates: readonly ((row: number) => boolean)[];

  constructor(filters: readonly Filter[], request: CheckedRequest, columns: Columns) {
    const prepared = filters.map((filter) => filter.prepare(request, columns));
    this.#thresholds = prepared.flatMap(({ atLeast }) => atLeast ?? []);
    this.#predicates = prepared.flatMap(({ passes }) => passes ?? []);
    const [first, ...others] = prepared.flatMap(({ within }) => within ?? []);
    this.rows = (first ?? columns.present).slice();
    for (const bits of others) keepWithin(this.rows, bits);
    for (const { without = [] } of prepared) for (const bits of without) keepWithout(this.rows, bits);
  }

  /** The rows of a block that may pass: none where the best of the block is short of something. */
  inBlock(block: number): number {
    const thresholds = this.#thresholds;
    for (let index = 0; index < thresholds.length; index++) {
      const { column, minimum } = thresholds[index] as Threshold;
      if ((column.high[block] as number) < minimum) return 0;
    }
    return this.rows[block] as number;
  }

  /** Whether a row of `rows` passes the rest of every filter. */
  pass(row: number): boolean {
    const thresholds = this.#thresholds;
    for (let index = 0; index < thresholds.length; index++) {
      const { column, minimum } = thresholds[index] as Threshold;
      if (!((column.values[row] as number) >= minimum)) return false;
    }
    for (const passes of this.#predicates) if (!passes(row)) return false;
    return true;
  }

  /** How many rows pass, counted no further than `most`. */
  count(most: number): number {
    let count = 0;
    for (let word = 0; word < this.rows.length; word++) {
      for (let rest = this.inBlock(word); rest !== 0; rest &= rest - 1) {
        if (this.pass(word * blockRows + lowestBit(rest)) && ++count >= most) return count;
      }
    }
    return count;
  }
}
