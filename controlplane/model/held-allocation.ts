/**
 * Allocations as they are held in memory. There are 200,000 of them and more, so what takes room in each is counted: fields,
 * texts of its own, and numbers that do not fit 32 bits.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { GuestCellPlacement } from '../../proto/gen/drover/v1/GuestCellPlacement.js';

/** What most allocations have nothing of: one of each for all. */
const nothing = {
  availabilityZone: '',
  extraSpecs: Object.freeze({}) as Record<string, string>,
  lapsesUnixMs: 0,
  projectId: '',
  serverGroupId: '',
  alternates: Object.freeze([] as string[]) as string[],
  cells: Object.freeze([] as GuestCellPlacement[]) as GuestCellPlacement[],
  movedFrom: '',
  moveKey: '',
};

/** What an allocation has nothing of takes no room, and is read from its prototype. */
class HeldAllocation {
  declare readonly id: string;
  declare readonly hostId: string;
  declare readonly hostName: string;
  declare readonly vcpus: number;
  declare readonly memoryMb: number;
  declare readonly diskMb: number;
  declare readonly idempotencyKey: string;
  declare readonly createdUnixMs: number;
  declare readonly instanceUuid: string;
  declare readonly createdBy: string;
  declare readonly state: string;
  declare readonly flavor: string;
  declare readonly attempts: number;
  declare readonly revision: number;
  declare readonly seed: number;
  declare readonly hostGeneration: number;
  declare availabilityZone: string;
  declare extraSpecs: Record<string, string>;
  declare lapsesUnixMs: number;
  declare projectId: string;
  declare serverGroupId: string;
  declare alternates: string[];
  declare cells: GuestCellPlacement[];
  declare movedFrom: string;
  declare moveKey: string;

  constructor(like: Allocation, more: Partial<Allocation>) {
    this.id = more.id ?? like.id;
    this.hostId = more.hostId ?? like.hostId;
    this.hostName = more.hostName ?? like.hostName;
    this.vcpus = small(more.vcpus ?? like.vcpus);
    this.memoryMb = small(more.memoryMb ?? like.memoryMb);
    this.diskMb = small(more.diskMb ?? like.diskMb);
    this.idempotencyKey = more.idempotencyKey ?? like.idempotencyKey;
    this.createdUnixMs = more.createdUnixMs ?? like.createdUnixMs;
    this.instanceUuid = more.instanceUuid ?? like.instanceUuid;
    this.createdBy = more.createdBy ?? like.createdBy;
    this.state = more.state ?? like.state;
    this.flavor = more.flavor ?? like.flavor;
    this.attempts = small(more.attempts ?? like.attempts);
    this.revision = small(more.revision ?? like.revision);
    this.seed = more.seed ?? like.seed;
    this.hostGeneration = small(more.hostGeneration ?? like.hostGeneration);
    const availabilityZone = more.availabilityZone ?? like.availabilityZone;
    if (availabilityZone !== '') this.availabilityZone = availabilityZone;
    const projectId = more.projectId ?? like.projectId;
    if (projectId !== '') this.projectId = projectId;
    const extraSpecs = more.extraSpecs ?? like.extraSpecs;
    if (hasKeys(extraSpecs)) this.extraSpecs = extraSpecs;
    const lapsesUnixMs = more.lapsesUnixMs ?? like.lapsesUnixMs;
    if (lapsesUnixMs !== 0) this.lapsesUnixMs = lapsesUnixMs;
    const serverGroupId = more.serverGroupId ?? like.serverGroupId;
    if (serverGroupId !== '') this.serverGroupId = serverGroupId;
    const alternates = more.alternates ?? like.alternates;
    if (alternates.length > 0) this.alternates = alternates;
    const cells = more.cells ?? like.cells;
    if (cells.length > 0) this.cells = cells;
    const movedFrom = more.movedFrom ?? like.movedFrom;
    if (movedFrom !== '') this.movedFrom = movedFrom;
    const moveKey = more.moveKey ?? like.moveKey;
    if (moveKey !== '') this.moveKey = moveKey;
  }
}
Object.assign(HeldAllocation.prototype, nothing);

/** The same number, held in place where it fits 32 bits: numbers that were decoded from 64 bits take 16 bytes each. */
function small(number: number): number {
  const short = number | 0;
  return short === number ? short : number;
}

function hasKeys(specs: Readonly<Record<string, string>>): boolean {
  for (const _key in specs) return true;
  return false;
}

/**
 * The allocation as it is to be held. It has every field for whoever reads it by name. Spread, it lacks what it has nothing
 * of: to copy one, use `changed`.
 */
export function held(allocation: Allocation): Allocation {
  return new HeldAllocation(allocation, asItIs);
}

/** A copy of an allocation with some of it changed. Spreading one costs a hundred times as much. */
export function changed(allocation: Allocation, more: Partial<Allocation>): Allocation {
  return new HeldAllocation(allocation, more);
}

/** Nothing of it is changed. */
const asItIs: Partial<Allocation> = {};

/** Texts that many allocations have alike, each held once. Bounded: beyond `most`, each holds its own. */
export class SharedTexts {
  readonly #texts = new Map<string, string>();
  readonly #most: number;

  constructor(most = 50_000) {
    this.#most = most;
  }

  get size(): number {
    return this.#texts.size;
  }

  /** A text that equals `text`. */
  of(text: string): string {
    if (text === '') return '';
    const known = this.#texts.get(text);
    if (known === undefined && this.#texts.size < this.#most) this.#texts.set(text, text);
    return known ?? text;
  }
}

/** An allocation that was read from the store, sharing texts with others. Builds before states confirmed no allocation. */
export function asKept(read: Allocation, texts: SharedTexts): Allocation {
  for (const name of sharedFields) read[name] = texts.of(read[name]);
  if (read.state === '') read.state = 'confirmed';
  for (const key in read.extraSpecs) read.extraSpecs[key] = texts.of(read.extraSpecs[key] ?? '');
  for (const [place, name] of read.alternates.entries()) read.alternates[place] = texts.of(name);
  return held(read);
}

const sharedFields = [
  ...(['hostId', 'hostName', 'createdBy', 'availabilityZone', 'state'] as const),
  ...(['flavor', 'projectId', 'serverGroupId', 'movedFrom'] as const),
];
