/** A store in memory, for tests and simulations: the same contract as the durable ones, gone when the process ends. */
import { Tails } from './tail.js';
import {
  checkBatch,
  defaultLogLimits,
  snapshotClosed,
  staleRevision,
  storeClosed,
  type LogLimits,
} from './limits.js';
import type { Commit, Snapshot, Store, Write } from './store.js';

export class MemoryStore implements Store {
  readonly #records = new Map<string, Uint8Array>();
  readonly #limits: LogLimits;
  readonly #log: { commit: Commit; bytes: number }[] = [];
  readonly #tails = new Tails({ newest: () => this.#revision, read: (revision) => this.#read(revision) });
  #logBytes = 0;
  #revision = 0;
  #isOpen = true;

  constructor(limits: LogLimits = defaultLogLimits) {
    this.#limits = limits;
  }

  async load(): Promise<Snapshot> {
    if (!this.#isOpen) throw storeClosed();
    const records = [...this.#records].map(([key, value]) => ({ key, value: Uint8Array.from(value) }));
    records.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
    let isOpen = true;
    return {
      revision: this.#revision,
      under: (prefix) => {
        if (!isOpen) throw snapshotClosed();
        return records.filter(({ key }) => key.startsWith(prefix));
      },
      close: () => void (isOpen = false),
    };
  }

  async commit(writes: readonly Write[], expectedRevision: number): Promise<number> {
    if (!this.#isOpen) throw storeClosed();
    const bytes = checkBatch(writes);
    if (expectedRevision !== this.#revision) throw staleRevision(expectedRevision, this.#revision);
    const kept = writes.map(({ key, value }) => ({ key, value: value && Uint8Array.from(value) }));
    for (const { key, value } of kept) {
      if (value) this.#records.set(key, value);
      else this.#records.delete(key);
    }
    this.#append({ revision: ++this.#revision, writes: kept }, bytes);
    this.#tails.wake();
    return this.#revision;
  }

  #append(commit: Commit, bytes: number): void {
    this.#log.push({ commit, bytes });
    this.#logBytes += bytes;
    while (
      this.#log.length > 1 &&
      (this.#log.length > this.#limits.commits || this.#logBytes > this.#limits.bytes)
    ) {
      this.#logBytes -= this.#log.shift()?.bytes ?? 0;
    }
  }

  #read(revision: number): Commit | undefined {
    const first = this.#log[0]?.commit.revision ?? 0;
    return this.#log[revision - first]?.commit;
  }

  tail(revision: number): AsyncIterableIterator<Commit> {
    if (!this.#isOpen) throw storeClosed();
    return this.#tails.start(revision);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    this.#tails.close();
  }
}
