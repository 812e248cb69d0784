/**
 * Every candidate of a search in a knock-out tree: each node has the better of the two below it. A host that changed costs as
 * many comparisons as the tree is high, and the best few are read off its top, however many hosts there are.
 */
import { blockRows, lowestBit } from '../fleet/registry-columns.js';
import type { Ranking } from './best.js';
import type { Candidates } from './candidates.js';
import { type Term, weighRows } from './weigh.js';

/** Who is not in. It loses to everybody. */
const isOut = Number.NaN;

export class Standings {
  readonly #passes: (row: number) => boolean;
  /** By row; NaN: not in. */
  readonly #weights: Float64Array;
  /** By node: the row that wins there. Node 1 is the top; below node n are 2n and 2n + 1; from `#leaves` on it is a row each. */
  readonly #winners: Int32Array;
  readonly #leaves: number;

  /** All rows that the sets of a search leave. What else its filters say is asked of the best alone, when they are asked for. */
  constructor(candidates: Candidates, terms: readonly Term[]) {
    const { rows } = candidates.columns;
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(2, rows)));
    this.#passes = (row) => candidates.pass(row);
    this.#weights = new Float64Array(this.#leaves).fill(isOut);
    this.#winners = new Int32Array(2 * this.#leaves);
    this.#weigh(candidates, terms);
    for (let row = 0; row < this.#leaves; row++) this.#winners[this.#leaves + row] = row;
    for (let node = this.#leaves - 1; node > 0; node--) this.#winners[node] = this.#better(node);
  }

  #weigh(candidates: Candidates, terms: readonly Term[]): void {
    const { batch, weights } = candidates.columns.scratch;
    for (let block = 0; block < candidates.rows.length; block++) {
      let length = 0;
      for (let rest = candidates.word(block); rest !== 0; rest &= rest - 1)
        batch[length++] = block * blockRows + lowestBit(rest);
      weighRows(terms, batch, length, weights);
      for (let index = 0; index < length; index++)
        this.#weights[batch[index] as number] = weights[index] as number;
    }
  }

  /** The better row of the two below a node. Equal weights: the lower row, which is the left one. */
  #better(node: number): number {
    const left = this.#winners[2 * node] as number;
    const right = this.#winners[2 * node + 1] as number;
    return this.#beats(right, left) ? right : left;
  }

  #beats(row: number, other: number): boolean {
    const its = this.#weights[row] as number;
    const others = this.#weights[other] as number;
    return its > others || (its === others && row < other) || others !== others;
  }

  /** A row weighs something else now. */
  set(row: number, weight: number): void {
    this.#weights[row] = weight;
    for (let node = (this.#leaves + row) >>> 1; node > 0; node >>>= 1) {
      const winner = this.#better(node);
      if (this.#winners[node] === winner && winner !== row) return; // it lost here before, and does so now
      this.#winners[node] = winner;
    }
  }

  /** A row is not in any more. */
  drop(row: number): void {
    this.set(row, isOut);
  }

  /** The best `count` rows that pass, best first. */
  top(count: number): number[] {
    const rows: number[] = [];
    const refused: number[] = [];
    const open = [1];
    while (rows.length < count && open.length > 0) {
      const place = this.#bestOf(open);
      const node = open[place] as number;
      const row = this.#winners[node] as number;
      if (Number.isNaN(this.#weights[row])) break;
      (this.#passes(row) ? rows : refused).push(row);
      if (rows.length < count) this.#openBelow(node, row, place, open);
    }
    for (const row of refused) this.drop(row); // until it changes
    return rows;
  }

  /** The best `count`, with their weights. */
  ranking(count: number): Ranking {
    const rows = Uint32Array.from(this.top(count));
    return { rows, weights: Float64Array.from(rows, (row) => this.#weights[row] as number) };
  }

  /** In the place of a node come those beside the way that its winner took. */
  #openBelow(from: number, row: number, place: number, open: number[]): void {
    open[place] = open[open.length - 1] as number;
    open.pop();
    const winners = this.#winners;
    for (let node = from; node < this.#leaves;) {
      node = winners[2 * node] === row ? 2 * node : 2 * node + 1;
      open.push(node ^ 1);
    }
  }

  /** Where in `open` the node stands that has the best winner. */
  #bestOf(open: readonly number[]): number {
    const winners = this.#winners;
    let best = 0;
    let row = winners[open[0] as number] as number;
    for (let place = 1; place < open.length; place++) {
      const other = winners[open[place] as number] as number;
      if (!this.#beats(other, row)) continue;
      best = place;
      row = other;
    }
    return best;
  }
}
