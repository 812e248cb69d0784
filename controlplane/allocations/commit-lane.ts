/**
 * One batch at a time: what arrives while a commit is on its way goes together in the next one. A batch that fails fails
 * for those in it alone, because the next is put together only once it is known what became of this one.
 */
import type { Write } from '../store/store.js';

/** Where batches become durable; `controlplane/store/group-commit.ts` is one. */
export interface CommitQueue {
  submit(writes: readonly Write[]): Promise<number>;
}

/** The most that an item makes of a batch. */
export interface ItemSize {
  readonly writes: number;
  readonly bytes: number;
}

/** The store's side of a batch: what to write, and what to do once it is known how that went. */
export interface BatchWork<Item> {
  sizeOf(item: Item): ItemSize;
  encode(batch: readonly Item[]): Write[];
  committed(batch: readonly Item[]): void;
  failed(batch: readonly Item[]): void;
}

/** Half of what one commit of the store takes (10,000 writes, 64 MiB). One item larger than this goes alone. */
export const batchLimits: ItemSize = { writes: 5_000, bytes: 32 * 2 ** 20 };

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
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      queueMicrotask(() => void this.#run()); // what is added in this turn goes into the first batch
    });
  }

  /** Who waits for a batch hears of it once the next one is on its way: the store works while they go on. */
  async #run(): Promise<void> {
    let tell = (): void => undefined;
    while (this.#queue.length > 0) {
      const committed = this.#commit(this.#takeBatch());
      tell();
      tell = await committed;
    }
    this.#running = false;
    tell();
  }

  #takeBatch(): Waiting<Item>[] {
    let [writes, bytes, count] = [0, 0, 0];
    while (count < this.#queue.length) {
      const size = this.#work.sizeOf((this.#queue[count] as Waiting<Item>).item);
      writes += size.writes;
      bytes += size.bytes;
      if (count > 0 && (writes > batchLimits.writes || bytes > batchLimits.bytes)) break;
      count++;
    }
    const batch = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    return batch;
  }

  /** What tells those who wait for it. */
  async #commit(batch: readonly Waiting<Item>[]): Promise<() => void> {
    const items = batch.map(({ item }) => item);
    try {
      await this.#commits.submit(this.#work.encode(items));
    } catch (error) {
      this.#work.failed(items);
      return () => batch.forEach(({ reject }) => reject(error));
    }
    this.#work.committed(items);
    return () => batch.forEach(({ resolve }) => resolve());
  }
}
