/** One call at a time, in order, and a bounded number that wait. */
import { DroverError } from '../../proto/wire/errors.js';

interface Waiting {
  readonly group: string;
  readonly key: string;
  readonly result: Promise<unknown>;
}

export class CallQueue {
  readonly #limit: number;
  readonly #waiting: Waiting[] = [];
  #tail: Promise<unknown> = Promise.resolve();
  #open = 0;

  /** `limit`: most calls that wait while one runs. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** True when no call runs or waits. */
  get idle(): boolean {
    return this.#open === 0;
  }

  /** Calls that wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /**
   * Runs `work` after everything before it. A call that waits already with the same key answers for both, but only when
   * nothing of another group came in between: apply A, apply B, apply A must end with A. Errors: `resource-exhausted`
   * when too many wait; those of `work`.
   */
  run<Result>(group: string, key: string, work: () => Promise<Result>): Promise<Result> {
    const same = this.#sameWaiting(group, key);
    if (same) return same.result as Promise<Result>;
    if (this.#waiting.length >= this.#limit) {
      return Promise.reject(
        new DroverError(
          'resource-exhausted',
          `${this.#limit} calls wait for the one that runs; try again later`,
        ),
      );
    }
    this.#open++;
    const result = this.#tail.then(async () => {
      this.#waiting.shift();
      try {
        return await work();
      } finally {
        this.#open--;
      }
    });
    this.#waiting.push({ group, key, result });
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #sameWaiting(group: string, key: string): Waiting | undefined {
    const behind = this.#waiting.findLastIndex((call) => call.group !== group);
    return this.#waiting.slice(behind + 1).find((call) => call.key === key);
  }
}
