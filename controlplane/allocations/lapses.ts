/**
 * When claims lapse that no agent confirms: one entry a claim, oldest first. All wait equally long, so the order in which
 * they come is the order in which they lapse, and a look at the first says whether anything is due.
 */
export class Lapses {
  readonly #due = new Map<string, number>();
  readonly #ttlMs: number;

  /** `ttlMs`: how long a claim waits; 0: for ever. */
  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  get size(): number {
    return this.#due.size;
  }

  /** When a claim that is made now says that it lapses, Unix ms; 0: never. */
  at(nowMs: number): number {
    return this.#ttlMs === 0 ? 0 : nowMs + this.#ttlMs;
  }

  /** A claim is durable since now. */
  start(id: string, nowMs: number): void {
    this.#due.delete(id); // to the end
    if (this.#ttlMs > 0) this.#due.set(id, nowMs + this.#ttlMs);
  }

  /** A claim was confirmed, or is gone. */
  stop(id: string): void {
    this.#due.delete(id);
  }

  /** Takes out at most `most` claims that have lapsed. Whatever cannot be given back is to be started again. */
  take(nowMs: number, most: number): string[] {
    const lapsed: string[] = [];
    for (const [id, dueMs] of this.#due) {
      if (dueMs > nowMs || lapsed.length >= most) break;
      lapsed.push(id);
    }
    for (const id of lapsed) this.#due.delete(id);
    return lapsed;
  }
}
