/**
 * Host aggregates, records `catalog/aggregate/<name>`: hosts with metadata that filters and weighers read. A change is in the
 * columns of placement in the same turn in which it is durable.
 */
import type { HostAggregate, HostAggregateInput } from '../../proto/gen/drover/v1/HostAggregate.js';
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { codec } from '../../proto/wire/load.js';
import { type CommitQueue, maximumHosts } from '../fleet/directory.js';
import type { Aggregate } from '../model/aggregate.js';
import { atMost } from '../model/request-values.js';
import type { Records } from '../store/store.js';
import { checkMetadata } from './aggregate-metadata.js';
import { catalogLimits } from './limits.js';
import { checkNewest, stampAfter } from './newest.js';
import { checkCatalogName, Shelf } from './shelf.js';
import { unknownName } from './unknown-name.js';

export interface AggregateParts {
  readonly commits: CommitQueue;
  /** Unix ms. */
  now(): number;
  readonly hosts: {
    get(id: string): HostRecord | undefined;
    /** By id or name. Errors: `not-found`. */
    resolve(idOrName: string): HostRecord;
  };
  /** Tells placement which aggregates a host is in. */
  place(hostId: string, aggregates: readonly Aggregate[]): unknown;
  /** A host that has left could not be taken out of the store; after the next start it is out all the same. */
  failed(error: unknown): void;
  readonly most?: number;
}

const zoneKey = 'availability_zone';

export class Aggregates {
  readonly #parts: AggregateParts;
  readonly #shelf: Shelf<HostAggregateInput, HostAggregate>;
  /** By id, so that every host lists them in one order. */
  readonly #byHost = new Map<string, readonly Aggregate[]>();

  constructor(parts: AggregateParts) {
    this.#parts = parts;
    this.#shelf = new Shelf(parts.commits, {
      noun: 'aggregate',
      prefix: 'catalog/aggregate/',
      codec: () => codec('HostAggregate'),
      keyOf: ({ name }) => name,
      nameOf: ({ name }) => name,
      most: parts.most ?? catalogLimits.aggregates,
    });
  }

  /** Takes over what the store holds, once the hosts are loaded. */
  load(records: Records): void {
    this.#shelf.load(records);
    const byId = this.#shelf.all().toSorted((a, b) => a.id - b.id);
    for (const record of byId) {
      const [own, lists] = [plain(record), new Map<readonly Aggregate[], readonly Aggregate[]>()];
      for (const id of this.#present(record)) {
        const before = this.#byHost.get(id) ?? none;
        const list = lists.get(before) ?? [...before, own];
        lists.set(before, list);
        this.#setOf(id, list);
      }
    }
    for (const [id, aggregates] of this.#byHost) this.#parts.place(id, aggregates);
  }

  /** Every aggregate by name, as stored: hosts by id. */
  all(): readonly HostAggregate[] {
    return this.#shelf.all();
  }

  /** Aggregates of a host. */
  of(hostId: string): readonly Aggregate[] {
    return this.#byHost.get(hostId) ?? [];
  }

  /** Errors: `not-found` with the nearest name. */
  get(name: string, field = 'name'): HostAggregate {
    const found = this.#shelf.get(name);
    const names = () => this.#shelf.all().map((one) => one.name);
    if (!found) throw unknownName('aggregate', name, field, names(), 'drover aggregate list');
    return found;
  }

  /** As listings show it: with the names of its hosts, and without hosts that have left. */
  shown(record: HostAggregate): HostAggregate {
    const hosts = record.hostIds.flatMap((id) => this.#parts.hosts.get(id) ?? []);
    return { ...record, hostIds: hosts.map(({ id }) => id), hosts: hosts.map(({ name }) => name) };
  }

  /**
   * Makes an aggregate, or replaces the one of that name with hosts and metadata; durable when it resolves. Where
   * `updatedUnixMs` is given it must be that of the one that is replaced. Errors: `invalid-argument`, `not-found` (a host),
   * `failed-precondition` (a host in two zones), `stale-revision`, `resource-exhausted`.
   */
  async put(given: HostAggregate | null, field = 'aggregate'): Promise<HostAggregate> {
    if (given === null) throw invalid(field, 'nothing', 'an aggregate with a name');
    const name = checkCatalogName(given.name, `${field}.name`);
    const metadata = checkMetadata(given.metadata, `${field}.metadata`);
    atMost(given.hosts.length, `${field}.hosts`, maximumHosts);
    return this.#shelf.inTurn(async () => {
      const before = this.#shelf.get(name);
      checkNewest('aggregate', given, before);
      const hostIds = this.#hostIds(given.hosts, `${field}.hosts`);
      for (const id of hostIds) {
        this.#checkRoom(id, name);
        this.#checkZone(id, name, metadata[zoneKey]);
      }
      return this.shown(await this.#store(before, { name, metadata, hostIds }));
    });
  }

  /** Errors: `not-found`. */
  async delete(name: string): Promise<void> {
    await this.#shelf.inTurn(async () => {
      const before = this.get(name);
      await this.#shelf.remove(name);
      this.#place(this.#present(before), name, undefined);
    });
  }

  /** A host has left the fleet: it is taken out everywhere. */
  hostRemoved(hostId: string): void {
    this.#byHost.delete(hostId);
    const holders = () => this.#shelf.all().filter(({ hostIds }) => hostIds.includes(hostId));
    const leave = async (): Promise<void> => {
      for (const { name, metadata, hostIds } of holders())
        await this.#store(this.#shelf.get(name), {
          name,
          metadata,
          hostIds: hostIds.filter((id) => id !== hostId),
        });
    };
    this.#shelf.inTurn(leave).catch((error: unknown) => this.#parts.failed(error));
  }

  async #store(
    before: HostAggregate | undefined,
    input: Pick<HostAggregate, 'name' | 'metadata' | 'hostIds'>,
  ): Promise<HostAggregate> {
    const record = await this.#shelf.put(input.name, {
      ...input,
      id: before?.id ?? this.#nextId(),
      updatedUnixMs: stampAfter(this.#parts.now(), before),
    });
    const staying = new Set(record.hostIds);
    const leaving = before ? this.#present(before).filter((id) => !staying.has(id)) : [];
    this.#place(leaving, record.name, undefined);
    this.#place(this.#present(record), record.name, plain(record));
    return record;
  }

  #nextId(): number {
    return this.#shelf.all().reduce((most, { id }) => Math.max(most, id), 0) + 1;
  }

  /** Ids of the hosts that are named. Errors: `not-found`; `invalid-argument` for one that comes twice. */
  #hostIds(names: readonly string[], field: string): string[] {
    const ids = new Set<string>();
    for (const [index, name] of names.entries()) {
      const { id } = this.#parts.hosts.resolve(name);
      if (ids.has(id)) throw invalid(`${field}[${index}]`, name, 'each host once');
      ids.add(id);
    }
    return [...ids];
  }

  /** Errors: `resource-exhausted` where the host is in as many aggregates as it may be. */
  #checkRoom(hostId: string, name: string): void {
    const { aggregatesPerHost: most } = catalogLimits;
    const others = this.of(hostId);
    if (others.length < most || others.some((one) => one.name === name)) return;
    const host = this.#parts.hosts.get(hostId)?.name ?? hostId;
    throw new DroverError(
      'resource-exhausted',
      `host ${host} is in ${most} aggregates, the most it may be in`,
      {
        field: 'hosts',
        value: host,
        cure: 'take it out of another aggregate first',
      },
    );
  }

  /** Errors: `failed-precondition` where another aggregate of the host has another zone. */
  #checkZone(hostId: string, name: string, zone: string | undefined): void {
    if (zone === undefined) return;
    const isOther = ({ name: other, metadata }: Aggregate): boolean =>
      other !== name && metadata[zoneKey] !== undefined && metadata[zoneKey] !== zone;
    const other = this.of(hostId).find(isOther);
    if (!other) return;
    const host = this.#parts.hosts.get(hostId)?.name ?? hostId;
    const cure = `take it out of ${other.name} first`;
    throw new DroverError(
      'failed-precondition',
      `host ${host} is in zone ${other.metadata[zoneKey]} by aggregate ${other.name}, so ${name} cannot put it into zone ${zone}; ${cure}`,
      { field: 'hosts', value: host, cure },
    );
  }

  #present({ hostIds }: HostAggregate): string[] {
    return hostIds.filter((id) => this.#parts.hosts.get(id) !== undefined);
  }

  /** Hosts that were in the same aggregates share their list, which is then worked out once and not for each. */
  #place(hostIds: readonly string[], name: string, aggregate: Aggregate | undefined): void {
    const lists = new Map<readonly Aggregate[], readonly Aggregate[]>();
    for (const hostId of hostIds) {
      const before = this.#byHost.get(hostId) ?? none;
      const list = lists.get(before) ?? changed(before, name, aggregate);
      lists.set(before, list);
      this.#setOf(hostId, list);
      this.#parts.place(hostId, list);
    }
  }

  #setOf(hostId: string, list: readonly Aggregate[]): void {
    if (list.length === 0) this.#byHost.delete(hostId);
    else this.#byHost.set(hostId, list);
  }
}

const none: readonly Aggregate[] = [];

/** A list by id, with the aggregate of this name replaced, added or, undefined, taken out. */
function changed(
  before: readonly Aggregate[],
  name: string,
  aggregate: Aggregate | undefined,
): readonly Aggregate[] {
  const others = before.filter((one) => one.name !== name);
  return aggregate ? [...others, aggregate].toSorted((a, b) => a.id - b.id) : others;
}

/** An aggregate as its hosts see it. */
function plain({ id, name, metadata }: HostAggregate): Aggregate {
  return { id, name, metadata };
}
