/**
 * Every host's book, kept in step with the registry and the store. Marks are taken in memory at once; a batch writes the
 * allocations that it touches; what fails is taken back exactly.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { DroverError } from '../../proto/wire/errors.js';
import type { Registry } from '../fleet/registry.js';
import { allocationBytes, usualBytes } from '../model/allocation-size.js';
import type { Records, Write } from '../store/store.js';
import { batchLimits, CommitLane, type CommitQueue, type ItemSize } from './commit-lane.js';
import { GroupBook, memberOf } from './group-book.js';
import { HostBook } from './host-book.js';
import { RecordWriter, tellRecords } from './records.js';
import { TextIndex } from './text-index.js';

export interface LedgerLimits {
  /** Allocations of one host. */
  readonly perHost: number;
}

/** Who is told of a host, in the same turn. */
export interface LedgerListener {
  /** It no longer holds an allocation, durable or marked. */
  freed(hostId: string): void;
  /** Its durable allocations are others than before. */
  changed(hostId: string): void;
  /** What its allocations take of its NUMA cells and devices is other than before. */
  roomChanged(hostId: string): void;
}

/** An allocation to be written, and the durable one of the same id that it takes the place of. */
export interface Put {
  readonly now: Allocation;
  readonly before: Allocation | undefined;
  /** Of its host, where that is at hand. */
  readonly book?: HostBook;
  /** The bytes of its record once it is on its way to the store: those of an `Allocation` message. */
  stored?: Uint8Array;
}

/** A change that becomes durable whole or not at all. */
export interface Change {
  readonly puts: readonly Put[];
  readonly removed: readonly Allocation[];
}

export class Ledger {
  readonly #registry: Registry;
  readonly #limits: LedgerLimits;
  readonly #told: LedgerListener;
  readonly #commits: CommitQueue;
  readonly #lane: CommitLane<Change>;
  readonly #write = new RecordWriter();
  readonly #books = new Map<string, HostBook>();
  /** The same by the row that the registry last had a host in: a row may be another host's by now. */
  readonly #bookOfRow: (HostBook | undefined)[] = [];
  /** Durable allocations. */
  readonly #byId = new TextIndex<Allocation>((held, id) => held.id === id);
  /** Allocations on their way that have an idempotency key: somebody may ask for them. */
  readonly #marks = new Map<string, Allocation>();
  readonly #groups = new GroupBook();
  #oldHosts: readonly string[] = [];

  constructor(registry: Registry, commits: CommitQueue, limits: LedgerLimits, told: LedgerListener) {
    this.#told = told;
    this.#registry = registry;
    this.#commits = commits;
    this.#limits = limits;
    this.#lane = new CommitLane(commits, {
      sizeOf,
      encode: (batch) => this.#encode(batch),
      committed: (batch) => this.#committed(batch),
      failed: (batch) =>
        batch.forEach(({ puts }) => this.unmark(puts.filter(isPlaced).map(({ now }) => now))),
    });
  }

  /** Takes over the records of allocations after the hosts' own. Errors: `storage-corrupt`. */
  load(records: Records): void {
    const oldHosts: string[] = [];
    tellRecords(records, {
      allocation: (allocation) => this.#take(allocation),
      host: (hostId, generation, allocations) => {
        const book = this.#book(hostId, '');
        book.generation = Math.max(book.generation, generation);
        if (allocations.length > 0) oldHosts.push(hostId);
        // A record of its own is the newer one: the move to the new layout may have been cut off. It comes first, by key.
        for (const old of allocations) if (!this.#byId.get(old.id)) this.#take(old);
      },
    });
    this.#oldHosts = oldHosts;
    for (const book of this.#books.values()) {
      book.durable.sort((a, b) => a.createdUnixMs - b.createdUnixMs);
      this.#account(book);
    }
  }

  #take(read: Allocation): void {
    const row = this.#registry.rowOf(read.hostId);
    const host = row === undefined ? undefined : this.#registry.recordAt(row);
    // One text for all allocations of a host, not one for each.
    const allocation = host ? Object.assign(read, { hostId: host.id, hostName: host.name }) : read;
    const book = this.#book(allocation.hostId, allocation.hostName);
    book.generation = Math.max(book.generation, allocation.hostGeneration);
    book.hold(allocation);
    this.#byId.set(allocation.id, allocation);
    this.#seat(allocation);
  }

  /** Gives the allocations of older builds records of their own. Errors: those of the store. */
  async migrate(): Promise<void> {
    for (const hostId of this.#oldHosts) {
      const book = this.#existing(hostId);
      const puts = book.durable.map((allocation) => this.#write.put(allocation));
      for (let first = 0; first < puts.length; first += batchLimits.writes)
        await this.#commits.submit(puts.slice(first, first + batchLimits.writes));
      await this.#commits.submit([this.#write.generation(hostId, book.generation)]);
    }
    this.#oldHosts = [];
  }

  /** A durable allocation by id. */
  get(id: string): Allocation | undefined {
    return this.#byId.get(id);
  }

  /** An allocation on its way to the store that has an idempotency key. */
  marked(id: string): Allocation | undefined {
    return this.#marks.get(id);
  }

  /** Every durable allocation, in no order. */
  all(): IterableIterator<Allocation> {
    return this.#byId.values();
  }

  /** Durable allocations of every host, or of one, by host name and age. */
  list(hostId?: string): Allocation[] {
    if (hostId !== undefined) return [...(this.#books.get(hostId)?.durable ?? [])];
    const books = [...this.#books.values()];
    books.sort((a, b) => (a.hostName < b.hostName ? -1 : a.hostName > b.hostName ? 1 : 0));
    return books.flatMap(({ durable }) => durable);
  }

  /** Allocations of a host, durable and marked. */
  *on(hostId: string): IterableIterator<Allocation> {
    const book = this.#books.get(hostId);
    if (!book) return;
    yield* book.durable;
    yield* book.marked;
  }

  book(hostId: string): HostBook | undefined {
    return this.#books.get(hostId);
  }

  /** Members of a server group. */
  get groups(): Pick<GroupBook, 'of'> {
    return this.#groups;
  }

  /** True when an allocation of the host, by its id or its virtual machine, stands for a domain. */
  covers(hostId: string, { uuid, allocationId }: { uuid: string; allocationId: string }): boolean {
    const book = this.#books.get(hostId);
    if (allocationId !== '') {
      if (this.#byId.get(allocationId)?.hostId === hostId) return true;
      if (book?.marked.some(({ id }) => id === allocationId)) return true;
    }
    return book?.holdsInstance(uuid) ?? false;
  }

  /** What deletes a host's record; nothing where it has none. */
  removal(hostId: string): Write[] {
    return this.#books.has(hostId) ? [this.#write.forget(hostId)] : [];
  }

  /** Drops the book of a host whose record was deleted. */
  forget(hostId: string): void {
    const row = this.#books.get(hostId)?.row;
    if (row !== undefined && this.#bookOfRow[row]?.hostId === hostId) this.#bookOfRow[row] = undefined;
    this.#books.delete(hostId);
  }

  generationOf(hostId: string): number {
    return this.#books.get(hostId)?.generation ?? 0;
  }

  /**
   * Marks an allocation as taken on its host, in memory; answers that host's book. `row`: where the host may be. Errors:
   * `resource-exhausted` when the host can hold no more.
   */
  mark(allocation: Allocation, row?: number): HostBook {
    const book = this.#bookAt(row, allocation.hostId) ?? this.#book(allocation.hostId, allocation.hostName);
    if (book.totals.count >= this.#limits.perHost) throw full(book, this.#limits.perHost);
    book.mark(allocation);
    if (allocation.idempotencyKey !== '') this.#marks.set(allocation.id, allocation);
    this.#seat(allocation);
    this.#account(book);
    if (takesRoom(allocation)) this.#told.roomChanged(book.hostId);
    return book;
  }

  /** Takes marks back. */
  unmark(allocations: readonly Allocation[]): void {
    for (const allocation of allocations) {
      const book = this.#existing(allocation.hostId);
      book.unmark(allocation);
      this.#unname(allocation);
      this.#leave(book, allocation);
    }
  }

  #unname({ idempotencyKey, id }: Allocation): void {
    if (idempotencyKey !== '') this.#marks.delete(id);
  }

  /**
   * Makes a change durable, or the marks of what it places are taken back and this rejects. What it removes counts as taken
   * until then. Each allocation of it must be in no other change that is on its way.
   */
  commit(change: Change): Promise<void> {
    return this.#lane.add(change);
  }

  #bookAt(row: number | undefined, hostId: string): HostBook | undefined {
    const book = row === undefined ? undefined : this.#bookOfRow[row];
    if (book?.row !== row || book?.hostId !== hostId) return undefined; // it stands elsewhere by now
    return book.hostName === '' ? undefined : book;
  }

  #book(hostId: string, hostName: string): HostBook {
    let book = this.#books.get(hostId);
    if (!book || (book.hostName === '' && hostName !== '')) {
      const named = new HostBook(hostId, hostName);
      named.generation = book?.generation ?? 0;
      this.#books.set(hostId, (book = named));
    }
    return book;
  }

  #existing(hostId: string): HostBook {
    const book = this.#books.get(hostId);
    if (!book) throw new Error(`no book for host ${hostId}`);
    return book;
  }

  /** Tells the registry what a host's allocations hold. Those that no agent has confirmed are work under way there. */
  #account(book: HostBook): void {
    const { hostId, totals, claimed, ecus, row } = book;
    book.row = this.#registry.setHeld(hostId, totals, claimed, ecus, row);
    if (book.row !== undefined && book.row !== row) this.#keepRow(book, book.row);
  }

  /** Every place up to the row is filled: an array with holes is a table to the engine, and slow. */
  #keepRow(book: HostBook, row: number): void {
    const books = this.#bookOfRow;
    while (books.length <= row) books.push(undefined);
    books[row] = book;
  }

  #seat(allocation: Allocation): void {
    this.#groups.add(allocation);
    if (allocation.instanceUuid === '' && allocation.serverGroupId === '') return;
    const row = this.#registry.rowOf(allocation.hostId);
    if (row !== undefined) this.#registry.columns.instances.add(memberOf(allocation), row);
  }

  /** An allocation is no longer on a host. Whoever reports domains is told, and puts back what still runs there. */
  #leave(book: HostBook, allocation: Allocation): void {
    this.#groups.remove(allocation);
    const row = this.#registry.rowOf(allocation.hostId);
    if (row !== undefined && !book.holdsInstance(allocation.instanceUuid))
      this.#registry.columns.instances.remove(memberOf(allocation), row);
    this.#account(book);
    if (takesRoom(allocation)) this.#told.roomChanged(book.hostId);
    this.#told.freed(book.hostId);
  }

  /** A batch is one step of every host's generation that it changes. */
  #encode(batch: readonly Change[]): Write[] {
    const writes: Write[] = [];
    const lost = new Set<string>();
    for (const { puts, removed } of batch) {
      for (const put of puts) {
        // Only now is it known; nobody has seen the allocation yet.
        if (isPlaced(put)) put.now.hostGeneration = this.#bookOf(put).generation + 1;
        if (put.before && isPlaced(put)) lost.add(put.before.hostId);
        const write = this.#write.put(put.now);
        put.stored = write.value;
        writes.push(write);
      }
      for (const { id, hostId } of removed) {
        lost.add(hostId);
        writes.push(this.#write.remove(id));
      }
    }
    for (const hostId of lost)
      writes.push(this.#write.generation(hostId, this.#existing(hostId).generation + 1));
    return writes;
  }

  #bookOf({ now, book }: Put): HostBook {
    return book ?? this.#existing(now.hostId);
  }

  #committed(batch: readonly Change[]): void {
    const changed: HostBook[] = [];
    for (const { puts, removed } of batch) {
      for (const put of puts) this.#landed(put, changed);
      for (const allocation of removed) {
        this.#byId.remove(allocation.id, allocation);
        this.#drop(allocation, changed);
      }
    }
    for (const book of changed) book.step();
    for (const { hostId } of changed) this.#told.changed(hostId);
  }

  #landed(put: Put, changed: HostBook[]): void {
    const { now, before } = put;
    this.#byId.set(now.id, now);
    const book = this.#bookOf(put);
    if (before && !isPlaced(put)) {
      this.#groups.remove(before);
      this.#groups.add(now);
      book.replace(before, now);
      this.#account(book);
      return;
    }
    book.keep(now);
    this.#unname(now);
    if (book.change()) changed.push(book);
    if (before) this.#drop(before, changed);
  }

  #drop(allocation: Allocation, changed: HostBook[]): void {
    const book = this.#existing(allocation.hostId);
    book.drop(allocation);
    if (book.change()) changed.push(book);
    this.#leave(book, allocation);
  }
}

/** True where a put takes something on a host: a new allocation, or one that comes from another host. */
function isPlaced({ now, before }: Put): boolean {
  return before === undefined || before.hostId !== now.hostId;
}

/** True where it takes NUMA cells or devices. */
function takesRoom({ cells, devices }: Allocation): boolean {
  return cells.length > 0 || devices.length > 0;
}

/** Three writes for a move, two for what is removed. */
function sizeOf({ puts, removed }: Change): ItemSize {
  let bytes = removed.length * usualBytes;
  for (const { now } of puts) bytes += allocationBytes(now);
  let writes = 2 * removed.length;
  for (const { before } of puts) writes += before ? 2 : 1;
  return { writes: Math.min(writes, batchLimits.writes), bytes };
}

function full(book: HostBook, most: number): DroverError {
  return new DroverError(
    'resource-exhausted',
    `host ${book.hostName} holds ${most} allocations, the most of one host`,
    {
      field: 'host',
      value: book.hostName,
    },
  );
}
