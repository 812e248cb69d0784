/**
 * The hosts that have joined: records `host/<id>`, durable before anything is answered. A view in memory built by
 * `load`; every change goes through the one writer and then to `onChange`.
 */
import type { HostRecord, HostRecordInput } from '../../proto/gen/drover/v1/HostRecord.js';
import { DroverError } from '../../proto/wire/errors.js';
import { codec } from '../../proto/wire/load.js';
import type { Records, Write } from '../store/store.js';

/** Most hosts of one control plane: the cell size that the store and the registry are meant for. */
export const maximumHosts = 20_000;

/** Where batches become durable; `controlplane/store/group-commit.ts` is one. */
export interface CommitQueue {
  submit(writes: readonly Write[]): Promise<number>;
}

/** What leaves with a host. Both are called in the host's turn: no other change of its record comes between them. */
export interface Leaving {
  /** Further writes of the same commit. What it throws refuses the removal. */
  begin(host: HostRecord): readonly Write[];
  /** The removal was refused, or could not be stored. */
  undo(): void;
}

/** A record as it should be, from the newest one; undefined: there is none. */
export type MakeRecord = (newest: HostRecord | undefined) => HostRecordInput;

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
  load(records: Records): void {
    for (const { value } of records.under(prefix)) this.#keep(codec('HostRecord').decode(value));
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

  /** Whether a host may join, or join again. Errors: `already-exists` (the name), `resource-exhausted` (the fleet is full). */
  checkJoin(id: string, name: string): void {
    const holder = this.#byName.get(name);
    if (this.#joining.has(name) || (holder && holder.id !== id)) {
      throw new DroverError(
        'already-exists',
        `a host named ${name} has joined; delete it first or give this host another name`,
        { field: 'host_name', value: name },
      );
    }
    if (!holder && this.#byId.size + this.#joining.size >= this.#limit)
      throw new DroverError(
        'resource-exhausted',
        `the fleet holds ${this.#limit} hosts, the most of one control plane`,
      );
  }

  /**
   * Stores a host that joins, or joins again with a new certificate: what `make` makes of the newest record when its turn
   * comes. Errors: those of `checkJoin`.
   */
  async enrol(id: string, name: string, make: MakeRecord): Promise<HostRecord> {
    this.checkJoin(id, name);
    this.#joining.add(name);
    try {
      return await this.#inTurn(id, () => this.#store({ ...make(this.#byId.get(id)), id, name }));
    } finally {
      this.#joining.delete(name);
    }
  }

  /** Changes fields of a host's record; `change` sees the newest one. Errors: `not-found`, those of `change`. */
  async update(id: string, change: (before: HostRecord) => HostRecordInput): Promise<HostRecord> {
    return this.#inTurn(id, async () => {
      const before = this.resolve(id);
      return this.#store({ ...before, ...change(before), id });
    });
  }

  /** Forgets a host, and with it what `leaving` says. Errors: `not-found`, those of `leaving`. */
  async remove(id: string, leaving?: Leaving): Promise<void> {
    return this.#inTurn(id, () => this.#remove(this.resolve(id), leaving));
  }

  async #remove(record: HostRecord, leaving: Leaving | undefined): Promise<void> {
    try {
      const more = leaving?.begin(record) ?? [];
      await this.#commits.submit([{ key: prefix + record.id, value: undefined }, ...more]);
    } catch (error) {
      leaving?.undo();
      throw error;
    }
    this.#byId.delete(record.id);
    this.#byName.delete(record.name);
    this.#onChange(record.id, undefined);
  }

  /** Runs `work` when every earlier change of this host is done. */
  async #inTurn<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#changing.get(id) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(work);
    this.#changing.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.#changing.get(id) === mine) this.#changing.delete(id);
    }
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
