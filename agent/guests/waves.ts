/** Guests in waves: what may stop or start together, and what comes before what. Pure. */
import type { Guest, StageKind } from './guest.js';

export interface Waves<Kind extends Guest = Guest> {
  /** Each wave begins when the one before it has ended; guests of one wave by name. */
  readonly waves: readonly (readonly Kind[])[];
  /** What of the declared order could not be kept, in words: needs that go round in a circle, or against the numbers. */
  readonly faults: readonly string[];
}

/**
 * The waves of a stop or a start. A start goes by order ascending, and a guest stands after all that it needs; a stop is the
 * reverse. A need goes over a number. Needs of guests that are not here count for nothing: they are not to be moved. The
 * same guests give the same waves, in whatever order they come.
 */
export function wavesOf<Kind extends Guest>(guests: readonly Kind[], kind: StageKind): Waves<Kind> {
  const sorted = guests.toSorted((a, b) => compare(a.name, b.name) || compare(a.uuid, b.uuid));
  const { depths, faults } = new Places(sorted);
  const groups = new Map<number, Kind[]>();
  for (const guest of sorted) {
    const depth = depths.get(guest) as number;
    const group = groups.get(depth);
    if (group) group.push(guest);
    else groups.set(depth, [guest]);
  }
  const waves = [...groups].toSorted(([a], [b]) => a - b).map(([, wave]) => wave);
  return { waves: kind === 'start' ? waves : waves.toReversed(), faults };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The place of each guest in a start: by its number, and behind everything that it needs. Every need is looked at once. */
class Places {
  readonly depths = new Map<Guest, number>();
  readonly faults: string[] = [];
  readonly #byWord = new Map<string, Guest>();
  readonly #firstOfOrder: ReadonlyMap<number, number>;
  /** Guests that are being placed: each needs the next. */
  readonly #path = new Set<Guest>();

  constructor(guests: readonly Guest[]) {
    for (const guest of guests) this.#byWord.set(guest.name, guest).set(guest.uuid, guest);
    const orders = [...new Set(guests.map(({ policy }) => policy.order))].toSorted((a, b) => a - b);
    // A number's own guests begin at a place of their own, with room behind it for chains of needs.
    this.#firstOfOrder = new Map(orders.map((order, index) => [order, index * (guests.length + 1)]));
    for (const guest of guests) this.#place(guest);
  }

  #place(guest: Guest): number {
    const known = this.depths.get(guest);
    if (known !== undefined) return known;
    this.#path.add(guest);
    let depth = this.#firstOfOrder.get(guest.policy.order) as number;
    for (const needed of this.#needsOf(guest)) depth = Math.max(depth, this.#place(needed) + 1);
    this.#path.delete(guest);
    this.depths.set(guest, depth);
    return depth;
  }

  /** Without the need that closes a circle. */
  #needsOf(guest: Guest): Guest[] {
    const here = new Set(guest.policy.after.map((word) => this.#byWord.get(word)));
    return [...here].filter((needed) => {
      if (!needed) return false;
      if (this.#path.has(needed)) {
        this.#circle(needed);
        return false;
      }
      if (needed.policy.order > guest.policy.order) this.#againstNumbers(guest, needed);
      return true;
    }) as Guest[];
  }

  #circle(needed: Guest): void {
    const names = [...this.#path].map(({ name }) => name);
    const circle = [...names.slice(names.indexOf(needed.name)), needed.name];
    const words = circle.length === 2 ? `${needed.name} needs itself` : circle.join(' needs ');
    this.faults.push(`${words}: the last of these needs is left out`);
  }

  #againstNumbers(guest: Guest, needed: Guest): void {
    this.faults.push(
      `${guest.name} (order ${guest.policy.order}) needs ${needed.name} (order ${needed.policy.order}): the need goes over the number, so ${guest.name} starts later and stops earlier than its number says`,
    );
  }
}
