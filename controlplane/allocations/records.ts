/**
 * What the store keeps of allocations: `allocation/<id>` for each, and `allocations/<host id>` with the generation of a host
 * from which something was taken away. Older builds kept all allocations of a host in the latter. See docs/adr/0009.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { DroverError } from '../../proto/wire/errors.js';
import { codec } from '../../proto/wire/load.js';
import { PlainEncoders } from '../../proto/wire/plain-encoder.js';
import { areAlike, asKept } from '../model/held-allocation.js';
import { SharedTexts } from '../model/shared-texts.js';
import type { Records, Write } from '../store/store.js';
import { OwnFields } from './own-fields.js';

const hostPrefix = 'allocations/';
const allocationPrefix = 'allocation/';

/** What a record says, one after the other. */
export interface RecordReader {
  /** Of a record of its own. */
  allocation(allocation: Allocation): unknown;
  /** Of a host's record; `allocations`: of older builds alone. */
  host(hostId: string, generation: number, allocations: readonly Allocation[]): void;
}

/**
 * Reads the records of allocations, then those of hosts: none is held by this. Errors: `storage-corrupt` naming
 * the record; those before it have been told.
 */
export function tellRecords(records: Records, reader: RecordReader): void {
  const texts = new SharedTexts();
  for (const { key, value } of records.under(allocationPrefix))
    reader.allocation(asKept(decode('Allocation', key, value), texts));
  for (const { key, value } of records.under(hostPrefix)) {
    const { generation, allocations } = decode('HostAllocations', key, value);
    const kept = allocations.map((old) => asKept(old, texts));
    reader.host(key.slice(hostPrefix.length), generation, kept);
  }
}

/** What the records say. */
export interface StoredAllocations {
  readonly allocations: Allocation[];
  /** Host id to the generation that its own record has. */
  readonly generations: ReadonlyMap<string, number>;
}

/** What the records of allocations say, all at once. Errors: `storage-corrupt` naming the record. */
export function readRecords(records: Records): StoredAllocations {
  const byId = new Map<string, Allocation>();
  const generations = new Map<string, number>();
  tellRecords(records, {
    allocation: (allocation) => byId.set(allocation.id, allocation),
    host: (hostId, generation, allocations) => {
      generations.set(hostId, generation);
      for (const old of allocations) if (!byId.has(old.id)) byId.set(old.id, old);
    },
  });
  return { allocations: [...byId.values()], generations };
}

function decode<Name extends 'Allocation' | 'HostAllocations'>(name: Name, key: string, value: Uint8Array) {
  try {
    return codec(name).decode(value) as ReturnType<ReturnType<typeof codec<Name>>['decode']>;
  } catch (cause) {
    throw new DroverError('storage-corrupt', `record ${key} cannot be read as ${name}`, { cause });
  }
}

/** What claims of one call mostly have alike: it is encoded once and stands before the rest, which protobuf leaves open. */
export const alikeFields = [
  ...(['vcpus', 'memoryMb', 'diskMb', 'createdUnixMs', 'instanceUuid', 'extraSpecs', 'createdBy'] as const),
  ...(['availabilityZone', 'state', 'lapsesUnixMs', 'flavor', 'projectId', 'serverGroupId'] as const),
  ...(['attempts', 'requestRest'] as const),
];

/** Writes records. One for each ledger: it holds the encoders. */
export class RecordWriter {
  readonly #alike: (value: object) => Buffer;
  readonly #own: OwnFields;
  readonly #host: (value: object) => Buffer;
  #last: Allocation | undefined;
  #lastAlike: Uint8Array = Buffer.alloc(0);

  constructor() {
    const encoders = new PlainEncoders(['placement']);
    this.#alike = encoders.of('Allocation', alikeFields);
    this.#own = new OwnFields(encoders);
    this.#host = encoders.of('HostAllocations');
  }

  put(allocation: Allocation): { readonly key: string; readonly value: Uint8Array } {
    if (this.#last === undefined || !areAlike(this.#last, allocation))
      this.#lastAlike = this.#alike(allocation);
    this.#last = allocation;
    return { key: allocationPrefix + allocation.id, value: this.#own.after(this.#lastAlike, allocation) };
  }

  remove(id: string): Write {
    return { key: allocationPrefix + id, value: undefined };
  }

  generation(hostId: string, generation: number): Write {
    return { key: hostPrefix + hostId, value: this.#host({ generation }) };
  }

  /** Deletes the record of a host that holds no allocation. */
  forget(hostId: string): Write {
    return { key: hostPrefix + hostId, value: undefined };
  }
}
