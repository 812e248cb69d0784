/**
 * One batch at a time: what arrives while a commit is on its way goes together in the next one. A batch that fails fails
 * for those in it alone, because the next is put together only once it is known what became of this one.
 */
import type { Write } from '../store/store.js';

/** Where batches become durable; `controlplane/store/group-commit.ts` is one. */
export interface CommitQueue {
  submit(writes: readonly Write[]): Promise<number>;
}

/** The store's side of a batch: what to write, and what to do once it is known how that went. */
export interface BatchWork<Item> {
  /** How much room an item needs at most, in bytes of records. */
  sizeOf(item: Item): number;
  encode(batch: readonly Item[]): Write[];
  committed(batch: readonly Item[]): void;
  failed(batch: readonly Item[]): void;
}

/** Half of what one commit of the store takes (64 MiB). One item larger than this goes alone. */
export const batchBytesLimit = 32 * 2 ** 20;

interface Waiting<Item> {
  readonly item: Item;
  resolve(): void;
  reject(error: unknown): void;
}

export class CommitLane<Item> {
  readonly #commits: CommitQueue;
  readonly #work: BatchWork<Item>;
  #queue: Waiting<Item>[] = [];
  #running = false;

  constructor(commits: CommitQueue, work: BatchWork<Item>) {
    this.#commits = commits;
    this.#work = work;
  }

  /** Resolves when the item is durable. Rejects with what the store said; the item has been given to `failed` by then. */
  add(item: Item): Promise<void> {
    const { promise, resolve, reject } = deferred();
    this.#queue.push({ item, resolve, reject });
    if (!this.#running) {
      this.#running = true;
      queueMicrotask(() => void this.#run()); // what is added in this turn goes into the first batch
    }
    return promise;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) await this.#commit(this.#takeBatch());
    this.#running = false;
  }

  #takeBatch(): Waiting<Item>[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length) {
      bytes += this.#work.sizeOf((this.#queue[count] as Waiting<Item>).item);
      if (count > 0 && bytes > batchBytesLimit) break;
      count++;
    }
    const batch = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    return batch;
  }

  async #commit(batch: readonly Waiting<Item>[]): Promise<void> {
    const items = batch.map(({ item }) => item);
    try {
      await this.#commits.submit(this.#work.encode(items));
    } catch (error) {
      this.#work.failed(items);
      for (const { reject } of batch) reject(error);
      return;
    }
    this.#work.committed(items);
    for (const { resolve } of batch) resolve();
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
