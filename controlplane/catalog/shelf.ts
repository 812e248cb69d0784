/**
 * Records of one kind under a prefix of the store: durable before they are seen, and a view in memory. Changes wait for each
 * other, so that none is checked against what another is about to change.
 */
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { Codec } from '../../proto/wire/load.js';
import type { CommitQueue } from '../fleet/directory.js';
import type { Records } from '../store/store.js';

export interface ShelfKind<Input, Output> {
  /** What it is called in errors: `flavor`. */
  readonly noun: string;
  /** `catalog/flavor/`; the key follows. */
  readonly prefix: string;
  codec(): Codec<Input, Output>;
  keyOf(record: Output): string;
  /** Name by which listings are sorted. */
  nameOf(record: Output): string;
  /** Most records. */
  readonly most: number;
}

/** Largest name in bytes: with its prefix it is a key of the store. */
export const maximumNameBytes = 255;

export class Shelf<Input, Output> {
  readonly #commits: CommitQueue;
  readonly #kind: ShelfKind<Input, Output>;
  readonly #records = new Map<string, Output>();
  /** By name; undefined after a change. */
  #sorted: readonly Output[] | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(commits: CommitQueue, kind: ShelfKind<Input, Output>) {
    this.#commits = commits;
    this.#kind = kind;
  }

  /** Takes over what the store holds. Errors: `storage-corrupt`. */
  load(records: Records): void {
    for (const { key, value } of records.under(this.#kind.prefix)) this.#read(key, value);
  }

  #read(key: string, value: Uint8Array): void {
    try {
      this.#keep(this.#kind.codec().decode(value));
    } catch (cause) {
      throw new DroverError('storage-corrupt', `${key} cannot be read`, { field: key, cause });
    }
  }

  get size(): number {
    return this.#records.size;
  }

  get(key: string): Output | undefined {
    return this.#records.get(key);
  }

  /** Every record, by name. */
  all(): readonly Output[] {
    const { nameOf } = this.#kind;
    this.#sorted ??= [...this.#records.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    return this.#sorted;
  }

  /** Runs `work` when every earlier change is done. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Stores a record under its key; to be called in turn. Errors: `resource-exhausted` beyond the most. */
  async put(key: string, input: Input): Promise<Output> {
    const { codec, prefix, most, noun } = this.#kind;
    if (!this.#records.has(key) && this.size >= most)
      throw new DroverError('resource-exhausted', `there are ${most} ${noun}s, the most there may be`);
    const value = codec().encode(input);
    await this.#commits.submit([{ key: prefix + key, value }]);
    return this.#keep(codec().decode(value));
  }

  /** Deletes a record; to be called in turn. */
  async remove(key: string): Promise<void> {
    await this.#commits.submit([{ key: this.#kind.prefix + key, value: undefined }]);
    this.#records.delete(key);
    this.#sorted = undefined;
  }

  #keep(record: Output): Output {
    this.#records.set(this.#kind.keyOf(record), record);
    this.#sorted = undefined;
    return record;
  }
}

/** A name of 1 to 255 bytes, without control characters and without blanks around it. Errors: `invalid-argument`. */
export function checkCatalogName(name: string, field: string): string {
  const isPlain = !/\p{Cc}|\p{Surrogate}/u.test(name) && name.trim() === name;
  if (name !== '' && isPlain && Buffer.byteLength(name) <= maximumNameBytes) return name;
  throw invalid(field, name, `1 to ${maximumNameBytes} bytes of text without blanks around it`);
}
