/** What one host's allocations are: those that are durable, and the marks of those on their way. */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { HostAllocations } from '../../proto/gen/drover/v1/HostAllocations.js';
import { codec } from '../../proto/wire/load.js';
import { nothingTaken, taken, type Totals } from '../model/allocation.js';

/** An allocation with its bytes as they stand in the host's record. */
export interface Entry {
  readonly allocation: Allocation;
  readonly bytes: Uint8Array;
}

/** An allocation ready for a record. Encoded once: a record is these bytes one after the other. */
export function entryOf(allocation: Allocation): Entry {
  return { allocation, bytes: codec('HostAllocations').encode({ allocations: [allocation] }) };
}

export class HostBook {
  readonly hostId: string;
  readonly hostName: string;
  /** Of the durable record; 0: there is none. */
  generation = 0;
  /** Durable and marked allocations in sum: what the registry counts as taken. */
  totals: Totals = nothingTaken;
  /** Bytes of the record if every mark becomes durable. */
  bytes = 0;
  /** Ids of durable and marked allocations. */
  readonly ids = new Set<string>();
  readonly #durable = new Map<string, Entry>();
  /** Virtual machines that durable and marked allocations are for, with how many. */
  readonly #instances = new Map<string, number>();

  constructor(hostId: string, hostName: string) {
    this.hostId = hostId;
    this.hostName = hostName;
  }

  /** Takes over a stored record. */
  load({ generation, allocations }: HostAllocations): void {
    this.generation = generation;
    for (const allocation of allocations) {
      const entry = entryOf(allocation);
      this.mark(entry);
      this.#durable.set(allocation.id, entry);
    }
  }

  mark({ allocation, bytes }: Entry): void {
    this.totals = taken(this.totals, allocation, 1);
    this.bytes += bytes.length;
    this.ids.add(allocation.id);
    this.#countInstance(allocation.instanceUuid, 1);
  }

  unmark({ allocation, bytes }: Entry): void {
    this.totals = taken(this.totals, allocation, -1);
    this.bytes -= bytes.length;
    this.ids.delete(allocation.id);
    this.#countInstance(allocation.instanceUuid, -1);
  }

  /** True when an allocation, durable or marked, is for this virtual machine. UUIDs compare in any case. */
  holdsInstance(uuid: string): boolean {
    return this.#instances.has(uuid.toLowerCase());
  }

  #countInstance(instanceUuid: string, change: 1 | -1): void {
    const uuid = instanceUuid.toLowerCase();
    const count = (this.#instances.get(uuid) ?? 0) + change;
    if (uuid !== '' && count > 0) this.#instances.set(uuid, count);
    else this.#instances.delete(uuid);
  }

  /** The durable allocations, oldest first. */
  entries(): Iterable<Entry> {
    return this.#durable.values();
  }

  /**
   * The next record: the durable allocations with a batch's changes, one generation on. Marks of later batches are not in
   * it, so a batch that fails can be taken back without a trace. Joined messages are one message to protobuf: repeated
   * fields add up (protobuf encoding guide, "Last One Wins").
   */
  encode(added: readonly Entry[], removed: ReadonlySet<string>): Uint8Array {
    const parts: Uint8Array[] = [codec('HostAllocations').encode({ generation: this.generation + 1 })];
    for (const [id, { bytes }] of this.#durable) if (!removed.has(id)) parts.push(bytes);
    for (const { bytes } of added) parts.push(bytes);
    return Buffer.concat(parts);
  }

  /** The batch that `encode` was for is durable. Marks of what was removed end now, and not before. */
  commit(added: readonly Entry[], removed: ReadonlySet<string>): void {
    this.generation++;
    for (const entry of added) this.#durable.set(entry.allocation.id, entry);
    for (const id of removed) {
      const entry = this.#durable.get(id);
      if (entry) this.unmark(entry);
      this.#durable.delete(id);
    }
  }
}
