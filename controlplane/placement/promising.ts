/** The blocks that a search looks into first. */
import { spanBlocks } from '../fleet/registry-columns.js';
import { promisingBlocks } from '../fleet/search-scratch.js';
import type { Candidates } from './candidates.js';

/**
 * Into the candidates' scratch: the blocks with candidates that have the highest keys, the highest first; and how many.
 * `spanKeys`: the highest key of each span, where it is known.
 */
export function promisingIn(
  candidates: Candidates,
  keys: Float64Array,
  spanKeys: Float64Array | undefined,
): number {
  const { promising, promisingKeys } = candidates.columns.scratch;
  let length = 0;
  let least = -Infinity;
  for (let first = 0; first < keys.length; first += spanBlocks) {
    if (spanKeys !== undefined && (spanKeys[first / spanBlocks] as number) <= least) continue;
    const end = Math.min(first + spanBlocks, keys.length);
    for (let block = first; block < end; block++) {
      const key = keys[block] as number;
      if (!(key > least) || candidates.word(block) === 0) continue;
      insert(block, key, promising, promisingKeys, length);
      if (length < promisingBlocks) length++;
      if (length === promisingBlocks) least = promisingKeys[promisingBlocks - 1] as number;
    }
  }
  return length;
}

/** Puts a block in its place among the `length` that are there; the last one falls out when there are too many. */
function insert(block: number, key: number, blocks: Int32Array, keys: Float64Array, length: number): void {
  let place = Math.min(length, promisingBlocks - 1);
  for (; place > 0 && (keys[place - 1] as number) < key; place--) {
    keys[place] = keys[place - 1] as number;
    blocks[place] = blocks[place - 1] as number;
  }
  keys[place] = key;
  blocks[place] = block;
}
