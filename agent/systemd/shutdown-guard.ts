/**
 * Holds the delay lock, and lets it go only when the guests are stopped. A lock that cannot be taken is tried again; a new
 * logind is asked for a new one, before the old one is given back, so that there is always one.
 */
import { asDroverError } from '../../proto/wire/errors.js';
import type { Log } from '../log.js';
import type { DelayLock } from './inhibitor.js';
import type { ShutdownWatch, ShutdownWatchOptions } from './shutdown-signal.js';

export interface GuardOptions {
  /** `inhibitor(…)` of inhibitor.ts. */
  takeLock(): Promise<DelayLock>;
  /** `watchShutdown` of shutdown-signal.ts, its bus options bound. */
  watch(handlers: Pick<ShutdownWatchOptions, 'onShutdown' | 'onLogind' | 'onLost'>): ShutdownWatch;
  /** The host goes down: stop the guests. The lock is held until this settles, or logind's time is over. */
  goDown(): Promise<void>;
  /** It does not go down after all. */
  stayUp(): void;
  readonly log: Log;
  /** Pauses between two attempts at the lock double from the first to the last; 1,000 and 60,000. */
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
}

export interface ShutdownGuard {
  readonly holdsLock: boolean;
  readonly goesDown: boolean;
  /** A logind answers. */
  readonly isListening: boolean;
  /** Gives the lock back and listens no more. */
  stop(): Promise<void>;
}

/** Guards until `stop`. Never throws: what fails is in the log and is tried again. */
export function guardShutdown(options: GuardOptions): ShutdownGuard {
  const guard = new Guard(options);
  const watch = options.watch({
    onLogind: () => guard.take(),
    onShutdown: (goesDown) => guard.hear(goesDown),
    onLost: (reason) => options.log.warn({ reason }, 'logind is not heard; tried again'),
  });
  return {
    get holdsLock() {
      return guard.lock !== undefined;
    },
    get goesDown() {
      return watch.goesDown;
    },
    get isListening() {
      return watch.isListening;
    },
    stop: async () => {
      guard.end();
      await watch.stop();
    },
  };
}

class Guard {
  lock: DelayLock | undefined;
  #isOver = false;
  #goesDown = false;
  /** The guests are stopped, or as far as they will be. */
  #isDone = false;
  #isTaking = false;
  /** Counts what logind said, so that an answer to an older word changes nothing. */
  #word = 0;
  #again: NodeJS.Timeout | undefined;
  readonly #options: GuardOptions;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** One attempt at a time, and one timer for the next. */
  take(pauseMs = this.#options.firstPauseMs ?? 1_000): void {
    clearTimeout(this.#again);
    if (this.#isTaking) return this.#later(pauseMs);
    if (this.#isOver || this.#goesDown) return;
    this.#isTaking = true;
    this.#options
      .takeLock()
      .then(
        (lock) => this.#keep(lock),
        (thrown: unknown) => {
          this.#options.log.warn({ error: asDroverError(thrown).message }, 'no delay lock yet');
          this.#later(pauseMs);
        },
      )
      .finally(() => (this.#isTaking = false));
  }

  hear(goesDown: boolean): void {
    this.#goesDown = goesDown;
    this.#isDone = false;
    const word = ++this.#word;
    if (!goesDown) {
      this.#options.log.info({}, 'logind: the host stays up after all');
      this.take();
      return this.#options.stayUp();
    }
    this.#options.log.info({ lock: this.lock !== undefined }, 'logind: the host goes down');
    // `then` first: also what throws at once ends with the lock given back.
    Promise.resolve()
      .then(() => this.#options.goDown())
      .catch((thrown: unknown) =>
        this.#options.log.warn({ error: asDroverError(thrown).message }, 'the guest stage failed'),
      )
      .finally(() => {
        if (word !== this.#word) return;
        this.#isDone = true;
        this.#release();
      });
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#again);
    this.#release();
  }

  #later(pauseMs: number): void {
    if (this.#isOver) return;
    const next = Math.min(2 * pauseMs, this.#options.longestPauseMs ?? 60_000);
    this.#again = setTimeout(() => this.take(next), pauseMs).unref();
  }

  /** A lock that came while the guests are being stopped is kept: logind counts it. */
  #keep(lock: DelayLock): void {
    if (this.#isOver || this.#isDone) return lock.release();
    const before = this.lock;
    this.lock = lock;
    before?.release();
    this.#options.log.info({}, 'holds a delay lock of logind');
  }

  #release(): void {
    this.lock?.release();
    this.lock = undefined;
  }
}
