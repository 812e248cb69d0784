/** The host's allocations on disk, so that an agent which starts without the control plane knows what domains were promised. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { DomainAllocation } from '../../proto/gen/drover/v1/DomainAllocation.js';
import type { HostAllocationSet } from '../../proto/gen/drover/v1/HostAllocationSet.js';
import { invalid } from '../../proto/wire/errors.js';
import { maximumToldAllocations } from '../../proto/wire/limits.js';
import { canonicalJson } from '../../proto/wire/profile.js';
import { maximumDevices } from '../facts/passthrough.js';
import { jsonOf, loadOrSetAside, removeFile, replaceFile, type LoadOptions } from './durable-file.js';

const schema = z.strictObject({
  sessionId: z.string(),
  generation: z.int().min(0),
  allocations: z
    .array(
      z.strictObject({
        id: z.string(),
        instanceUuid: z.string(),
        extraSpecs: z.record(z.string(), z.string()),
        vcpus: z.int().min(0),
        memoryMb: z.int().min(0),
        pciAddresses: z.array(z.string()).max(maximumDevices).optional(),
      }),
    )
    .max(maximumToldAllocations),
  checksum: z.string(),
});

/** A set, and the session of the control plane in which its generation counts. */
interface Told extends Omit<z.infer<typeof schema>, 'checksum' | 'allocations'> {
  readonly allocations: DomainAllocation[];
}

const nothingTold: Told = { sessionId: '', generation: 0, allocations: [] };

export class AllocationsFile {
  readonly file: string;
  #held: Told = nothingTold;
  #byInstance: ReadonlyMap<string, DomainAllocation> = new Map();
  #byId: ReadonlyMap<string, DomainAllocation> = new Map();
  /** The newest that was taken, on disk or on its way. */
  #newest: Told = nothingTold;
  /** The write in flight, and the one that waits: whatever comes meanwhile goes with that. */
  #writing: Promise<unknown> = Promise.resolve();
  #next: Promise<void> | undefined;

  private constructor(file: string, held: Told) {
    this.file = file;
    this.#newest = held;
    this.#hold(held);
  }

  /** Reads the file. A damaged one counts as none; see `loadOrSetAside`. Errors: `storage-failed`. */
  static async load(file: string, options: LoadOptions = {}): Promise<AllocationsFile> {
    return new AllocationsFile(file, (await loadOrSetAside(file, parse, options)) ?? nothingTold);
  }

  /** The allocations that are on disk and name a libvirt domain, by its UUID in lower case; of two for one the younger. */
  get current(): ReadonlyMap<string, DomainAllocation> {
    return this.#byInstance;
  }

  /** All that are on disk, oldest first. */
  get list(): readonly DomainAllocation[] {
    return this.#held.allocations;
  }

  /** Of the set that is on disk; 0: there is none, or the host never held an allocation. */
  get generation(): number {
    return this.#held.generation;
  }

  /** What a domain was promised: by the allocation that its metadata names, or else by its UUID in any case. */
  of({ uuid, allocationId }: { uuid: string; allocationId: string }): DomainAllocation | undefined {
    return this.#byId.get(allocationId) ?? this.#byInstance.get(uuid.toLowerCase());
  }

  /**
   * Makes a set durable, then current; true when it or a newer one is. False: the session of the control plane has told a
   * newer one already, and nothing changes. Errors: `invalid-argument` for more than 4,096 allocations or devices of one,
   * `storage-failed`.
   */
  async save(set: HostAllocationSet, sessionId: string): Promise<boolean> {
    const told = checked(set, sessionId);
    if (sessionId === this.#newest.sessionId && told.generation < this.#newest.generation) return false;
    this.#newest = told;
    await this.#soon();
    return true;
  }

  /** Writes what was told and could not be written. Errors: `storage-failed`. */
  async retry(): Promise<void> {
    if (this.#newest !== this.#held) await this.#soon();
  }

  /** Forgets every allocation. Errors: `storage-failed`. */
  async clear(): Promise<void> {
    this.#newest = nothingTold;
    await this.#soon();
  }

  #soon(): Promise<void> {
    this.#next ??= this.#writing.then(() => this.#write());
    this.#writing = this.#next.catch(() => undefined);
    return this.#next;
  }

  async #write(): Promise<void> {
    this.#next = undefined;
    const told = this.#newest;
    if (told === nothingTold) await removeFile(this.file);
    else await replaceFile(this.file, `${canonicalJson({ ...told, checksum: checksumOf(told) })}\n`);
    this.#hold(told);
  }

  #hold(told: Told): void {
    const named = told.allocations.filter(({ instanceUuid }) => instanceUuid !== '');
    this.#held = told;
    this.#byInstance = new Map(named.map((one) => [one.instanceUuid.toLowerCase(), one]));
    this.#byId = new Map(told.allocations.map((one) => [one.id, one]));
  }
}

function checked({ generation, allocations }: HostAllocationSet, sessionId: string): Told {
  const { length } = allocations;
  if (length > maximumToldAllocations)
    throw invalid('allocations', `${length} allocations`, `at most ${maximumToldAllocations}`);
  const many = allocations.find(({ pciAddresses }) => pciAddresses.length > maximumDevices);
  if (many)
    throw invalid(
      `pci_addresses of ${many.id}`,
      `${many.pciAddresses.length} addresses`,
      `at most ${maximumDevices}`,
    );
  // The maps of a decoded message have no prototype: plain objects are what is compared and written.
  const plain = allocations.map((one) => ({ ...one, extraSpecs: { ...one.extraSpecs } }));
  return { sessionId, generation, allocations: plain };
}

function checksumOf(told: object): string {
  return createHash('sha256').update(canonicalJson(told)).digest('hex');
}

function parse(text: string): Told | undefined {
  const result = schema.safeParse(jsonOf(text));
  if (!result.success) return undefined;
  const { checksum, ...told } = result.data;
  if (checksumOf(told) !== checksum) return undefined;
  // Agents wrote no addresses before they knew of devices.
  const allocations = told.allocations.map((one) => ({ ...one, pciAddresses: one.pciAddresses ?? [] }));
  return { ...told, allocations };
}
