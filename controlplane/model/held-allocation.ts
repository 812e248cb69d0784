/**
 * Allocations as they are held in memory. There are 200,000 of them and more, so what takes room in each is counted: fields,
 * texts of its own, and numbers that do not fit 32 bits.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { GuestCellPlacement } from '../../proto/gen/drover/v1/GuestCellPlacement.js';
import type { PciDevice } from '../../proto/gen/drover/v1/PciDevice.js';
import type { RequestRest } from '../../proto/gen/drover/v1/RequestRest.js';
import { type Kind, kindOf, Kinds, small } from './allocation-kind.js';
import type { SharedTexts } from './shared-texts.js';

/** What most allocations have nothing of: one of each for all. */
const nothing = {
  cells: Object.freeze([] as GuestCellPlacement[]) as GuestCellPlacement[],
  movedFrom: '',
  moveKey: '',
  devices: Object.freeze([] as PciDevice[]) as PciDevice[],
};
const noNames: readonly string[] = Object.freeze([]);
/** Kinds are shared by all allocations of the process, also by those of a copy of its fleet. */
const kinds = new Kinds();

/** Numbers below 2^53 are held as two that fit 32 bits: one that does not is an object of its own to the engine. */
const lowHalf = 2 ** 30;

/**
 * What an allocation has nothing of takes no room, and is read from its prototype; what many have alike is read from their
 * kind.
 */
class HeldAllocation {
  declare readonly id: string;
  declare readonly hostId: string;
  declare readonly hostName: string;
  declare readonly idempotencyKey: string;
  declare readonly instanceUuid: string;
  declare readonly revision: number;
  declare readonly hostGeneration: number;
  declare cells: GuestCellPlacement[];
  declare movedFrom: string;
  declare moveKey: string;
  declare devices: PciDevice[];
  readonly #kind: Kind;
  readonly #createdHigh: number;
  readonly #createdLow: number;
  readonly #lapsesHigh: number;
  readonly #lapsesLow: number;
  readonly #seedHigh: number;
  readonly #seedLow: number;
  /** Names of the next best hosts: none, one or two texts side by side, or as many as there are. */
  readonly #alternate: string | readonly string[] | undefined;
  readonly #second: string | undefined;

  constructor(like: Allocation, more: Partial<Allocation>) {
    this.id = more.id ?? like.id;
    this.hostId = more.hostId ?? like.hostId;
    this.hostName = more.hostName ?? like.hostName;
    this.idempotencyKey = more.idempotencyKey ?? like.idempotencyKey;
    this.instanceUuid = more.instanceUuid ?? like.instanceUuid;
    this.revision = small(more.revision ?? like.revision);
    this.hostGeneration = small(more.hostGeneration ?? like.hostGeneration);
    this.#kind = kinds.of(more === asItIs ? like : { ...kindOf(like), ...more });
    const createdUnixMs = more.createdUnixMs ?? like.createdUnixMs;
    this.#createdHigh = Math.floor(createdUnixMs / lowHalf);
    this.#createdLow = lowOf(createdUnixMs);
    const lapsesUnixMs = more.lapsesUnixMs ?? like.lapsesUnixMs;
    this.#lapsesHigh = Math.floor(lapsesUnixMs / lowHalf);
    this.#lapsesLow = lowOf(lapsesUnixMs);
    const seed = more.seed ?? like.seed;
    this.#seedHigh = Math.floor(seed / lowHalf);
    this.#seedLow = lowOf(seed);
    const alternates = more.alternates ?? like.alternates;
    this.#alternate = alternates.length > 2 ? alternates : alternates[0];
    this.#second = alternates.length === 2 ? alternates[1] : undefined;
    const cells = more.cells ?? like.cells;
    if (cells.length > 0) this.cells = cells;
    const movedFrom = more.movedFrom ?? like.movedFrom;
    if (movedFrom !== '') this.movedFrom = movedFrom;
    const moveKey = more.moveKey ?? like.moveKey;
    if (moveKey !== '') this.moveKey = moveKey;
    const devices = more.devices ?? like.devices;
    if (devices.length > 0) this.devices = devices;
  }

  get vcpus(): number {
    return this.#kind.vcpus;
  }

  get memoryMb(): number {
    return this.#kind.memoryMb;
  }

  get diskMb(): number {
    return this.#kind.diskMb;
  }

  get extraSpecs(): Record<string, string> {
    return this.#kind.extraSpecs;
  }

  get createdBy(): string {
    return this.#kind.createdBy;
  }

  get availabilityZone(): string {
    return this.#kind.availabilityZone;
  }

  get state(): string {
    return this.#kind.state;
  }

  get flavor(): string {
    return this.#kind.flavor;
  }

  get projectId(): string {
    return this.#kind.projectId;
  }

  get serverGroupId(): string {
    return this.#kind.serverGroupId;
  }

  get attempts(): number {
    return this.#kind.attempts;
  }

  get requestRest(): RequestRest | null {
    return this.#kind.requestRest;
  }

  get createdUnixMs(): number {
    return this.#createdHigh * lowHalf + this.#createdLow;
  }

  get lapsesUnixMs(): number {
    return this.#lapsesHigh * lowHalf + this.#lapsesLow;
  }

  get seed(): number {
    return this.#seedHigh * lowHalf + this.#seedLow;
  }

  /** Not to be written to. */
  get alternates(): string[] {
    const first = this.#alternate;
    if (first === undefined) return noNames as string[];
    if (typeof first !== 'string') return first as string[];
    return this.#second === undefined ? [first] : [first, this.#second];
  }

  /** True where this and another are of one kind, from the same moment and for the same virtual machine. */
  isAlike(other: HeldAllocation): boolean {
    return (
      this.#kind === other.#kind &&
      this.#createdLow === other.#createdLow &&
      this.#createdHigh === other.#createdHigh &&
      this.#lapsesLow === other.#lapsesLow &&
      this.#lapsesHigh === other.#lapsesHigh &&
      this.instanceUuid === other.instanceUuid
    );
  }
}
Object.assign(HeldAllocation.prototype, nothing);

/** What is left of a number over its multiples of 2^30, 0 and above. */
function lowOf(number: number): number {
  return (number - Math.floor(number / lowHalf) * lowHalf) | 0;
}

/** Nothing of it is changed. */
const asItIs: Partial<Allocation> = {};

/**
 * The allocation as it is to be held. It has every field for whoever reads it by name. Spread, it lacks what it shares with
 * others and what it has nothing of: to copy one, use `changed`.
 */
export function held(allocation: Allocation): Allocation {
  return new HeldAllocation(allocation, asItIs);
}

/** A copy of an allocation with some of it changed. */
export function changed(allocation: Allocation, more: Partial<Allocation>): Allocation {
  return new HeldAllocation(allocation, more);
}

/** True where two that are held differ at most in what is each one's own: its id, its host, how it came to be there. */
export function areAlike(one: Allocation, other: Allocation): boolean {
  return one instanceof HeldAllocation && other instanceof HeldAllocation && one.isAlike(other);
}

/** An allocation that was read from the store, sharing texts with others. Builds before states confirmed no allocation. */
export function asKept(read: Allocation, texts: SharedTexts): Allocation {
  for (const name of sharedFields) read[name] = texts.of(read[name]);
  if (read.state === '') read.state = 'confirmed';
  for (const [place, name] of read.alternates.entries()) read.alternates[place] = texts.of(name);
  return held(read);
}

/** What is each one's own, but of few values. */
const sharedFields = ['hostId', 'hostName', 'movedFrom'] as const;
