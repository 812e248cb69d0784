/** The best candidates by weight. Equal weights: the lower row, that is the host that came first, stands first. */
import { blockRows, spanBlocks } from '../fleet/registry-columns.js';
import type { SearchScratch } from '../fleet/search-scratch.js';
import { Best, type Ranking } from './best.js';
import { addBlockBounds, boundOfBlock } from './block-bounds.js';
import type { Candidates } from './candidates.js';
import { isPenalty, type RowBound, rowBound } from './row-bound.js';
import { promisingIn } from './promising.js';
import { type Term, weighRows } from './weigh.js';

/** Rows that are weighed before the bar is raised: few, since every row over the bar helps to leave others out. */
const usualBatch = 32;
/** Above this count, rows that were among the best before are not tried first. */
const fewAnswers = 16;
/** Rows of a block that are worth a closer look at the block. */
const manyRows = 8;

/**
 * At most `count` of the candidates that pass, best first. The most promising blocks come first: what they hold leaves few
 * others whose bound is higher than the last of the best. Bounds only spare work, they never change the answer.
 */
export function rank(candidates: Candidates, terms: readonly Term[], count: number): Ranking {
  return rankBest(candidates, terms, count).ranking();
}

/** The same as what keeps them in order. */
export function rankBest(candidates: Candidates, terms: readonly Term[], count: number): Best {
  return new RankRun(candidates, terms, count).run();
}

class RankRun {
  readonly #candidates: Candidates;
  readonly #terms: readonly Term[];
  readonly #best: Best;
  readonly #scratch: SearchScratch;
  readonly #bound: RowBound | undefined;
  /** By block: `scale * key + slack` is the most that a row of it can weigh. */
  readonly #keys: Float64Array;
  readonly #spanKeys: Float64Array | undefined;
  readonly #scale: number;
  readonly #slack: number;
  readonly #count: number;
  /** Rows in the batch. */
  #length = 0;

  constructor(candidates: Candidates, terms: readonly Term[], count: number) {
    const { scores, scratch } = candidates.columns;
    this.#candidates = candidates;
    this.#terms = terms;
    this.#count = count;
    this.#best = new Best(count);
    this.#scratch = scratch;
    const bound = rowBound(terms, scores);
    this.#bound = bound;
    const isKept = bound?.others.every(isPenalty) ?? false;
    this.#keys = isKept && bound ? bound.score.high : boundBlocks(scratch.bounds, terms, bound);
    this.#spanKeys = isKept ? bound?.score.spanHigh : undefined;
    this.#scale = isKept && bound ? bound.scale : 1;
    this.#slack = isKept && bound ? bound.slack : 0;
  }

  run(): Best {
    const isTried = this.#tryPeaks();
    const promising = isTried ? 0 : promisingIn(this.#candidates, this.#keys, this.#spanKeys);
    for (let place = 0; place < promising; place++) {
      this.#gather(this.#scratch.promising[place] as number, this.#leastKey());
      this.#weigh();
    }
    this.#rankRest(promising);
    if (this.#bound && this.#best.length <= fewAnswers)
      this.#bound.score.notePeaks(this.#best.ranking().rows);
    return this.#best;
  }

  /** Weighs rows that were among the best of late. True: as many as are asked for passed, so the bar is high already. */
  #tryPeaks(): boolean {
    if (!this.#bound || this.#count > fewAnswers) return false;
    const { batch } = this.#scratch;
    const { peaks } = this.#bound.score;
    let length = 0;
    for (let place = 0; place < peaks.length; place++) {
      const row = peaks[place] as number;
      if (row >= 0 && (this.#candidates.word(row >>> 5) & (1 << (row & 31))) !== 0) batch[length++] = row;
    }
    this.#length = length;
    this.#weigh();
    return this.#best.least > -Infinity;
  }

  /** Every other block that may hold one of the best. */
  #rankRest(promising: number): void {
    const keys = this.#keys;
    const spanKeys = this.#spanKeys;
    let least = this.#leastKey();
    for (let first = 0; first < keys.length; first += spanBlocks) {
      if (spanKeys !== undefined && (spanKeys[first / spanBlocks] as number) < least) continue;
      const end = Math.min(first + spanBlocks, keys.length);
      for (let block = first; block < end; block++) {
        if ((keys[block] as number) < least || this.#isDone(block, promising)) continue;
        this.#gather(block, least);
        if (this.#length <= usualBatch) continue;
        this.#weigh();
        least = this.#leastKey();
      }
    }
    this.#weigh();
  }

  #isDone(block: number, promising: number): boolean {
    const blocks = this.#scratch.promising;
    for (let place = 0; place < promising; place++) if (blocks[place] === block) return true;
    return false;
  }

  /** The lowest key that can still bring a row in. */
  #leastKey(): number {
    return (this.#best.least - this.#slack) / this.#scale;
  }

  /** Puts the rows of a block into the batch, but for those whose own sum says that they weigh too little. */
  #gather(block: number, leastKey: number): void {
    const before = this.#length;
    const bound = this.#bound;
    if (bound) this.#gatherOver(block, bound.score.values, this.#leastSum(block, bound, leastKey));
    else this.#gatherOver(block, undefined, leastKey);
    const gathered = this.#length - before;
    if (gathered === 0) return;
    if (this.#candidates.isShort(block) || (gathered >= manyRows && this.#isHopeless(block)))
      this.#length = before;
  }

  /** The lowest sum with which a row of the block can still be among the best. */
  #leastSum(block: number, { score, scale }: RowBound, leastKey: number): number {
    if (this.#keys === score.high) return leastKey;
    return (score.high[block] as number) - ((this.#keys[block] as number) - leastKey) / scale;
  }

  #gatherOver(block: number, sums: Float64Array | undefined, least: number): void {
    const { batch } = this.#scratch;
    const firstRow = block * blockRows;
    let length = this.#length;
    for (let rest = this.#candidates.word(block); rest !== 0;) {
      const bit = 31 - Math.clz32(rest);
      rest ^= 1 << bit;
      const row = firstRow + bit;
      if (sums === undefined || (sums[row] as number) >= least) batch[length++] = row;
    }
    this.#length = length;
  }

  /** A closer bound. An equal one can only bring a row in that stands before the last of the best. */
  #isHopeless(block: number): boolean {
    const { least, leastRow } = this.#best;
    const bound = boundOfBlock(this.#terms, block);
    return bound < least || (bound === least && block * blockRows > leastRow);
  }

  #weigh(): void {
    if (this.#length === 0) return;
    const { batch, weights } = this.#scratch;
    const best = this.#best;
    const mayRepeat = this.#count <= fewAnswers;
    weighRows(this.#terms, batch, this.#length, weights);
    for (let index = 0; index < this.#length; index++) {
      const row = batch[index] as number;
      const weight = weights[index] as number;
      if (!best.admits(row, weight) || (mayRepeat && best.has(row))) continue;
      if (this.#candidates.pass(row)) best.insert(row, weight);
    }
    this.#length = 0;
  }
}

function boundBlocks(
  bounds: Float64Array,
  terms: readonly Term[],
  bound: RowBound | undefined,
): Float64Array {
  if (!bound) addBlockBounds(bounds.fill(0), terms);
  else {
    const { score, scale, slack, others } = bound;
    for (let block = 0; block < bounds.length; block++)
      bounds[block] = scale * (score.high[block] as number) + slack;
    addBlockBounds(bounds, others);
  }
  return bounds;
}
