/**
 * The columns of the registry, by resource. Sums follow Nova's HostState: what is used holds the reservation too, and the
 * ratio applies to the whole of the host, so `usable = total x ratio - used` and `free = total - used`.
 */
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import { type Bits, blockRows, Column, hasBit, writeBit } from './registry-columns.js';

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
  readonly free = new Column();
  /** total x ratio - used: what is left to hand out. What CPUWeigher weighs. */
  readonly usable = new Column();
  /** The largest single request that fits: `usable`, but never more than the host has. */
  readonly fit = new Column();

  /** `unknownIsBoundless`: a host that reports 0 takes any request, as Nova's CoreFilter has it for vCPUs. */
  constructor(unknownIsBoundless: boolean) {
    this.#unknownIsBoundless = unknownIsBoundless;
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

  /** Brings the derived columns of a row up to date. Doubles in Nova's order: first the limit, then what is used goes off. */
  derive(row: number): void {
    const total = this.total[row] as number;
    const used = this.used(row);
    const usable = total * (this.ratio[row] as number) - used;
    this.free.set(row, total - used);
    this.usable.set(row, usable);
    this.fit.set(row, total === 0 && this.#unknownIsBoundless ? Infinity : Math.min(total, usable));
  }

  clear(row: number): void {
    for (const column of [this.free, this.usable, this.fit]) column.set(row, Number.NaN);
    this.allocated[row] = 0;
    this.unmanaged[row] = 0;
  }
}

/** Everything that filters and weighers may look at. Arrays are replaced when the registry grows: do not keep them. */
export class Columns {
  /** Rows that there is room for, a multiple of 32. */
  rows = 0;
  readonly vcpus = new ResourceColumns(true);
  readonly memoryMb = new ResourceColumns(false);
  readonly diskMb = new ResourceColumns(false);
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
  /** What is known in words, by row, and the zones the row stands in. */
  readonly records: (HostRecord | undefined)[] = [];
  readonly zonesByRow: (readonly string[])[] = [];

  get resources(): readonly ResourceColumns[] {
    return [this.vcpus, this.memoryMb, this.diskMb];
  }

  grow(rows: number): void {
    this.rows = rows;
    for (const resource of this.resources) resource.grow(rows);
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
