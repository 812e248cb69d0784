/**
 * Following a store: one pull-driven iterator over its commit log. It buffers nothing: a slow reader falls behind in the
 * log, and when the log has dropped what it needs it is told to load again.
 */
import { DroverError } from '../../proto/wire/errors.js';
import type { Commit } from './store.js';

/** What a tail reads from. */
export interface CommitLog {
  /** Revision of the newest durable commit. */
  newest(): number;
  /** The commit of a revision, or undefined when it is no longer kept. Errors: `storage-corrupt`. */
  read(revision: number): Commit | undefined;
}

/** Most iterators on one store: each stands for a standby or a view, so a larger number is a leak. */
export const maximumTails = 256;

type Result = IteratorResult<Commit, undefined>;
const done: Result = { done: true, value: undefined };

/** The open tails of one store. */
export class Tails {
  readonly #log: CommitLog;
  readonly #open = new Set<Tail>();

  constructor(log: CommitLog) {
    this.#log = log;
  }

  /** Number of iterators that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** A new iterator that begins after `revision`. Errors: `resource-exhausted` when 256 are open. */
  start(revision: number): AsyncIterableIterator<Commit> {
    if (this.#open.size >= maximumTails)
      throw new DroverError('resource-exhausted', `${maximumTails} tails are open; return one first`, {
        field: 'tail',
      });
    const tail = new Tail(this.#log, revision, () => this.#open.delete(tail));
    this.#open.add(tail);
    return tail;
  }

  /** Tells every waiting iterator that there is a new commit. */
  wake(): void {
    for (const tail of this.#open) tail.wake();
  }

  /** Ends every iterator. */
  close(): void {
    for (const tail of [...this.#open]) void tail.return();
  }
}

class Tail implements AsyncIterableIterator<Commit> {
  readonly #log: CommitLog;
  readonly #ended: () => void;
  #revision: number;
  #isOpen = true;
  #wake: (() => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(log: CommitLog, revision: number, ended: () => void) {
    this.#log = log;
    this.#revision = revision;
    this.#ended = ended;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Calls of `next` are answered in order, each with the commit after the one before. */
  next(): Promise<Result> {
    const result = this.#last.then(() => this.#pull());
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #pull(): Promise<Result> {
    while (this.#isOpen && this.#log.newest() === this.#revision) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (!this.#isOpen) return done;
    try {
      return { done: false, value: this.#take() };
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  #take(): Commit {
    const commit = this.#revision < this.#log.newest() ? this.#log.read(this.#revision + 1) : undefined;
    if (!commit) throw notKept(this.#revision, this.#log.newest());
    this.#revision = commit.revision;
    return commit;
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  return(): Promise<Result> {
    this.#isOpen = false;
    this.#ended();
    this.wake();
    return Promise.resolve(done);
  }
}

function notKept(revision: number, newest: number): DroverError {
  const cure = 'load the store again and tail from its revision';
  const message = `commits after revision ${revision} are not kept (the newest is ${newest}); ${cure}`;
  return new DroverError('failed-precondition', message, {
    field: 'revision',
    value: String(revision),
    cure,
  });
}
