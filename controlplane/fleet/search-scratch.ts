/**
 * Room that searches work in, kept with the columns that they search: making arrays for each search would cost more than
 * the search. A search runs from start to end without a pause, so one set of arrays is enough.
 */
import { blockRows } from './registry-columns.js';

/** Rows that are weighed together at most. */
const batchRows = 128;
/** Blocks that are looked into first. Eight hold more than enough good rows for the usual handful of answers. */
export const promisingBlocks = 8;

export class SearchScratch {
  /** One number for each block: no row in it weighs more. */
  bounds = new Float64Array(0);
  /** Rows of a batch and their weights. */
  readonly batch = new Int32Array(batchRows);
  readonly weights = new Float64Array(batchRows);
  /** Blocks that are looked into first, and what they promise. */
  readonly promising = new Int32Array(promisingBlocks);
  readonly promisingKeys = new Float64Array(promisingBlocks);

  /** For this many rows, a multiple of 32. */
  size(rows: number): void {
    if (this.bounds.length === rows / blockRows) return;
    this.bounds = new Float64Array(rows / blockRows);
  }
}
