/**
 * Leaves a domain alone that does not answer: each try costs a whole deadline and a connection that others need. After a
 * pause one call is let through; the first that is answered ends it.
 */
import { asDroverError } from '../../proto/wire/errors.js';

/** Calls in a row without an answer after which a domain is left alone. */
export const silentCalls = 2;

/** The first pause and the longest; each is twice the one before. */
export const pausesMs = { first: 10_000, longest: 60_000 } as const;

/** Domains that are remembered; more than these cannot all be silent at once before their pauses end. */
export const maximumSilentDomains = 4_096;

interface Silence {
  readonly calls: number;
  readonly pauseMs: number;
  readonly sinceMs: number;
}

export class Breaker {
  readonly #now: () => number;
  readonly #limit: number;
  readonly #silent = new Map<string, Silence>();

  /** `now`: milliseconds. */
  constructor(now: () => number, limit = maximumSilentDomains) {
    this.#now = now;
    this.#limit = limit;
  }

  /** Domains that did not answer their last call. */
  get size(): number {
    return this.#silent.size;
  }

  /** Why a domain is not to be called now; undefined: it may be. */
  reason(uuid: string): string | undefined {
    const { calls, pauseMs, sinceMs } = this.#silent.get(uuid) ?? { calls: 0, pauseMs: 0, sinceMs: 0 };
    const elapsedMs = this.#now() - sinceMs;
    // A clock that was set back must not hold a domain longer than its pause.
    if (calls < silentCalls || elapsedMs >= pauseMs || elapsedMs < 0) return undefined;
    return `does not answer; next try in ${Math.ceil((pauseMs - elapsedMs) / 1000)} s`;
  }

  /** Makes one call for a domain and notes whether it was answered. Errors: those of `call`. */
  async call(uuid: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
      this.#silent.delete(uuid);
    } catch (thrown) {
      const { code } = asDroverError(thrown);
      if (code === 'deadline-exceeded') this.#noAnswer(uuid);
      else if (code !== 'unavailable') this.#silent.delete(uuid); // an error is an answer too
      throw thrown;
    }
  }

  #noAnswer(uuid: string): void {
    const before = this.#silent.get(uuid);
    const calls = (before?.calls ?? 0) + 1;
    const pauseMs =
      calls <= silentCalls
        ? pausesMs.first
        : Math.min((before?.pauseMs ?? pausesMs.first) * 2, pausesMs.longest);
    this.#silent.delete(uuid);
    this.#silent.set(uuid, { calls, pauseMs, sinceMs: this.#now() });
    const oldest = this.#silent.keys().next().value;
    if (this.#silent.size > this.#limit && oldest !== undefined) this.#silent.delete(oldest);
  }
}
