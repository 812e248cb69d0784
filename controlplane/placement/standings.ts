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
  /** By node: the row that wins there. Node 1 is the top; below node n are 2n and 2n + 1; from `#leaves` on it is a row each. */
  readonly #winners: Int32Array;
  /** By node: what its winner weighs; NaN: nobody is in. */
  readonly #weights: Float64Array;
  readonly #leaves: number;
  /** Nodes that are still to be looked at, while the best are read off. */
  #open = new Int32Array(0);

  /** All rows that the sets of a search leave. What else its filters say is asked of the best alone, when they are asked for. */
  constructor(candidates: Candidates, terms: readonly Term[]) {
    const { rows } = candidates.columns;
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(2, rows)));
    this.#passes = (row) => candidates.pass(row);
    this.#weights = new Float64Array(2 * this.#leaves).fill(isOut);
    this.#winners = new Int32Array(2 * this.#leaves);
    this.#weigh(candidates, terms);
    for (let row = 0; row < this.#leaves; row++) this.#winners[this.#leaves + row] = row;
    for (let node = this.#leaves - 1; node > 0; node--) this.#play(node);
  }

  #weigh(candidates: Candidates, terms: readonly Term[]): void {
    const { batch, weights } = candidates.columns.scratch;
    for (let block = 0; block < candidates.rows.length; block++) {
      let length = 0;
      for (let rest = candidates.word(block); rest !== 0; rest &= rest - 1)
        batch[length++] = block * blockRows + lowestBit(rest);
      weighRows(terms, batch, length, weights);
      for (let index = 0; index < length; index++)
        this.#weights[this.#leaves + (batch[index] as number)] = weights[index] as number;
    }
  }

  /** The better of the two below a node wins it. Equal weights: the lower row, which is the left one. */
  #play(node: number): void {
    const weights = this.#weights;
    const left = weights[2 * node] as number;
    const right = weights[2 * node + 1] as number;
    const winner = right > left || left !== left ? 2 * node + 1 : 2 * node;
    weights[node] = weights[winner] as number;
    this.#winners[node] = this.#winners[winner] as number;
  }

  /** A row weighs something else now. */
  set(row: number, weight: number): void {
    const winners = this.#winners;
    const leaf = this.#leaves + row;
    this.#weights[leaf] = weight;
    for (let node = leaf >>> 1; node > 0; node >>>= 1) {
      const before = winners[node];
      this.#play(node);
      if (winners[node] === before && before !== row) return; // it lost here before, and does so now
    }
  }

  /** A row is not in any more. */
  drop(row: number): void {
    this.set(row, isOut);
  }

  /** The best `count` rows that pass, best first. */
  top(count: number): number[] {
    for (;;) {
      const rows = this.#readOff(count);
      if (rows) return rows;
    }
  }

  /** The same; undefined: so many did not pass, and are out now, that it is to be begun again. */
  #readOff(count: number): number[] | undefined {
    const rows: number[] = [];
    const refused: number[] = [];
    const open = this.#roomFor(count);
    let length = 1;
    open[0] = 1;
    while (rows.length < count && length > 0) {
      const place = this.#bestOf(open, length);
      const node = open[place] as number;
      const row = this.#winners[node] as number;
      if (Number.isNaN(this.#weights[node])) break;
      (this.#passes(row) ? rows : refused).push(row);
      if (refused.length > count) break;
      open[place] = open[--length] as number;
      if (rows.length < count) length = this.#openBelow(node, row, open, length);
    }
    for (let place = 0; place < refused.length; place++) this.drop(refused[place] as number); // until it changes
    return refused.length > count ? undefined : rows;
  }

  /** Each row that is looked at leaves as many nodes open as the tree is high. */
  #roomFor(count: number): Int32Array {
    const most = (2 * count + 1) * (32 - Math.clz32(this.#leaves)) + 1;
    if (this.#open.length < most) this.#open = new Int32Array(most);
    return this.#open;
  }

  /** The best `count`, with their weights. */
  ranking(count: number): Ranking {
    const rows = Uint32Array.from(this.top(count));
    return { rows, weights: Float64Array.from(rows, (row) => this.#weights[this.#leaves + row] as number) };
  }

  /** In the place of a node come those beside the way that its winner took. Answers how many are open. */
  #openBelow(from: number, row: number, open: Int32Array, length: number): number {
    let end = length;
    for (let node = this.#leaves + row; node > from; node >>>= 1) open[end++] = node ^ 1;
    return end;
  }

  /** Where in `open` the node stands that has the best winner. */
  #bestOf(open: Int32Array, length: number): number {
    const weights = this.#weights;
    let best = 0;
    let weight = weights[open[0] as number] as number;
    for (let place = 1; place < length; place++) {
      const its = weights[open[place] as number] as number;
      if (its < weight || its !== its) continue;
      if (its === weight && !this.#isBefore(open[place] as number, open[best] as number)) continue;
      best = place;
      weight = its;
    }
    return best;
  }

  #isBefore(node: number, other: number): boolean {
    return (this.#winners[node] as number) < (this.#winners[other] as number);
  }
}
