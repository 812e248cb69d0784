/**
 * The registry: every host as one row of columns, which placement searches. A view in memory; records, allocations,
 * domain reports and liveness are brought to it by those who hold them. Ratios are applied here, never to a record.
 */
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import type { Overcommit } from '../../proto/gen/drover/v1/Overcommit.js';
import { DroverError } from '../../proto/wire/errors.js';
import { type Aggregate, aggregateNumber, aggregateStrings } from '../model/aggregate.js';
import type { Totals } from '../model/allocation.js';
import { type HostDetails, noDetails } from '../model/host-details.js';
import { novaDefaults, novaDefaultZone, offered, overcommitInForce } from '../model/host.js';
import { isOutOfPlacement } from '../model/out-of-placement.js';
import { blockRows, hasBit, writeBit } from './registry-columns.js';
import { Columns } from './registry-resources.js';
import { type HostView, hostView } from './registry-view.js';

export interface RegistryOptions {
  /** Ratios and reservations of hosts that set none. */
  readonly defaults?: Overcommit;
  /** Zone of hosts that are in none. */
  readonly defaultAvailabilityZone?: string;
  /** Most hosts; the columns of 200,000 take about 45 MB. */
  readonly maximumHosts?: number;
}

const firstRows = 64;

/** Changes that are told apart by their row; whoever looks less often searches anew. */
const changesKept = 1_024;
/** In place of a row: more than what one row holds may have changed. */
const everyRow = -1;

export class Registry {
  readonly columns: Columns;
  readonly defaults: Overcommit;
  #defaultZone: string;
  readonly #maximumHosts: number;
  #rowsById: Map<string, number>;
  /** A copy reads the same map: it is copied before the next write. */
  #idsAreShared: boolean;
  /** Rows of hosts that were removed, to be used again. */
  readonly #freeRows: number[];
  /** How many allocations and domains without one each row has. */
  readonly #allocated: number[];
  readonly #unmanaged: number[];
  #order: Uint32Array | undefined;
  #lastList: readonly Aggregate[] | undefined;
  #lastMultipliers: ReadonlyMap<string, number | undefined> = new Map();
  #revision: number;
  /** The row that each of the last changes was in, by revision modulo its length. */
  readonly #changedRows = new Int32Array(changesKept).fill(everyRow);

  /** `from`: what the new registry starts as, over columns that were copied from there. */
  constructor(
    options: RegistryOptions = {},
    from?: { readonly registry: Registry; readonly columns: Columns },
  ) {
    this.defaults = options.defaults ?? novaDefaults;
    this.#defaultZone = options.defaultAvailabilityZone ?? novaDefaultZone;
    this.#maximumHosts = options.maximumHosts ?? 200_000;
    const like = from?.registry;
    this.columns = from?.columns ?? new Columns();
    this.#rowsById = like ? like.#rowsById : new Map<string, number>();
    this.#idsAreShared = like !== undefined;
    if (like) like.#idsAreShared = true;
    this.#freeRows = like ? like.#freeRows.slice() : [];
    this.#allocated = like ? like.#allocated.slice() : [];
    this.#unmanaged = like ? like.#unmanaged.slice() : [];
    this.#order = like ? like.#order : undefined;
    this.#revision = like ? like.#revision : 0;
    if (!from) this.columns.grow(firstRows);
  }

  /** A registry of its own over `columns`, a copy of this one's columns. Use `forkRegistry`, which makes that copy. */
  copyOver(columns: Columns): Registry {
    const options = {
      defaults: this.defaults,
      defaultAvailabilityZone: this.#defaultZone,
      maximumHosts: this.#maximumHosts,
    };
    return new Registry(options, { registry: this, columns });
  }

  /** Grows by 1 with every change that a search could notice. */
  get revision(): number {
    return this.#revision;
  }

  /** The one row that the change to this revision was in; undefined: it was in more, or is too long ago to tell. */
  rowChangedAt(revision: number): number | undefined {
    if (this.#revision - revision >= changesKept) return undefined;
    const row = this.#changedRows[revision % changesKept] as number;
    return row === everyRow ? undefined : row;
  }

  #changed(row: number): void {
    this.#revision++;
    this.#changedRows[this.#revision % changesKept] = row;
  }

  get size(): number {
    return this.#rowsById.size;
  }

  /**
   * Adds a host or takes over its changed record; what it holds and whether it is up stay as they were. A new host is down.
   * `aggregates`: the host aggregates it is in; those it was in where not given. Errors: `resource-exhausted` beyond the
   * most hosts.
   */
  upsert(record: HostRecord, aggregates?: readonly Aggregate[]): void {
    const row = this.#rowsById.get(record.id) ?? this.#newRow(record.id);
    if (aggregates) this.columns.aggregates[row] = aggregates;
    this.#rename(row, record);
    this.columns.records[row] = record;
    writeBit(this.columns.enabled, row, !record.disabled && !isOutOfPlacement(record));
    this.columns.deriveService(row);
    this.#applyAggregates(row, record);
    this.#setCapacity(row, record);
    this.#changed(everyRow);
  }

  /** Puts a host into these host aggregates and out of every other. False: the host is not known. */
  setAggregates(id: string, aggregates: readonly Aggregate[]): boolean {
    const row = this.#rowsById.get(id);
    if (row === undefined) return false;
    this.columns.aggregates[row] = aggregates;
    this.#applyAggregates(row, this.recordAt(row));
    this.#setCapacity(row, this.recordAt(row));
    this.#changed(everyRow);
    return true;
  }

  /** The rules of placement changed: a search of this registry may answer something else from now on. */
  rulesChanged(): void {
    this.#changed(everyRow);
  }

  /** Hosts that neither name a zone nor have one by an aggregate are in this one from now on. */
  setDefaultZone(zone: string): void {
    if (zone === this.#defaultZone) return;
    this.#defaultZone = zone;
    for (const row of this.#rowsById.values()) this.#applyAggregates(row, this.recordAt(row));
    this.#changed(everyRow);
  }

  #applyAggregates(row: number, record: HostRecord): void {
    const aggregates = this.columns.aggregatesOf(row);
    this.columns.setZones(row, this.#zonesOf(record, aggregates));
    this.#setMultipliers(row, aggregates);
    this.columns.touchShape(row);
  }

  /** Takes over what a host told of itself. False: the host is not known. */
  setDetails(id: string, details: HostDetails): boolean {
    const row = this.#rowsById.get(id);
    if (row === undefined) return false;
    this.columns.details[row] = details;
    this.columns.touchShape(row);
    this.#changed(row);
    return true;
  }

  /** Counts of a host: what is given is set. False: the host is not known. */
  setCounts(
    id: string,
    counts: Partial<Record<'servers' | 'ioOps' | 'failedBuilds' | 'ecusUsed', number>>,
  ): boolean {
    const row = this.#rowsById.get(id);
    if (row === undefined) return false;
    for (const name of ['servers', 'ioOps', 'failedBuilds', 'ecusUsed'] as const) {
      const count = counts[name];
      if (count !== undefined) this.columns[name].set(row, count);
    }
    this.#changed(row);
    return true;
  }

  /** Takes a host out; its row will be used again. An unknown id is nothing to take out. */
  remove(id: string): void {
    const row = this.#rowsById.get(id);
    if (row === undefined) return;
    const { columns } = this;
    for (const resource of columns.resources) resource.clear(row);
    const { present, up, enabled, forcedDown, controllable, inService } = columns;
    for (const bits of [present, up, enabled, forcedDown, controllable, inService])
      writeBit(bits, row, false);
    for (const column of columns.counts) column.set(row, Number.NaN);
    columns.setZones(row, []);
    this.#setMultipliers(row, []);
    columns.aggregates[row] = [];
    columns.details[row] = noDetails;
    columns.touchShape(row);
    this.#forget(row, id);
    this.#changed(everyRow);
  }

  /**
   * What a host's allocations hold in sum, how many of them are work under way, and their ECUs: one change in place of two.
   * `row`: where the host may be. Answers its row; undefined: the host is not known.
   */
  setHeld(id: string, totals: Totals, ioOps: number, ecusUsed: number, row?: number): number | undefined {
    const own = row !== undefined && this.columns.records[row]?.id === id ? row : this.#rowsById.get(id);
    if (own === undefined) return undefined;
    this.columns.ioOps.set(own, ioOps);
    this.columns.ecusUsed.set(own, ecusUsed);
    const { vcpus, memoryMb, diskMb } = this.columns;
    vcpus.hold(own, totals.vcpus);
    memoryMb.hold(own, totals.memoryMb);
    diskMb.hold(own, totals.diskMb);
    this.#count(own, totals, this.#allocated);
    return own;
  }

  /** What a host's allocations hold in sum. False: the host is not known. */
  setAllocated(id: string, totals: Totals): boolean {
    return this.#setTaken(id, totals, 'allocated', this.#allocated);
  }

  /** What a host's domains hold that no allocation covers. False: the host is not known. */
  setUnmanaged(id: string, totals: Totals): boolean {
    return this.#setTaken(id, totals, 'unmanaged', this.#unmanaged);
  }

  /**
   * Whether a host counts as up, Unix ms of its last sign of life (0: none), and whether domains can be started and counted
   * there: Nova asks that of nobody, and counts a host that is up as controllable. False: the host is not known.
   */
  setLiveness(id: string, up: boolean, lastSeenMs: number, controllable = up): boolean {
    const row = this.#rowsById.get(id);
    if (row === undefined) return false;
    const { columns } = this;
    columns.lastSeenMs[row] = lastSeenMs;
    if (hasBit(columns.up, row) !== up || hasBit(columns.controllable, row) !== controllable)
      this.#changed(row);
    writeBit(columns.up, row, up);
    writeBit(columns.controllable, row, controllable);
    columns.deriveService(row);
    return true;
  }

  /** Declares a host down whatever its heartbeats say, as Nova's `forced_down`. False: the host is not known. */
  setForcedDown(id: string, forced: boolean): boolean {
    const row = this.#rowsById.get(id);
    if (row === undefined) return false;
    writeBit(this.columns.forcedDown, row, forced);
    this.columns.deriveService(row);
    this.#changed(everyRow);
    return true;
  }

  /** The row of a host by its id. Rows stay the same while the host is known. */
  rowOf(id: string): number | undefined {
    return this.#rowsById.get(id);
  }

  /** The row of a host by its name. */
  rowOfName(name: string): number | undefined {
    return this.columns.rowsByHost.get(name)?.[0];
  }

  /** The record in a row that holds a host. */
  recordAt(row: number): HostRecord {
    const record = this.columns.records[row];
    if (!record) throw new Error(`row ${row} holds no host`);
    return record;
  }

  /** A host as listings show it, by id; undefined: not known. */
  view(id: string): HostView | undefined {
    const row = this.#rowsById.get(id);
    if (row === undefined) return undefined;
    const used = {
      allocations: this.#allocated[row] ?? 0,
      unmanagedDomains: this.#unmanaged[row] ?? 0,
    };
    return hostView(this.columns, row, this.recordAt(row), this.#overcommit(row, this.recordAt(row)), used);
  }

  /** Rows that hold a host, ordered by name. Kept until a host comes, goes or is renamed. */
  rowsByName(): Uint32Array {
    this.#order ??= this.#sortedRows();
    return this.#order;
  }

  #sortedRows(): Uint32Array {
    const names = [...this.columns.rowsByHost].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return Uint32Array.from(names.flatMap(([, rows]) => rows));
  }

  #newRow(id: string): number {
    if (this.size >= this.#maximumHosts)
      throw new DroverError('resource-exhausted', `the registry holds ${this.size} hosts, the most it may`);
    const row = this.#freeRows.pop() ?? this.size;
    if (row >= this.columns.rows)
      this.columns.grow(Math.ceil((this.columns.rows * 1.25) / blockRows) * blockRows);
    this.#ownIds().set(id, row);
    writeBit(this.columns.present, row, true);
    this.columns.lastSeenMs[row] = 0;
    this.#allocated[row] = 0;
    this.#unmanaged[row] = 0;
    for (const column of this.columns.counts) column.set(row, 0);
    return row;
  }

  #ownIds(): Map<string, number> {
    if (this.#idsAreShared) this.#rowsById = new Map(this.#rowsById);
    this.#idsAreShared = false;
    return this.#rowsById;
  }

  #rename(row: number, record: HostRecord): void {
    const before = this.columns.records[row]?.name;
    if (before === record.name) return;
    this.columns.setHostName(row, before, record.name);
    this.#order = undefined;
  }

  #forget(row: number, id: string): void {
    this.columns.setHostName(row, this.recordAt(row).name, undefined);
    this.#ownIds().delete(id);
    this.columns.records[row] = undefined;
    this.#freeRows.push(row);
    this.#order = undefined;
  }

  /** A host that an aggregate puts into a zone is in no other; one without a zone is in the default zone. */
  #zonesOf(record: HostRecord, aggregates: readonly Aggregate[]): readonly string[] {
    return (
      aggregateStrings(aggregates, 'availability_zone') ?? [record.availabilityZone || this.#defaultZone]
    );
  }

  #setMultipliers(row: number, aggregates: readonly Aggregate[]): void {
    const own = this.#multipliersOf(aggregates);
    for (const [key, value] of own) this.columns.setMultiplier(row, key, value);
    for (const key of this.columns.multipliers.keys())
      if (!own.has(key)) this.columns.setMultiplier(row, key, undefined);
  }

  /** Of the list used last it is known: thousands of hosts share one. */
  #multipliersOf(aggregates: readonly Aggregate[]): ReadonlyMap<string, number | undefined> {
    if (this.#lastList !== aggregates) {
      this.#lastList = aggregates;
      const keys = aggregates.flatMap(({ metadata }) =>
        Object.keys(metadata).filter((key) => key.endsWith('_weight_multiplier')),
      );
      this.#lastMultipliers = new Map(keys.map((key) => [key, aggregateNumber(aggregates, key)]));
    }
    return this.#lastMultipliers;
  }

  #setCapacity(row: number, record: HostRecord): void {
    const { vcpus, memoryMb, diskMb } = this.columns;
    const total = offered(record.capacity);
    const own = this.#overcommit(row, record);
    setResource(vcpus, row, total.vcpus, own.cpuAllocationRatio, own.reservedHostCpus);
    setResource(memoryMb, row, total.memoryMb, own.ramAllocationRatio, own.reservedHostMemoryMb);
    setResource(diskMb, row, total.diskMb, own.diskAllocationRatio, own.reservedHostDiskMb);
  }

  /** Read anew whenever record or aggregates change, so that no record ever holds another's ratio. */
  #overcommit(row: number, { overcommit }: HostRecord): Overcommit {
    return overcommitInForce(overcommit, this.defaults, this.columns.aggregatesOf(row));
  }

  #setTaken(id: string, totals: Totals, kind: 'allocated' | 'unmanaged', counts: number[]): boolean {
    const row = this.#rowsById.get(id);
    if (row === undefined) return false;
    this.columns.vcpus.take(row, kind, totals.vcpus);
    this.columns.memoryMb.take(row, kind, totals.memoryMb);
    this.columns.diskMb.take(row, kind, totals.diskMb);
    this.#count(row, totals, counts);
    return true;
  }

  #count(row: number, { count }: Totals, counts: number[]): void {
    counts[row] = count;
    this.columns.servers.set(row, (this.#allocated[row] ?? 0) + (this.#unmanaged[row] ?? 0));
    this.#changed(row);
  }
}

function setResource(
  resource: Columns['vcpus'],
  row: number,
  total: number,
  ratio: number,
  reserved: number,
): void {
  resource.total[row] = total;
  resource.ratio[row] = ratio;
  resource.reserved[row] = reserved;
  resource.derive(row);
}
