/** The store of one machine: LMDB, a memory-mapped B-tree that is whole after any crash. See docs/adr/0003-lmdb.md. */
import { closeSync, existsSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { open, type Database, type RootDatabase, type Transaction } from 'lmdb';
import { DroverError } from '../../proto/wire/errors.js';
import { decodeCommit, encodeWrites } from './commit-codec.js';
import {
  checkBatch,
  defaultLogLimits,
  snapshotClosed,
  staleRevision,
  storeClosed,
  type LogLimits,
} from './limits.js';
import { lockFolder, type FolderLock } from './lock.js';
import { dropMappedPages } from './mapped-pages.js';
import { checkPages, corrupt } from './page-check.js';
import { Tails } from './tail.js';
import type { Commit, Snapshot, Store, StoredRecord, Write } from './store.js';

/** Version of the layout inside the file; an older build refuses a newer one. */
const formatVersion = 1;
/** Address space, not disk: the file grows as it is written. A cell of 20,000 hosts needs under 1 GiB. */
const mapBytes = 16 * 2 ** 30;
/** What liblmdb makes its lock file: written out beforehand, so that a full disk is an error and not a SIGBUS. */
const lockFileBytes = 16 * 2 ** 10;
const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
const revisionKey = Buffer.from('revision');
const formatKey = Buffer.from('format');

interface Tables {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly records: Database<Buffer, Buffer>;
  readonly log: Database<Buffer, Buffer>;
  /** `revision` carries the store's revision as its version, which a commit is conditional on; `format` the layout's. */
  readonly meta: Database<Buffer, Buffer>;
}

/**
 * Opens the store in `folder` (made with mode 0700 if it is not there). Errors: `storage-corrupt` for a file that is cut
 * short or not ours; `failed-precondition` when another process has it or a newer build wrote it; `storage-failed`.
 */
export async function openLmdbStore(folder: string, limits: LogLimits = defaultLogLimits): Promise<Store> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(folder);
  try {
    const file = join(folder, 'store.mdb');
    if (existsSync(file)) checkPages(file);
    reserveLockFile(`${file}-lock`);
    const tables = openTables(file);
    await checkFormat(tables, file);
    return new LmdbStore(tables, file, lock, limits);
  } catch (error) {
    await lock.release();
    throw error instanceof DroverError ? error : storageFailed(`open ${folder}`, error);
  }
}

function reserveLockFile(file: string): void {
  if (existsSync(file) && statSync(file).size >= lockFileBytes / 2) return;
  const descriptor = openSync(file, 'w', 0o600);
  try {
    if (writeSync(descriptor, Buffer.alloc(lockFileBytes)) < lockFileBytes)
      throw new Error('no space left on device');
  } finally {
    closeSync(descriptor);
  }
}

function openTables(file: string): Tables {
  // Without overlapping sync a commit is on disk when its promise resolves, and the meta page never runs ahead of the data.
  const root = open<Buffer, Buffer>({
    path: file,
    overlappingSync: false,
    commitDelay: 0,
    eventTurnBatching: false,
    mapSize: mapBytes,
    maxDbs: 4,
    noSubdir: true,
    ...binary,
  });
  return {
    root,
    records: root.openDB({ name: 'records', ...binary }),
    log: root.openDB({ name: 'log', ...binary }),
    meta: root.openDB({ name: 'meta', useVersions: true, ...binary }),
  };
}

async function checkFormat({ root, records, meta }: Tables, file: string): Promise<void> {
  const found = meta.getEntry(formatKey)?.version;
  if (found === formatVersion) return;
  try {
    if (found !== undefined) {
      const cure = 'start the build that wrote it, or a newer one';
      throw new DroverError(
        'failed-precondition',
        `${file}: format ${found}; this build reads ${formatVersion}; ${cure}`,
        { field: 'store', value: file, cure },
      );
    }
    if (records.getCount() > 0) throw corrupt(file, 'it has records and no format version');
    await settle(
      root.batch(() => {
        quietly(meta.put(formatKey, Buffer.alloc(1), formatVersion));
        quietly(meta.put(revisionKey, Buffer.alloc(1), 0));
      }),
    );
  } catch (error) {
    await root.close();
    throw error;
  }
}

class LmdbStore implements Store {
  readonly #tables: Tables;
  readonly #file: string;
  readonly #lock: FolderLock;
  readonly #limits: LogLimits;
  readonly #tails: Tails;
  /** Sizes of the log's entries; the first belongs to revision `#logFirst`. */
  #logSizes: number[];
  #logFirst: number;
  #logBytes: number;
  #revision: number;
  #last: Promise<unknown> = Promise.resolve();
  #state: 'open' | 'failed' | 'closed' = 'open';

  constructor(tables: Tables, file: string, lock: FolderLock, limits: LogLimits) {
    this.#tables = tables;
    this.#file = file;
    this.#lock = lock;
    this.#limits = limits;
    this.#revision = diskRevision(tables);
    this.#logSizes = [...tables.log.getRange({})].map(({ value }) => value.length);
    this.#logFirst = this.#revision - this.#logSizes.length + 1;
    this.#logBytes = this.#logSizes.reduce((sum, size) => sum + size, 0);
    this.#tails = new Tails({ newest: () => this.#revision, read: (revision) => this.#readLog(revision) });
  }

  get failed(): boolean {
    return this.#state === 'failed';
  }

  async load(): Promise<Snapshot> {
    this.#checkUsable();
    const transaction = this.#tables.records.useReadTransaction();
    let isOpen = true;
    return {
      revision: this.#tables.meta.getEntry(revisionKey, { transaction })?.version ?? 0,
      under: (prefix) => ({
        [Symbol.iterator]: () => {
          if (!isOpen || this.#state === 'closed') throw snapshotClosed();
          return this.#range(prefix, transaction);
        },
      }),
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        if (this.#state !== 'closed') transaction.done();
        dropMappedPages(this.#file);
      },
    };
  }

  *#range(prefix: string, transaction: Transaction): IterableIterator<StoredRecord> {
    const start = Buffer.from(prefix);
    try {
      for (const { key, value } of this.#tables.records.getRange({ start, transaction })) {
        if (!start.equals(key.subarray(0, start.length))) return;
        yield { key: key.toString(), value: Uint8Array.from(value) };
      }
    } catch (error) {
      throw corrupt(this.#file, 'its records cannot be read', error);
    }
  }

  /** Commits run one after the other; group them with `Writer`. */
  async commit(writes: readonly Write[], expectedRevision: number): Promise<number> {
    this.#checkUsable();
    checkBatch(writes);
    const result = this.#last.then(() => this.#commit(writes, expectedRevision));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #commit(writes: readonly Write[], expected: number): Promise<number> {
    this.#checkUsable();
    if (expected !== this.#revision) throw staleRevision(expected, this.#revision);
    const entry = encodeWrites(writes);
    const dropped = this.#overdue(entry.length);
    const isFirst = await this.#write(writes, entry, dropped, expected);
    if (!isFirst) throw staleRevision(expected, diskRevision(this.#tables));
    this.#revision = expected + 1;
    this.#forget(dropped, entry.length);
    this.#tails.wake();
    return this.#revision;
  }

  /** One LMDB transaction, conditional on the revision that is on disk: false when that is another. */
  async #write(writes: readonly Write[], entry: Buffer, dropped: number, expected: number): Promise<boolean> {
    const { records, log, meta } = this.#tables;
    try {
      return await settle(
        meta.ifVersion(revisionKey, expected, () => {
          for (const { key, value } of writes)
            quietly(
              value ? records.put(Buffer.from(key), asBuffer(value)) : records.remove(Buffer.from(key)),
            );
          for (let index = 0; index < dropped; index++) quietly(log.remove(logKey(this.#logFirst + index)));
          quietly(log.put(logKey(expected + 1), entry));
          quietly(meta.put(revisionKey, Buffer.alloc(1), expected + 1));
        }),
      );
    } catch (error) {
      // The pages may be there and only their sync has failed: then nobody knows what a power cut would leave.
      if (diskRevision(this.#tables) !== expected) this.#state = 'failed';
      throw storageFailed(`commit to ${this.#file}`, error);
    }
  }

  /** How many of the oldest log entries go when one of `bytes` comes. */
  #overdue(bytes: number): number {
    let count = 0;
    let total = this.#logBytes + bytes;
    while (
      count < this.#logSizes.length &&
      (this.#logSizes.length - count >= this.#limits.commits || total > this.#limits.bytes)
    ) {
      total -= this.#logSizes[count++] as number;
    }
    return count;
  }

  #forget(dropped: number, added: number): void {
    for (const size of this.#logSizes.splice(0, dropped)) this.#logBytes -= size;
    this.#logSizes.push(added);
    this.#logBytes += added;
    this.#logFirst = this.#revision - this.#logSizes.length + 1;
  }

  #readLog(revision: number): Commit | undefined {
    if (revision < this.#logFirst) return undefined;
    const bytes = this.#tables.log.get(logKey(revision));
    try {
      return bytes && decodeCommit(revision, bytes);
    } catch (error) {
      throw corrupt(this.#file, `commit ${revision} in its log cannot be read`, error);
    }
  }

  tail(revision: number): AsyncIterableIterator<Commit> {
    this.#checkUsable();
    return this.#tails.start(revision);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#tails.close();
    await this.#last;
    await this.#tables.root.close();
    await this.#lock.release();
  }

  #checkUsable(): void {
    if (this.#state === 'closed') throw storeClosed();
    if (this.#state === 'failed')
      throw storageFailed(
        `use ${this.#file}`,
        new Error('an earlier commit failed half-way: close the store and open it again'),
      );
  }
}

function diskRevision({ meta }: Tables): number {
  return meta.getEntry(revisionKey)?.version ?? 0;
}

function logKey(revision: number): Buffer {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(revision));
  return key;
}

/** The same bytes, which LMDB reads until the commit is done: whoever hands them over does not change them. */
function asBuffer(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Writes inside a conditional block fail with the block; their own promises must not be left unhandled. */
function quietly(result: Promise<boolean> | undefined): void {
  result?.catch?.(() => undefined);
}

/** Waits for an LMDB write; throws the cause that the package hides in `commitError`, a promise of its own. */
async function settle<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    const hidden = (error as { commitError?: Promise<never> }).commitError;
    hidden?.catch(() => undefined);
    const patience = new Promise<void>((resolve) => void setTimeout(resolve, 100).unref());
    await Promise.race([hidden, patience]);
    throw error;
  }
}

function storageFailed(attempt: string, cause: unknown): DroverError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const cure = 'make room on the disk or mend it, then retry';
  return new DroverError('storage-failed', `${attempt}: ${text}; ${cure}`, { field: 'store', cure, cause });
}
