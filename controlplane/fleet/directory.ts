/**
 * The hosts that have joined: records `host/<id>`, durable before anything is answered. A view in memory built by
 * `load`; every change goes through the one writer and then to `onChange`.
 */
import type { HostRecord, HostRecordInput } from '../../proto/gen/drover/v1/HostRecord.js';
import { DroverError } from '../../proto/wire/errors.js';
import { codec } from '../../proto/wire/load.js';
import type { StoredRecord, Write } from '../store/store.js';

/** Most hosts of one control plane: the cell size that the store and the registry are meant for. */
export const maximumHosts = 20_000;

/** Where batches become durable; `controlplane/store/group-commit.ts` is one. */
export interface CommitQueue {
  submit(writes: readonly Write[]): Promise<number>;
}

const prefix = 'host/';

export class Directory {
  readonly #commits: CommitQueue;
  readonly #limit: number;
  readonly #onChange: (id: string, record: HostRecord | undefined) => void;
  readonly #byId = new Map<string, HostRecord>();
  readonly #byName = new Map<string, HostRecord>();
  /** Names whose enrolment is being committed: two at once must not both win. */
  readonly #joining = new Set<string>();
  /** The change in flight of each host: the next one waits, so that none overwrites another's fields. */
  readonly #changing = new Map<string, Promise<unknown>>();

  constructor(
    commits: CommitQueue,
    onChange: (id: string, record: HostRecord | undefined) => void,
    limit = maximumHosts,
  ) {
    this.#limit = limit;
    this.#commits = commits;
    this.#onChange = onChange;
  }

  /** Takes over what the store holds. */
  load(records: readonly StoredRecord[]): void {
    for (const { key, value } of records)
      if (key.startsWith(prefix)) this.#keep(codec('HostRecord').decode(value));
  }

  get size(): number {
    return this.#byId.size;
  }

  all(): HostRecord[] {
    return [...this.#byId.values()];
  }

  get(id: string): HostRecord | undefined {
    return this.#byId.get(id);
  }

  find(name: string): HostRecord | undefined {
    return this.#byName.get(name);
  }

  /** A host by id or name. Errors: `not-found`. */
  resolve(idOrName: string): HostRecord {
    const record = this.#byId.get(idOrName) ?? this.#byName.get(idOrName);
    if (!record)
      throw new DroverError(
        'not-found',
        `host ${idOrName} is not known; 'drover host list' shows those that are`,
        { field: 'host', value: idOrName },
      );
    return record;
  }

  /** Stores a host that joins, or joins again with a new certificate. Errors: `resource-exhausted`, `already-exists`. */
  async enrol(record: HostRecordInput): Promise<HostRecord> {
    const name = record.name ?? '';
    const holder = this.#byName.get(name);
    if (this.#joining.has(name) || (holder && holder.id !== record.id)) {
      throw new DroverError(
        'already-exists',
        `a host named ${name} has joined; delete it first or give this host another name`,
        { field: 'host_name', value: name },
      );
    }
    if (!holder && this.#byId.size >= this.#limit)
      throw new DroverError(
        'resource-exhausted',
        `the fleet holds ${this.#limit} hosts, the most of one control plane`,
      );
    this.#joining.add(name);
    try {
      return await this.#store(record);
    } finally {
      this.#joining.delete(name);
    }
  }

  /** Changes fields of a host's record; `change` sees the newest one. Errors: `not-found`, those of `change`. */
  async update(id: string, change: (before: HostRecord) => HostRecordInput): Promise<HostRecord> {
    const before = this.#changing.get(id) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(() => this.#change(id, change));
    this.#changing.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#changing.get(id) === mine) this.#changing.delete(id);
    }
  }

  async #change(id: string, change: (before: HostRecord) => HostRecordInput): Promise<HostRecord> {
    const before = this.resolve(id);
    return this.#store({ ...before, ...change(before), id });
  }

  /** Forgets a host. Errors: `not-found`. */
  async remove(id: string): Promise<void> {
    const record = this.resolve(id);
    await this.#commits.submit([{ key: prefix + record.id, value: undefined }]);
    this.#byId.delete(record.id);
    this.#byName.delete(record.name);
    this.#onChange(record.id, undefined);
  }

  async #store(record: HostRecordInput): Promise<HostRecord> {
    const value = codec('HostRecord').encode(record);
    await this.#commits.submit([{ key: `${prefix}${record.id}`, value }]);
    return this.#keep(codec('HostRecord').decode(value));
  }

  #keep(record: HostRecord): HostRecord {
    const before = this.#byId.get(record.id);
    if (before) this.#byName.delete(before.name);
    this.#byId.set(record.id, record);
    this.#byName.set(record.name, record);
    this.#onChange(record.id, record);
    return record;
  }
}
