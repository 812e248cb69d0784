/**
 * The columns of the registry, by resource. What weighers see follows Nova's HostState: what is used holds the reservation
 * too, and the ratio applies to the whole of the host, so `usable = total x ratio - used` and `free = total - used`. What
 * fits follows Placement, which decides it for Nova: the ratio applies to what the reservation leaves.
 */
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import type { Aggregate } from '../model/aggregate.js';
import { capacity } from '../model/capacity.js';
import { type HostDetails, noDetails } from '../model/host-details.js';
import { InstanceIndex } from './instance-index.js';
import {
  type Bits,
  blockBounds,
  blockRows,
  ChangeTally,
  Column,
  hasBit,
  writeBit,
} from './registry-columns.js';
import { ScoreIndexes } from './score-index.js';
import { SearchScratch } from './search-scratch.js';

/** The columns of one resource, in vCPUs or MiB. */
export class ResourceColumns {
  readonly #unknownIsBoundless: boolean;
  total = new Float64Array(0);
  ratio = new Float64Array(0);
  reserved = new Float64Array(0);
  /** Held by allocations. */
  allocated = new Float64Array(0);
  /** Held by domains that no allocation covers. */
  unmanaged = new Float64Array(0);
  /** total - used; negative where too much is promised. What RAMWeigher weighs. */
  readonly free: Column;
  /** total x ratio - used. What CPUWeigher weighs. */
  readonly usable: Column;
  /** The largest single request that fits: `room`, but never more than the host has, which is Placement's `max_unit`. */
  readonly fit = new Column();

  /**
   * `unknownIsBoundless`: a host that reports 0 takes any request, as Nova's CoreFilter has it for vCPUs. `tally` counts the
   * changes of what weighers weigh.
   */
  constructor(unknownIsBoundless: boolean, tally?: ChangeTally) {
    this.#unknownIsBoundless = unknownIsBoundless;
    this.free = new Column(tally);
    this.usable = new Column(tally);
  }

  grow(rows: number): void {
    for (const name of ['total', 'ratio', 'reserved', 'allocated', 'unmanaged'] as const) {
      const old = this[name];
      this[name] = new Float64Array(rows);
      this[name].set(old);
    }
    for (const column of [this.free, this.usable, this.fit]) column.grow(rows);
  }

  /** Reservation, allocations and unmanaged domains of a row. */
  used(row: number): number {
    return (this.reserved[row] as number) + (this.allocated[row] as number) + (this.unmanaged[row] as number);
  }

  /**
   * What is left to hand out by Placement's rule: (total - reserved) x ratio, less what is taken. `ratio`: in place of the
   * row's own. A subtraction from a larger double is exact here, so comparing an amount with it is Placement's comparison.
   */
  room(row: number, ratio = this.ratio[row] as number): number {
    const total = this.total[row] as number;
    const taken = (this.allocated[row] as number) + (this.unmanaged[row] as number);
    return capacity({ total, reserved: this.reserved[row] as number, allocationRatio: ratio }) - taken;
  }

  /** Brings the derived columns of a row up to date. Doubles in Nova's order: first the limit, then what is used goes off. */
  derive(row: number): void {
    const total = this.total[row] as number;
    const used = this.used(row);
    const usable = total * (this.ratio[row] as number) - used;
    this.free.set(row, total - used);
    this.usable.set(row, usable);
    this.fit.set(row, total === 0 && this.#unknownIsBoundless ? Infinity : Math.min(total, this.room(row)));
  }

  /** So much of a row is held by allocations, or by domains without one. */
  take(row: number, kind: 'allocated' | 'unmanaged', amount: number): void {
    const taken = kind === 'allocated' ? this.allocated : this.unmanaged;
    taken[row] = amount;
    this.derive(row);
  }

  /** The same of allocations, where all else is as it was: claims come by the thousand, many without a disk. */
  hold(row: number, amount: number): void {
    if (this.allocated[row] !== amount) this.take(row, 'allocated', amount);
  }

  clear(row: number): void {
    for (const column of [this.free, this.usable, this.fit]) column.set(row, Number.NaN);
    this.allocated[row] = 0;
    this.unmanaged[row] = 0;
  }
}

/** What host aggregates make of a multiplier, by row; NaN: the option stands. With the bounds of each block. */
export interface Overrides {
  readonly values: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Changes of shape that are told apart; whoever looks less often looks at every row again. */
const shapeChangesKept = 1024;

/** Everything that filters and weighers may look at. Arrays are replaced when the registry grows: do not keep them. */
export class Columns {
  /** Rows that there is room for, a multiple of 32. */
  rows = 0;
  /** Private, all three: a copy of the columns has its own. */
  readonly #tally = new ChangeTally();
  readonly #scores = new ScoreIndexes(this.#tally);
  readonly #scratch = new SearchScratch();
  readonly vcpus = new ResourceColumns(true, this.#tally);
  readonly memoryMb = new ResourceColumns(false, this.#tally);
  readonly diskMb = new ResourceColumns(false, this.#tally);
  /** Rows that hold a host. */
  present: Bits = new Int32Array(0);
  up: Bits = new Int32Array(0);
  enabled: Bits = new Int32Array(0);
  forcedDown: Bits = new Int32Array(0);
  /** Libvirt answers there and the domains are known. */
  controllable: Bits = new Int32Array(0);
  /** Up, enabled, not forced down and controllable: all in one, so that a search has one set to look at. */
  inService: Bits = new Int32Array(0);
  /** No row at all: what a zone that nobody is in has. */
  nobody: Bits = new Int32Array(0);
  /** Unix ms of the last sign of life; 0: none yet. */
  lastSeenMs = new Float64Array(0);
  /** Zone to its rows. A row stands in one zone, or in several where host aggregates say so. */
  readonly zones = new Map<string, Bits>();
  /** Option such as `ram_weight_multiplier` to what host aggregates make of it by row; NaN: the option stands. */
  readonly multipliers = new Map<string, Float64Array>();
  /** One for each of `multipliers` at most. */
  readonly #overrides = new Map<string, Overrides>();
  /** Virtual machines on a host, allocated or not; builds and the like under way; builds that failed of late. */
  readonly servers = new Column(this.#tally);
  readonly ioOps = new Column(this.#tally);
  readonly failedBuilds = new Column(this.#tally);
  /** ECUs that the extra specs of a host's allocations ask for, in sum; not always whole. */
  readonly ecusUsed = new Column();
  /** Virtual machine to the rows it is on. */
  readonly instances = new InstanceIndex();
  /** Host name to its rows: one, unless a host has several nodes. Names compare exactly. */
  rowsByHost: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>();
  /** A copy of these columns reads the same map: it is copied before the next write. */
  hostNamesAreShared = false;
  /** Host aggregates that the row is in, and what its host told of itself. */
  readonly aggregates: (readonly Aggregate[])[] = [];
  readonly details: HostDetails[] = [];
  /** Lists and objects among the details to their text, worked out at most once for each as long as it is there. */
  readonly detailTexts = new WeakMap<object, string>();
  #shapeRevision = 0;
  /** The row that each of the last changes of shape was in, by revision modulo its length. */
  readonly #shapeChanges = new Int32Array(shapeChangesKept);
  /** What is known in words, by row, and the zones the row stands in. */
  readonly records: (HostRecord | undefined)[] = [];
  readonly zonesByRow: (readonly string[])[] = [];

  /** Grows whenever aggregates, details or records change: what was worked out from them is then stale. */
  get shapeRevision(): number {
    return this.#shapeRevision;
  }

  /** Tells that aggregates, details or record of a row changed. */
  touchShape(row: number): void {
    this.#shapeRevision++;
    this.#shapeChanges[this.#shapeRevision % shapeChangesKept] = row;
  }

  /** Rows whose shape changed since a revision, some of them twice; undefined: that is too long ago to tell. */
  shapeChangesSince(revision: number): number[] | undefined {
    const count = this.#shapeRevision - revision;
    if (count > shapeChangesKept) return undefined;
    return Array.from(
      { length: count },
      (_, index) => this.#shapeChanges[(revision + 1 + index) % shapeChangesKept] as number,
    );
  }

  /** Room for the search that is under way. */
  get scratch(): SearchScratch {
    this.#scratch.size(this.rows);
    return this.#scratch;
  }

  /** Sums over columns that searches keep. */
  get scores(): ScoreIndexes {
    this.#tally.size(this.rows);
    return this.#scores;
  }

  get resources(): readonly ResourceColumns[] {
    return [this.vcpus, this.memoryMb, this.diskMb];
  }

  /** Counts of a host; 0 for one that is new. */
  get counts(): readonly Column[] {
    return [this.servers, this.ioOps, this.failedBuilds, this.ecusUsed];
  }

  grow(rows: number): void {
    this.rows = rows;
    for (const resource of this.resources) resource.grow(rows);
    for (const column of this.counts) column.grow(rows);
    for (const name of [
      'present',
      'up',
      'enabled',
      'forcedDown',
      'controllable',
      'inService',
      'nobody',
    ] as const)
      this[name] = grownBits(this[name], rows);
    for (const [zone, bits] of this.zones) this.zones.set(zone, grownBits(bits, rows));
    for (const [key, values] of this.multipliers)
      this.multipliers.set(key, grownNumbers(values, rows, Number.NaN));
    this.lastSeenMs = grownNumbers(this.lastSeenMs, rows, 0);
  }

  /** What a host in this row told of itself. */
  detailsOf(row: number): HostDetails {
    return this.details[row] ?? noDetails;
  }

  /** Host aggregates of a row. */
  aggregatesOf(row: number): readonly Aggregate[] {
    return this.aggregates[row] ?? [];
  }

  /** The row is of the host with this name, and of no other; undefined: of none. */
  setHostName(row: number, before: string | undefined, name: string | undefined): void {
    if (before !== undefined)
      this.#setRowsOf(
        before,
        (this.rowsByHost.get(before) ?? []).filter((other) => other !== row),
      );
    if (name !== undefined) this.#setRowsOf(name, [...(this.rowsByHost.get(name) ?? []), row]);
  }

  #setRowsOf(name: string, rows: readonly number[]): void {
    const names = this.hostNamesAreShared
      ? new Map(this.rowsByHost)
      : (this.rowsByHost as Map<string, readonly number[]>);
    if (rows.length === 0) names.delete(name);
    else names.set(name, rows);
    this.rowsByHost = names;
    this.hostNamesAreShared = false;
  }

  /** Brings `inService` of a row up to date. */
  deriveService(row: number): void {
    const isIn = [this.up, this.enabled, this.controllable].every((bits) => hasBit(bits, row));
    writeBit(this.inService, row, isIn && !hasBit(this.forcedDown, row));
  }

  /** Puts a row into these zones and out of every other. A zone that nobody is in any more is forgotten. */
  setZones(row: number, zones: readonly string[]): void {
    for (const zone of this.zonesByRow[row] ?? []) this.#leaveZone(row, zone);
    for (const zone of zones) {
      const bits = this.zones.get(zone) ?? new Int32Array(this.rows / blockRows);
      writeBit(bits, row, true);
      this.zones.set(zone, bits);
    }
    this.zonesByRow[row] = zones;
  }

  #leaveZone(row: number, zone: string): void {
    const bits = this.zones.get(zone) as Bits;
    writeBit(bits, row, false);
    if (bits.every((word) => word === 0)) this.zones.delete(zone);
  }

  /** What aggregates make of a multiplier on a row; undefined: nothing. */
  setMultiplier(row: number, key: string, value: number | undefined): void {
    const values =
      this.multipliers.get(key) ??
      (value === undefined ? undefined : new Float64Array(this.rows).fill(Number.NaN));
    if (!values) return;
    values[row] = value ?? Number.NaN;
    this.multipliers.set(key, values);
    this.#overrides.delete(key);
  }

  /** What aggregates make of a multiplier; undefined: nothing. Bounds are worked out when they are first asked for. */
  overridesOf(key: string): Overrides | undefined {
    const values = this.multipliers.get(key);
    if (values === undefined) return undefined;
    const known = this.#overrides.get(key);
    if (known?.values === values) return known;
    const overrides = { values, ...blockBounds(values) };
    this.#overrides.set(key, overrides);
    return overrides;
  }
}

function grownBits(old: Bits, rows: number): Bits {
  const next = new Int32Array(rows / blockRows);
  next.set(old);
  return next;
}

function grownNumbers(old: Float64Array, rows: number, fill: number): Float64Array<ArrayBuffer> {
  const next = new Float64Array(rows).fill(fill);
  next.set(old);
  return next;
}
