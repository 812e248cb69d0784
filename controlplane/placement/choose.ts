/**
 * The choice among the best hosts: Nova's `shuffle_best_same_weighed_hosts` and `host_subset_size`
 * (`nova/scheduler/manager.py`, `_get_sorted_hosts`). Nova throws dice; here a seed does, so that a choice can be made again.
 */
import type { SchedulerSettings } from '../model/scheduler-settings.js';
import type { Ranking } from './best.js';

type ChoiceSettings = Pick<SchedulerSettings, 'hostSubsetSize' | 'shuffleBestSameWeighedHosts'>;

/**
 * How many of `hosts` must be ranked before `count` of them can be chosen: all, where equals are shuffled, since nobody
 * knows beforehand how many are equal to the best; otherwise those that the choice is made among.
 */
export function ranksNeeded(settings: ChoiceSettings, count: number, hosts: number): number {
  const wanted = Math.max(count, settings.hostSubsetSize, 1);
  return settings.shuffleBestSameWeighedHosts ? hosts : Math.min(wanted, hosts);
}

/**
 * The chosen host first, then the others, best first. `ranking` is best first with equals by row and holds as many as
 * `ranksNeeded` says. The same ranking, settings and seed give the same answer; without shuffling and with a subset of 1
 * the answer is the ranking.
 */
export function choose(ranking: Ranking, settings: ChoiceSettings, seed: number): Ranking {
  const subset = Math.min(Math.max(settings.hostSubsetSize, 1), ranking.rows.length);
  if (subset <= 1 && !settings.shuffleBestSameWeighedHosts) return ranking;
  const random = randomOf(seed);
  const places = Array.from(ranking.rows.keys());
  if (settings.shuffleBestSameWeighedHosts) shuffle(places, bestEquals(ranking), random);
  places.unshift(...places.splice(Math.floor(random() * subset), 1));
  return {
    rows: Uint32Array.from(places, (place) => ranking.rows[place] as number),
    weights: Float64Array.from(places, (place) => ranking.weights[place] as number),
  };
}

/** True where settings leave nothing to choose: the answer is the ranking. */
export function isPlainChoice(settings: ChoiceSettings): boolean {
  return settings.hostSubsetSize <= 1 && !settings.shuffleBestSameWeighedHosts;
}

/** How many weigh as much as the best. */
function bestEquals({ weights }: Ranking): number {
  let equals = 0;
  while (equals < weights.length && weights[equals] === weights[0]) equals++;
  return equals;
}

/** Fisher and Yates over the first `count` entries. */
function shuffle(places: number[], count: number, random: () => number): void {
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [places[last], places[other]] = [places[other] as number, places[last] as number];
  }
}

/** Numbers from 0 up to but not 1 that follow from a seed, a whole number of up to 53 bits (Mulberry32 over its two halves). */
export function randomOf(seed: number): () => number {
  let state = Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1) ^ (seed >>> 0);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of step `index` of a whole that has the seed `seed`; step 0 has the seed itself. */
export function seedOfStep(seed: number, index: number): number {
  return index === 0 ? seed : Math.floor(randomOf(seed + index * 0x9e3779b1)() * 2 ** 32);
}
