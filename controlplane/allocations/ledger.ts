/**
 * Every host's book, kept in step with the registry and the store. Marks are taken in memory at once; a batch writes the
 * records of the hosts it touches; what fails is taken back exactly.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { DroverError } from '../../proto/wire/errors.js';
import { codec } from '../../proto/wire/load.js';
import type { Registry } from '../fleet/registry.js';
import type { StoredRecord, Write } from '../store/store.js';
import { type BatchWork, CommitLane, type CommitQueue } from './commit-lane.js';
import { type Entry, entryOf, HostBook } from './host-book.js';

export interface LedgerLimits {
  /** Allocations of one host: with the largest usual allocation of 400 bytes its record fills the store's 4 MiB. */
  readonly perHost: number;
  /** Bytes of one host's record; the store takes 4 MiB. */
  readonly recordBytes: number;
}

/** Who is told of a host, in the same turn. */
export interface LedgerListener {
  /** It no longer holds an allocation, durable or marked. */
  freed(hostId: string): void;
  /** Its durable allocations are others than before. */
  changed(hostId: string): void;
}

/** A change that becomes durable whole or not at all. */
interface Change {
  readonly added: readonly Entry[];
  readonly removed: readonly Allocation[];
}

interface HostChange {
  readonly added: Entry[];
  readonly removed: Set<string>;
}

const prefix = 'allocations/';

export class Ledger {
  readonly #registry: Registry;
  readonly #limits: LedgerLimits;
  readonly #told: LedgerListener;
  readonly #lane: CommitLane<Change>;
  readonly #books = new Map<string, HostBook>();
  readonly #byId = new Map<string, Allocation>();

  constructor(registry: Registry, commits: CommitQueue, limits: LedgerLimits, told: LedgerListener) {
    this.#told = told;
    this.#registry = registry;
    this.#limits = limits;
    const work: BatchWork<Change> = {
      sizeOf: (change) => this.#sizeOf(change),
      encode: (batch) => this.#encode(batch),
      committed: (batch) => this.#committed(batch),
      failed: (batch) => batch.forEach((change) => this.unmark(change.added)),
    };
    this.#lane = new CommitLane(commits, work);
  }

  /** Takes over records `allocations/<host id>`, after the hosts' own. Errors: `storage-corrupt`. */
  load(records: readonly StoredRecord[]): void {
    for (const { key, value } of records) if (key.startsWith(prefix)) this.#loadRecord(key, value);
  }

  #loadRecord(key: string, value: Uint8Array): void {
    const hostId = key.slice(prefix.length);
    const record = decode(key, value);
    const book = this.#book(hostId, record.allocations[0]?.hostName ?? '');
    book.load(record);
    for (const { allocation } of book.entries()) this.#byId.set(allocation.id, allocation);
    this.#registry.setAllocated(hostId, book.totals);
  }

  /** A durable allocation by id. */
  get(id: string): Allocation | undefined {
    return this.#byId.get(id);
  }

  /** Durable allocations of every host, or of one, by host name and age. */
  list(hostId?: string): Allocation[] {
    if (hostId !== undefined) return allocationsOf(this.#books.get(hostId));
    const books = [...this.#books.values()];
    books.sort((a, b) => (a.hostName < b.hostName ? -1 : a.hostName > b.hostName ? 1 : 0));
    return books.flatMap(allocationsOf);
  }

  /** Ids that a host holds, durable or about to be. */
  idsOn(hostId: string): ReadonlySet<string> {
    return this.#books.get(hostId)?.ids ?? new Set();
  }

  /** True when an allocation of the host, by its id or its virtual machine, stands for a domain. */
  covers(hostId: string, { uuid, allocationId }: { uuid: string; allocationId: string }): boolean {
    const book = this.#books.get(hostId);
    return book !== undefined && (book.ids.has(allocationId) || book.holdsInstance(uuid));
  }

  /** What deletes a host's record; nothing where it has none. */
  removal(hostId: string): Write[] {
    return this.#books.has(hostId) ? [{ key: prefix + hostId, value: undefined }] : [];
  }

  /** Drops the book of a host whose record was deleted. */
  forget(hostId: string): void {
    this.#books.delete(hostId);
  }

  generationOf(hostId: string): number {
    return this.#books.get(hostId)?.generation ?? 0;
  }

  /** Marks an allocation as taken, in memory. Errors: `resource-exhausted` when the host's record can hold no more. */
  mark(allocation: Allocation): Entry {
    const book = this.#book(allocation.hostId, allocation.hostName);
    const entry = entryOf(allocation);
    const { perHost, recordBytes } = this.#limits;
    if (book.totals.count >= perHost) throw full(book, `${perHost} allocations`);
    if (book.bytes + entry.bytes.length + generationBytes > recordBytes)
      throw full(book, `a record of ${recordBytes} bytes`);
    book.mark(entry);
    this.#registry.setAllocated(book.hostId, book.totals);
    return entry;
  }

  /** Takes marks back. */
  unmark(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const book = this.#existing(entry.allocation.hostId);
      book.unmark(entry);
      this.#registry.setAllocated(book.hostId, book.totals);
      this.#told.freed(book.hostId);
    }
  }

  /** Makes marked allocations durable, or their marks are taken back and this rejects. */
  add(entries: readonly Entry[]): Promise<void> {
    return this.#lane.add({ added: entries, removed: [] });
  }

  /** Gives a durable allocation back; it counts as taken until that is durable. */
  remove(allocation: Allocation): Promise<void> {
    return this.#lane.add({ added: [], removed: [allocation] });
  }

  #book(hostId: string, hostName: string): HostBook {
    const book = this.#books.get(hostId) ?? new HostBook(hostId, hostName);
    this.#books.set(hostId, book);
    return book;
  }

  #existing(hostId: string): HostBook {
    const book = this.#books.get(hostId);
    if (!book) throw new Error(`no book for host ${hostId}`);
    return book;
  }

  #sizeOf({ added, removed }: Change): number {
    const hosts = new Set([
      ...added.map(({ allocation }) => allocation.hostId),
      ...removed.map(({ hostId }) => hostId),
    ]);
    let bytes = 0;
    for (const hostId of hosts) bytes += this.#existing(hostId).bytes + generationBytes;
    return bytes;
  }

  #encode(batch: readonly Change[]): Write[] {
    return Array.from(byHost(batch), ([hostId, { added, removed }]) => ({
      key: prefix + hostId,
      value: this.#existing(hostId).encode(added, removed),
    }));
  }

  #committed(batch: readonly Change[]): void {
    for (const [hostId, { added, removed }] of byHost(batch)) {
      const book = this.#existing(hostId);
      book.commit(added, removed);
      for (const { allocation } of added) this.#byId.set(allocation.id, allocation);
      for (const id of removed) this.#byId.delete(id);
      this.#told.changed(hostId);
      if (removed.size === 0) continue;
      this.#registry.setAllocated(hostId, book.totals);
      this.#told.freed(hostId);
    }
  }
}

function allocationsOf(book: HostBook | undefined): Allocation[] {
  return book ? Array.from(book.entries(), ({ allocation }) => allocation) : [];
}

/** Room for a record's generation: one tag and a 64-bit number. */
const generationBytes = 11;

function byHost(batch: readonly Change[]): Map<string, HostChange> {
  const hosts = new Map<string, HostChange>();
  const of = (hostId: string): HostChange => {
    const change = hosts.get(hostId) ?? { added: [], removed: new Set() };
    hosts.set(hostId, change);
    return change;
  };
  for (const { added, removed } of batch) {
    for (const entry of added) of(entry.allocation.hostId).added.push(entry);
    for (const { hostId, id } of removed) of(hostId).removed.add(id);
  }
  return hosts;
}

function decode(key: string, value: Uint8Array) {
  try {
    return codec('HostAllocations').decode(value);
  } catch (cause) {
    throw new DroverError('storage-corrupt', `record ${key} cannot be read as HostAllocations`, { cause });
  }
}

function full(book: HostBook, what: string): DroverError {
  return new DroverError('resource-exhausted', `host ${book.hostName} holds ${what}, the most of one host`, {
    field: 'host',
    value: book.hostName,
  });
}
