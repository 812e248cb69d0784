/** What a host could not give lately, so that it is not pressed for the same in every pass. */

/** A failure counts for ten minutes: memory may have become free by then. */
export const shortfallLifeMs = 600_000;

/** Most failures in memory: 64 cells with four sizes. The oldest is forgotten first. */
export const maximumShortfalls = 256;

export interface Shortfall {
  /** What was asked for. */
  readonly value: string;
  /** What came of it, for people. */
  readonly message: string;
}

export class Shortfalls {
  readonly #entries = new Map<string, Shortfall & { readonly atMs: number }>();

  get size(): number {
    return this.#entries.size;
  }

  /** The failure of a knob, while it counts. `nowMs` is of the clock that `note` was given. */
  get(key: string, nowMs: number): Shortfall | undefined {
    const entry = this.#entries.get(key);
    return entry && nowMs - entry.atMs < shortfallLifeMs ? entry : undefined;
  }

  note(key: string, shortfall: Shortfall, nowMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { ...shortfall, atMs: nowMs });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > maximumShortfalls && oldest !== undefined) this.#entries.delete(oldest);
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }
}
