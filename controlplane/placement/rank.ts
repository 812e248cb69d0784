/** The best candidates by weight. Equal weights: the lower row, that is the host that came first, stands first. */
import { blockRows, lowestBit } from '../fleet/registry-columns.js';
import { Best, type Ranking } from './best.js';
import type { Candidates } from './candidates.js';
import { boundsOf, type Term, weightAt } from './weigh.js';

/** Blocks that are looked into first. Eight hold more than enough good rows for the usual handful of answers. */
const promisingBlocks = 8;

/**
 * At most `count` of the candidates that pass, best first. The most promising blocks come first: what they hold leaves few
 * others whose bound is higher than the last of the best.
 */
export function rank(candidates: Candidates, terms: readonly Term[], count: number): Ranking {
  const bounds = boundsOf(terms, candidates.rows.length);
  const best = new Best(count);
  for (const block of highestBlocks(candidates, bounds)) {
    rankBlock(candidates, terms, block, best);
    bounds[block] = Number.NaN; // done
  }
  for (let block = 0; block < bounds.length; block++) {
    const bound = bounds[block] as number;
    // An equal bound can only bring a row in that stands before the last of the best.
    if (bound > best.least || (bound === best.least && block * blockRows < best.leastRow))
      rankBlock(candidates, terms, block, best);
  }
  return best.ranking();
}

function highestBlocks({ rows }: Candidates, bounds: Float64Array): Uint32Array {
  const best = new Best(Math.min(promisingBlocks, bounds.length));
  for (let block = 0; block < bounds.length; block++) {
    const bound = bounds[block] as number;
    if (bound > best.least && rows[block] !== 0) best.insert(block, bound);
  }
  return best.ranking().rows;
}

function rankBlock(candidates: Candidates, terms: readonly Term[], block: number, best: Best): void {
  const firstRow = block * blockRows;
  for (let rest = candidates.inBlock(block); rest !== 0; rest &= rest - 1) {
    const row = firstRow + lowestBit(rest);
    const weight = weightAt(terms, row);
    if (best.admits(row, weight) && candidates.pass(row)) best.insert(row, weight);
  }
}
