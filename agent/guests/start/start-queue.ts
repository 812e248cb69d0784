/** Those who wait for a start: first come, first served, as the governor lets them. */
import { setMaxListeners } from 'node:events';
import { DroverError } from '../../../proto/wire/errors.js';
import { pause } from './pause.js';
import type { StartGovernor, StartReading } from './governor.js';

export interface StartQueueOptions {
  readonly governor: StartGovernor;
  /** What the host says of itself now. */
  read(): StartReading;
  /** Monotonic. */
  now(): number;
  /** A guest that has begun is settled before its time is over; asked once a second. Absent: only the time counts. */
  isSettled?(key: string): boolean;
}

/** From one look at the queue to the next, and from one reading to the next; there are none while nobody waits or starts. */
const lookEveryMs = 100;
const readEveryMs = 1_000;

/** Most starts that wait: all domains of a host. */
export const maximumWaitingStarts = 4_096;

interface Waiting {
  readonly key: string;
  readonly grant: () => void;
}

export class StartQueue {
  readonly #options: StartQueueOptions;
  readonly #waiting = new Set<Waiting>();
  /** Begun, and not settled as far as is known. */
  readonly #begun = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(options: StartQueueOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Why nothing begins now, in words; empty: nothing is in the way but the pace. */
  get brake(): string {
    return this.#options.governor.brake;
  }

  /**
   * Done when this start may begin; it is under way then until `end`, or its time to settle after `begun`. Errors:
   * `resource-exhausted` at 4,096 that wait; the reason of the signal when it is given up.
   */
  async acquire(key: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#waiting.size >= maximumWaitingStarts)
      throw new DroverError('resource-exhausted', `${maximumWaitingStarts} starts wait already`);
    setMaxListeners(0, signal); // all guests of a start wait on one
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.delete(entry);
        reject(signal.reason as Error);
      };
      const entry: Waiting = {
        key,
        grant: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.add(entry);
      this.#look();
    });
  }

  /** Lets a start begin without a turn, and counts it: for one that has waited too long. */
  force(key: string): void {
    this.#options.governor.force(key);
  }

  /** libvirt runs the guest: from now on it has its time to settle. */
  begun(key: string): void {
    this.#options.governor.begun(key, this.#options.now());
    this.#begun.add(key);
    this.#look();
  }

  /** It did not start, or is gone: its place is free at once. */
  end(key: string): void {
    this.#options.governor.end(key);
    this.#begun.delete(key);
  }

  /** Done when a start counts no longer, or the signal comes. */
  async settled(key: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#options.governor.isUnderWay(key, this.#options.now()))
      await pause(lookEveryMs, signal);
  }

  /** Forgets the timer; nobody may wait. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    this.stop();
    this.#observe();
    for (const entry of this.#waiting) {
      if (!this.#options.governor.tryBegin(entry.key, this.#options.now())) break;
      this.#waiting.delete(entry);
      entry.grant();
    }
    const isIdle = this.#waiting.size === 0 && this.#options.governor.underWay(this.#options.now()) === 0;
    if (!isIdle) this.#timer = setTimeout(() => this.#look(), lookEveryMs);
    // A start that libvirt has in hand holds no process: only who waits does.
    if (this.#waiting.size === 0) this.#timer?.unref();
  }

  #observe(): void {
    const { governor, read, now, isSettled } = this.#options;
    const nowMs = now();
    if (nowMs - this.#readMs < readEveryMs) return;
    this.#readMs = nowMs;
    governor.observe(read(), nowMs);
    for (const key of this.#begun) if (!governor.isUnderWay(key, nowMs) || isSettled?.(key)) this.end(key);
  }
}
