/** A clock that jumps from one sleeper to the next: hours of waiting in milliseconds, the same each time. */
import type { Clock } from '../../agent/guests/stop/clock.js';

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

export class VirtualClock implements Clock {
  #nowMs: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(nowMs = 1_000_000_000) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { atMs: this.#nowMs + Math.max(0, ms), wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  /** Lets time pass until `work` has ended, and answers its result. Errors: nobody sleeps, and it has not ended. */
  async run<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false;
    const end = () => void (isDone = true);
    work.then(end, end);
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve)); // everything that is ready has happened then
      if (isDone) return work;
      const next = [...this.#sleepers].reduce<Sleeper | undefined>(
        (first, one) => (first && first.atMs <= one.atMs ? first : one),
        undefined,
      );
      if (!next) throw new Error('stuck: nothing sleeps, and the work has not ended');
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
    }
  }
}
