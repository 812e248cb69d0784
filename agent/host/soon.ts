/** Puts work off for a moment, by key, so that many reasons for it give one run. */

/** Most keys that wait; beyond, the oldest is run at once. */
export const maximumSoon = 4_096;

export class Soon<Item> {
  readonly #delayMs: number;
  readonly #run: (item: Item) => void;
  readonly #waiting = new Map<string, { readonly item: Item; readonly timer: NodeJS.Timeout }>();

  constructor(delayMs: number, run: (item: Item) => void) {
    this.#delayMs = delayMs;
    this.#run = run;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Runs with `item` after the delay, unless the key waits already: the first one counts, so that a flood delays nothing. */
  put(key: string, item: Item): void {
    if (this.#waiting.has(key)) return;
    const oldest = this.#waiting.keys().next().value;
    if (this.#waiting.size >= maximumSoon && oldest !== undefined) this.#fire(oldest);
    this.#waiting.set(key, { item, timer: setTimeout(() => this.#fire(key), this.#delayMs) });
  }

  /** Forgets everything that waits. */
  stop(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  #fire(key: string): void {
    const due = this.#waiting.get(key);
    if (!due) return;
    clearTimeout(due.timer);
    this.#waiting.delete(key);
    this.#run(due.item);
  }
}
