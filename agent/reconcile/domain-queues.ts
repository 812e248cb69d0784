/** Calls for single domains: one at a time for each domain, a few domains side by side, and a bounded number in all. */
import { DroverError } from '../../proto/wire/errors.js';
import { CallQueue } from './call-queue.js';
import { parallelLanes } from './lanes.js';

export class DomainQueues {
  readonly #limit: number;
  readonly #queues = new Map<string, CallQueue>();
  readonly #waiting: (() => void)[] = [];
  #calls = 0;
  #running = 0;

  /** `limit`: most calls that wait, of all domains together. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Domains that have a call. */
  get size(): number {
    return this.#queues.size;
  }

  /**
   * Runs `work` after the domain's calls before it; one that waits already for the same settings answers for both. Errors:
   * `resource-exhausted` when too many wait; those of `work`.
   */
  async run<Result>(uuid: string, settings: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#calls >= this.#limit + parallelLanes)
      throw new DroverError('resource-exhausted', `${this.#limit} calls for domains wait; try again later`);
    const queue = this.#queues.get(uuid) ?? new CallQueue(this.#limit);
    this.#queues.set(uuid, queue);
    this.#calls++;
    try {
      return await queue.run(settings, settings, () => this.#slot(work));
    } finally {
      this.#calls--;
      if (queue.idle && this.#queues.get(uuid) === queue) this.#queues.delete(uuid);
    }
  }

  async #slot<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= parallelLanes) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next)
        next(); // the slot goes on to it
      else this.#running--;
    }
  }
}
