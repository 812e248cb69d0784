/**
 * The one writer of a process. Submissions that arrive while a commit is in flight wait together and go as one commit, so
 * a durable write costs one disk flush for many callers.
 */
import { DroverError, asDroverError } from '../../proto/wire/errors.js';
import { checkBatch, storeLimits } from './limits.js';
import type { Store, Write } from './store.js';

export interface WriterLimits {
  /** Most submissions that wait; the one in flight is not counted. */
  readonly submissions: number;
  /** Most bytes of keys and values that wait. */
  readonly bytes: number;
}

export const defaultWriterLimits: WriterLimits = { submissions: 10_000, bytes: 64 * 2 ** 20 };

interface Submission {
  readonly writes: readonly Write[];
  readonly bytes: number;
  resolve(revision: number): void;
  reject(error: unknown): void;
}

export class Writer {
  readonly #store: Store;
  readonly #limits: WriterLimits;
  #waiting: Submission[] = [];
  #waitingBytes = 0;
  #revision: number;
  #running = false;
  #fence: DroverError | undefined;
  readonly #onFatal: (error: DroverError) => void;

  /** `revision`: of the snapshot that this process has loaded. `onFatal`: told once when nothing can be written any more. */
  constructor(
    store: Store,
    revision: number,
    limits: WriterLimits = defaultWriterLimits,
    onFatal: (error: DroverError) => void = () => undefined,
  ) {
    this.#onFatal = onFatal;
    this.#store = store;
    this.#revision = revision;
    this.#limits = limits;
  }

  /** Revision of the newest commit that this writer knows to be durable. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * Makes `writes` durable after every earlier submission, whole or not at all, and answers the revision that has them.
   * Errors: those of `Store.commit`; `resource-exhausted` when too much waits; after a `stale-revision`, or when the store
   * has failed, every later submission gets that too: this process must end and load again.
   */
  submit(writes: readonly Write[]): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#fence) throw this.#fence;
      const bytes = checkBatch(writes);
      this.#checkRoom(bytes);
      this.#waiting.push({ writes: [...writes], bytes, resolve, reject });
      this.#waitingBytes += bytes;
      if (!this.#running) void this.#run();
    });
  }

  #checkRoom(bytes: number): void {
    const isFull =
      this.#waiting.length >= this.#limits.submissions || this.#waitingBytes + bytes > this.#limits.bytes;
    if (!isFull) return;
    const value = `${this.#waiting.length} submissions, ${this.#waitingBytes} bytes`;
    const cure = 'retry when the disk has caught up';
    throw new DroverError('resource-exhausted', `the queue of the store is full (${value}); ${cure}`, {
      field: 'store queue',
      value,
      cure,
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Let the submissions of this turn of the event loop come together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#commit(this.#take());
    this.#running = false;
  }

  /** As many waiting submissions, in order, as one batch may hold. */
  #take(): Submission[] {
    let count = 0;
    let writes = 0;
    let bytes = 0;
    for (const submission of this.#waiting) {
      writes += submission.writes.length;
      bytes += submission.bytes;
      if (count > 0 && (writes > storeLimits.batchWrites || bytes > storeLimits.batchBytes)) break;
      count++;
    }
    const taken = this.#waiting.splice(0, count);
    for (const submission of taken) this.#waitingBytes -= submission.bytes;
    return taken;
  }

  async #commit(group: Submission[]): Promise<void> {
    try {
      this.#revision = await this.#store.commit(writesOf(group), this.#revision);
      for (const submission of group) submission.resolve(this.#revision);
    } catch (thrown) {
      const error = asDroverError(thrown);
      if (error.code === 'stale-revision' || this.#store.failed === true) this.#stop(error);
      for (const submission of group) submission.reject(error);
    }
  }

  #stop(error: DroverError): void {
    this.#fence = error;
    for (const submission of this.#waiting.splice(0)) submission.reject(error);
    this.#waitingBytes = 0;
    this.#onFatal(error);
  }
}

function writesOf(group: readonly Submission[]): readonly Write[] {
  const [first, ...more] = group;
  return first && more.length === 0 ? first.writes : group.flatMap(({ writes }) => writes);
}
