/**
 * When claims lapse that no agent confirms. All wait equally long, so the order in which they come is the order in which they
 * lapse: they stand in groups, one for each moment, oldest first. A claim that is confirmed stays in its group; whether it
 * still waits is asked when its time has come, or when half of all that stand here wait no longer.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';

type Claim = Pick<Allocation, 'id' | 'lapsesUnixMs'>;

interface Group {
  readonly dueMs: number;
  readonly ids: string[];
}

/** So many may stand here that wait no longer, and as many as do wait. */
export const mostStopped = 10_000;

export class Lapses {
  readonly #ttlMs: number;
  readonly #lapsesOf: (id: string) => number | undefined;
  #groups: Group[] = [];
  #size = 0;
  #stopped = 0;

  /**
   * `ttlMs`: how long a claim waits; 0: for ever. `lapsesOf`: when a claim says that it lapses, Unix ms; undefined: it is
   * confirmed, or gone.
   */
  constructor(ttlMs: number, lapsesOf: (id: string) => number | undefined) {
    this.#ttlMs = ttlMs;
    this.#lapsesOf = lapsesOf;
  }

  /** How many stand here, those that wait no longer among them. */
  get size(): number {
    return this.#size;
  }

  /** When a claim that is made now says that it lapses, Unix ms; 0: never. */
  at(nowMs: number): number {
    return this.#ttlMs === 0 ? 0 : nowMs + this.#ttlMs;
  }

  /** A claim is durable since now. */
  start({ id, lapsesUnixMs }: Claim, nowMs: number): void {
    if (this.#ttlMs === 0) return;
    const dueMs = Math.max(nowMs + this.#ttlMs, lapsesUnixMs); // not before, where the clock was set back meanwhile
    const last = this.#groups.at(-1);
    if (last?.dueMs === dueMs) last.ids.push(id);
    else this.#groups.push({ dueMs, ids: [id] });
    this.#size++;
  }

  /** A claim was confirmed, or is gone. */
  stop(): void {
    this.#stopped++;
    if (this.#stopped > mostStopped && this.#stopped * 2 > this.#size) this.#tidy();
  }

  #tidy(): void {
    this.#groups = this.#groups
      .map(({ dueMs, ids }) => ({ dueMs, ids: ids.filter((id) => this.#waits(id, dueMs)) }))
      .filter(({ ids }) => ids.length > 0);
    this.#size = this.#groups.reduce((sum, { ids }) => sum + ids.length, 0);
    this.#stopped = 0;
  }

  /** One that was placed anew lapses later, and stands in a later group too. */
  #waits(id: string, dueMs: number): boolean {
    const lapsesMs = this.#lapsesOf(id);
    return lapsesMs !== undefined && lapsesMs <= dueMs;
  }

  /** Takes out at most `most` claims that have lapsed. Whatever cannot be given back is to be started again. */
  take(nowMs: number, most: number): string[] {
    const lapsed = new Set<string>(); // one that was placed anew at once stands twice in a group
    let done = 0;
    for (const { dueMs, ids } of this.#groups) {
      if (dueMs > nowMs || lapsed.size >= most) break;
      while (ids.length > 0 && lapsed.size < most)
        for (const id of this.#takeFrom(ids, most - lapsed.size)) if (this.#waits(id, dueMs)) lapsed.add(id);
      if (ids.length === 0) done++;
    }
    this.#groups.splice(0, done);
    return [...lapsed];
  }

  #takeFrom(ids: string[], most: number): string[] {
    const taken = ids.splice(0, most);
    this.#size -= taken.length;
    return taken;
  }
}
