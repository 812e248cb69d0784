/**
 * Who works on what: a lane for the host and one for each domain. Work in one lane is one after another and in order,
 * different lanes run side by side, so that a domain that does not answer holds up nobody but itself.
 */
import type { PlanEntry } from './plan.js';

/** Lanes of one pass that run at a time: libvirt takes calls on a few connections only. */
export const parallelLanes = 8;

/** Lanes whose last use is remembered; a host with more plans some anew for nothing. */
export const rememberedLanes = 4_096;

export const hostLane = '';

/** The lane that an entry or ledger entry belongs to: its domain's UUID, or `hostLane`. */
export function laneOf({ knob }: Pick<PlanEntry, 'knob'>): string {
  return knob.domain?.uuid ?? hostLane;
}

/** Entries by lane, each lane in their order. */
export function byLane<Entry extends Pick<PlanEntry, 'knob'>>(
  entries: readonly Entry[],
): Map<string, Entry[]> {
  const lanes = new Map<string, Entry[]>();
  for (const entry of entries) {
    const own = lanes.get(laneOf(entry));
    if (own) own.push(entry);
    else lanes.set(laneOf(entry), [entry]);
  }
  return lanes;
}

export class Lanes {
  readonly #tails = new Map<string, Promise<unknown>>();
  readonly #ended = new Map<string, number>();
  readonly #remembered: number;
  #forgotten = 0;
  #now = 0;

  /** `remembered`: how many lanes' last use is known by name. */
  constructor(remembered = rememberedLanes) {
    this.#remembered = remembered;
  }

  /** A point in time for `usedSince`. */
  get now(): number {
    return this.#now;
  }

  /** Runs `work` when everything that came to its lane before has ended. Errors: those of `work`. */
  run<Result>(lane: string, work: () => Promise<Result>): Promise<Result> {
    const result = (this.#tails.get(lane) ?? Promise.resolve()).then(async () => {
      try {
        return await work();
      } finally {
        this.#remember(lane);
      }
    });
    const tail = result
      .catch(() => undefined)
      .finally(() => {
        if (this.#tails.get(lane) === tail) this.#tails.delete(lane);
      });
    this.#tails.set(lane, tail);
    return result;
  }

  /** Whether work in a lane ended after `since`: what was seen before it is old. Never wrongly false. */
  usedSince(lane: string, since: number): boolean {
    return (this.#ended.get(lane) ?? this.#forgotten) > since;
  }

  /** Lanes in which work runs or waits, or ended after `since`: a plan made since then may not know what it did. */
  busySince(since: number): string[] {
    const ended = [...this.#ended].flatMap(([lane, at]) => (at > since ? [lane] : []));
    return [...new Set([...this.#tails.keys(), ...ended])];
  }

  #remember(lane: string): void {
    this.#ended.delete(lane);
    this.#ended.set(lane, ++this.#now);
    const [oldest] = this.#ended;
    if (this.#ended.size <= this.#remembered || !oldest) return;
    this.#ended.delete(oldest[0]);
    this.#forgotten = oldest[1];
  }
}

/** As `Promise.all` over `map`, in the order of the items, with at most `limit` under way. */
export async function mapLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await map(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  return results;
}
