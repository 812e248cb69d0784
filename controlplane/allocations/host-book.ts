/** What one host's allocations are: those that are durable, and the marks of those on their way. */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { nothingTaken, type Totals } from '../model/allocation.js';
import { ecusTaken } from '../placement/requirements/ecus.js';

/** Up to so many allocations are looked through; a map for each host would take 1 KB for 20 of them. */
const fewAllocations = 64;

export class HostBook {
  readonly hostId: string;
  readonly hostName: string;
  /** Of the durable allocations; 0: there never was one. */
  generation = 0;
  /** Durable and marked allocations in sum: what the registry counts as taken. Changes in place. */
  readonly totals: { -readonly [Name in keyof Totals]: Totals[Name] } = { ...nothingTaken };
  /** How many of them no agent has confirmed. */
  claimed = 0;
  /** Where the registry had the host when it was told last: where to look first, no more. */
  row: number | undefined = undefined;
  #isChanged = false;
  /** In millionths: whole numbers, so that giving back is exact. */
  #microEcus = 0;
  /** The durable allocations, oldest first. */
  readonly durable: Allocation[] = [];
  /** On their way to the store. */
  readonly marked: Allocation[] = [];
  /** How many allocations each virtual machine has here; only where there are many, few are looked through. */
  #instances: Map<string, number> | undefined;

  constructor(hostId: string, hostName: string) {
    this.hostId = hostId;
    this.hostName = hostName;
  }

  /** Its durable allocations change with this commit. True: that is the first to say so. */
  change(): boolean {
    const isFirst = !this.#isChanged;
    this.#isChanged = true;
    return isFirst;
  }

  /** A commit that changed it is through: its next generation. */
  step(): void {
    this.generation++;
    this.#isChanged = false;
  }

  /** Counts an allocation as taken. */
  mark(allocation: Allocation): void {
    this.marked.push(allocation);
    this.#count(allocation, 1);
  }

  unmark(allocation: Allocation): void {
    this.#unmark(allocation);
    this.#count(allocation, -1);
  }

  /** Takes over a durable allocation. */
  hold(allocation: Allocation): void {
    this.durable.push(allocation);
    this.#count(allocation, 1);
  }

  /** A marked allocation is durable. */
  keep(allocation: Allocation): void {
    this.#unmark(allocation);
    this.durable.push(allocation);
  }

  #unmark(allocation: Allocation): void {
    const { marked } = this;
    const place = marked.indexOf(allocation);
    if (place < 0) return;
    if (place < marked.length - 1) marked.splice(place, 1);
    else marked.pop();
  }

  /** A durable allocation is another now, on the same host and of the same size. */
  replace(before: Allocation, now: Allocation): void {
    this.durable[this.durable.indexOf(before)] = now;
    this.claimed += claims(now) - claims(before);
  }

  /** A durable allocation is gone, durably. */
  drop(allocation: Allocation): void {
    this.durable.splice(this.durable.indexOf(allocation), 1);
    this.#count(allocation, -1);
  }

  /** ECUs that durable and marked allocations take in sum. */
  get ecus(): number {
    return this.#microEcus / 1e6;
  }

  /** True when an allocation, durable or marked, is for this virtual machine. UUIDs compare in any case. */
  holdsInstance(uuid: string): boolean {
    return this.countOf(uuid) > 0;
  }

  /** How many allocations, durable or marked, are for a virtual machine; 0 for an empty UUID. */
  countOf(uuid: string): number {
    const wanted = uuid.toLowerCase();
    if (this.#instances) return this.#instances.get(wanted) ?? 0;
    let count = 0;
    if (wanted === '') return count;
    for (const { instanceUuid } of this.durable) if (isSame(instanceUuid, wanted)) count++;
    for (const { instanceUuid } of this.marked) if (isSame(instanceUuid, wanted)) count++;
    return count;
  }

  /** Ids of durable and marked allocations. */
  ids(): Set<string> {
    return new Set([...this.durable, ...this.marked].map(({ id }) => id));
  }

  #count(allocation: Allocation, change: 1 | -1): void {
    const { totals } = this;
    totals.vcpus += change * allocation.vcpus;
    totals.memoryMb += change * allocation.memoryMb;
    totals.diskMb += change * allocation.diskMb;
    totals.count += change;
    this.claimed += change * claims(allocation);
    this.#microEcus += change * Math.round(ecusTaken(allocation.extraSpecs) * 1e6);
    if (this.#instances) countIn(this.#instances, allocation, change);
    else if (this.totals.count > fewAllocations) this.#instances = this.#counted();
  }

  #counted(): Map<string, number> {
    const instances = new Map<string, number>();
    for (const held of [...this.durable, ...this.marked]) countIn(instances, held, 1);
    return instances;
  }
}

function countIn(instances: Map<string, number>, { instanceUuid }: Allocation, change: 1 | -1): void {
  if (instanceUuid === '') return;
  const uuid = instanceUuid.toLowerCase();
  const count = (instances.get(uuid) ?? 0) + change;
  if (count > 0) instances.set(uuid, count);
  else instances.delete(uuid);
}

/** Whether a UUID in any case is this one in lower case. Most differ in their last digit, which is quicker to see. */
function isSame(uuid: string, lower: string): boolean {
  const one = uuid.charCodeAt(uuid.length - 1);
  const other = lower.charCodeAt(lower.length - 1);
  if (one < 0x80 && other < 0x80 && (one | 0x20) !== (other | 0x20)) return false;
  return uuid.toLowerCase() === lower;
}

function claims({ state }: Allocation): 0 | 1 {
  return state === 'claimed' ? 1 : 0;
}
