/**
 * Claims: picking hosts and taking them. A claim is marked in memory, so that the next search sees it; it is answered when
 * the host's record is durable. The same idempotency key answers the same allocation, also while that is on its way.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { asDroverError, DroverError, invalid } from '../../proto/wire/errors.js';
import type { Registry } from '../fleet/registry.js';
import { answers, newAllocation } from '../model/allocation.js';
import { checkIdempotencyKey, type CheckedRequest } from '../model/request.js';
import { noValidHost } from '../placement/no-valid-host.js';
import { defaultRules, type Rules, select } from '../placement/select.js';
import type { StoredRecord, Write } from '../store/store.js';
import type { CommitQueue } from './commit-lane.js';
import type { Entry } from './host-book.js';
import { Ledger, type LedgerLimits } from './ledger.js';

export interface ClaimLimits extends LedgerLimits {
  /** Claims and releases that wait for their commit. */
  readonly inFlight: number;
  /** Claims of one placeMany. */
  readonly batch: number;
}

export const defaultClaimLimits: ClaimLimits = {
  perHost: 10_000,
  recordBytes: 4 * 2 ** 20,
  inFlight: 10_000,
  batch: 1_000,
};

export interface ClaimsParts {
  readonly registry: Registry;
  readonly commits: CommitQueue;
  /** Unix ms. */
  now(): number;
  newId(): string;
  readonly rules?: Rules;
  readonly limits?: Partial<ClaimLimits>;
  /** Told of a host in the same turn in which it no longer holds an allocation: its domain may still run. */
  freed?(hostId: string): void;
  /** Told of a host when its durable allocations have changed. */
  changed?(hostId: string): void;
}

export interface WantedClaim {
  readonly request: CheckedRequest;
  /** Empty: none; the claim is then always a new one. */
  readonly key: string;
  /** Who claims. */
  readonly by: string;
}

export interface Claimed {
  readonly allocation: Allocation;
  /** Of the host's record that holds the allocation, or a later one. */
  readonly hostGeneration: number;
  /** The key was known. */
  readonly existed: boolean;
}

export type PlaceOutcome = Claimed | { readonly error: DroverError };

/** An allocation under its key; `ready` while its commit is on its way. */
interface Keyed {
  readonly allocation: Allocation;
  readonly entry: Entry | undefined;
  ready: Promise<void> | undefined;
}

/** Requests of one call that no host takes, with why: in one turn hosts only get fuller, and explaining costs. */
type Refused = Map<string, DroverError>;

export class Claims {
  readonly #parts: ClaimsParts;
  readonly #rules: Rules;
  readonly #limits: ClaimLimits;
  readonly #ledger: Ledger;
  readonly #byKey = new Map<string, Keyed>();
  readonly #releases = new Map<string, Promise<Allocation>>();
  #inFlight = 0;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
    this.#rules = parts.rules ?? defaultRules;
    this.#limits = { ...defaultClaimLimits, ...parts.limits };
    const told = {
      freed: (hostId: string): void => parts.freed?.(hostId),
      changed: (hostId: string): void => parts.changed?.(hostId),
    };
    this.#ledger = new Ledger(parts.registry, parts.commits, this.#limits, told);
  }

  /** Takes over records `allocations/<host id>`, once the registry has the hosts. Errors: `storage-corrupt`. */
  load(records: readonly StoredRecord[]): void {
    this.#ledger.load(records);
    for (const allocation of this.#ledger.list())
      this.#remember({ allocation, entry: undefined, ready: undefined });
  }

  /** Durable allocations of every host, or of one. */
  list(hostId?: string): Allocation[] {
    return this.#ledger.list(hostId);
  }

  /** Ids of the allocations that a host holds, durable or about to be. */
  idsOn(hostId: string): ReadonlySet<string> {
    return this.#ledger.idsOn(hostId);
  }

  /** True when an allocation of the host, by its id or its virtual machine, stands for a domain. */
  covers(hostId: string, domain: { uuid: string; allocationId: string }): boolean {
    return this.#ledger.covers(hostId, domain);
  }

  /** What deletes the record of a host that holds no allocation. */
  removal(hostId: string): Write[] {
    return this.#ledger.removal(hostId);
  }

  /** Forgets a host whose record was deleted. */
  forget(hostId: string): void {
    this.#ledger.forget(hostId);
  }

  /** Generation of a host's durable record; 0: it never held an allocation. */
  generationOf(hostId: string): number {
    return this.#ledger.generationOf(hostId);
  }

  /**
   * Picks a host and takes the resources there; durable when it resolves. Errors: `no-valid-host`, `already-exists` (the key
   * stands for another request), `resource-exhausted` (too many in flight, host full), and what the store says.
   */
  async claim(request: CheckedRequest, key: string, by = ''): Promise<Claimed> {
    return this.#claim({ request, key, by });
  }

  async #claim(wanted: WantedClaim, refused?: Refused): Promise<Claimed> {
    checkIdempotencyKey(wanted.key);
    const known = this.#known(wanted);
    if (known) return this.#answer(known, true);
    this.#admit(1);
    const made = this.#mark(wanted, refused);
    this.#commit([made]);
    return this.#answer(made, false);
  }

  /**
   * Places 1 to 1,000 claims with one commit. `allOrNothing`: every claim, or an error that names the first that failed and
   * nothing taken. Otherwise each claim has its own outcome, in the order of `claims`. A claim that could not be read comes
   * as its error.
   */
  async placeMany(
    claims: readonly (WantedClaim | DroverError)[],
    allOrNothing: boolean,
  ): Promise<PlaceOutcome[]> {
    if (claims.length < 1 || claims.length > this.#limits.batch)
      throw invalid('claims', `${claims.length} claims`, `1 to ${this.#limits.batch}`);
    if (allOrNothing) return this.#placeAll(claims.map(readable));
    const refused: Refused = new Map();
    return Promise.all(claims.map((claim) => this.#outcome(claim, refused)));
  }

  async #outcome(claim: WantedClaim | DroverError, refused: Refused): Promise<PlaceOutcome> {
    try {
      return await this.#claim(readable(claim), refused);
    } catch (thrown) {
      return { error: asDroverError(thrown) };
    }
  }

  /** Gives an allocation back; durable when it resolves. Errors: `not-found`, `resource-exhausted`, and what the store says. */
  release(id: string): Promise<Allocation> {
    const running = this.#releases.get(id);
    if (running) return running;
    const release = this.#release(id).finally(() => this.#releases.delete(id));
    this.#releases.set(id, release);
    return release;
  }

  async #release(id: string): Promise<Allocation> {
    const allocation = this.#ledger.get(id);
    if (!allocation)
      throw new DroverError('not-found', `no allocation ${id}`, { field: 'allocation_id', value: id });
    this.#admit(1);
    this.#inFlight++;
    try {
      await this.#ledger.remove(allocation);
    } finally {
      this.#inFlight--;
    }
    this.#forget(allocation);
    return allocation;
  }

  async #placeAll(claims: readonly WantedClaim[]): Promise<Claimed[]> {
    await this.#settled(claims);
    this.#admit(claims.length);
    const made: Keyed[] = [];
    let placed: { keyed: Keyed; existed: boolean }[];
    try {
      placed = claims.map((claim, index) => this.#placeOne(claim, index, made));
    } catch (error) {
      this.#takeBack(made);
      throw error;
    }
    this.#commit(made);
    return Promise.all(placed.map(({ keyed, existed }) => this.#answer(keyed, existed)));
  }

  /** Waits until no key of `claims` is on its way: all-or-nothing must not lean on a claim that may still fail. */
  async #settled(claims: readonly WantedClaim[]): Promise<void> {
    for (;;) {
      const waiting = claims.flatMap(({ key }) => this.#byKey.get(key)?.ready ?? []);
      if (waiting.length === 0) return;
      await Promise.allSettled(waiting);
    }
  }

  #placeOne(claim: WantedClaim, index: number, made: Keyed[]): { keyed: Keyed; existed: boolean } {
    try {
      checkIdempotencyKey(claim.key);
      const known = this.#known(claim);
      if (known) return { keyed: known, existed: true };
      const keyed = this.#mark(claim);
      made.push(keyed);
      return { keyed, existed: false };
    } catch (thrown) {
      const { code, message, value, cure } = asDroverError(thrown);
      throw new DroverError(code, `claims[${index}]: ${message}`, {
        field: `claims[${index}]`,
        ...(value && { value }),
        ...(cure && { cure }),
        cause: thrown,
      });
    }
  }

  /** What stands under the claim's key. Errors: `already-exists` when that is another request. */
  #known({ key, request }: WantedClaim): Keyed | undefined {
    const known = key === '' ? undefined : this.#byKey.get(key);
    if (known && !answers(known.allocation, request)) {
      throw new DroverError(
        'already-exists',
        `idempotency key ${key} stands for allocation ${known.allocation.id} with another request`,
        { field: 'idempotency_key', value: key },
      );
    }
    return known;
  }

  #admit(claims: number): void {
    if (this.#inFlight + claims <= this.#limits.inFlight) return;
    throw new DroverError(
      'resource-exhausted',
      `${this.#inFlight} claims wait to be stored, the most is ${this.#limits.inFlight}; try again`,
    );
  }

  /** Picks a host and marks it taken. */
  #mark({ request, key, by }: WantedClaim, refused?: Refused): Keyed {
    const { registry, now, newId } = this.#parts;
    const text = refused && textOf(request);
    const before = text === undefined ? undefined : refused?.get(text);
    if (before) throw before;
    const [best] = select(registry, this.#rules, request, 1).destinations;
    if (!best) {
      const error = noValidHost(registry, this.#rules, request);
      if (text !== undefined) refused?.set(text, error);
      throw error;
    }
    const origin = {
      id: newId(),
      hostId: best.hostId,
      hostName: best.hostName,
      idempotencyKey: key,
      createdUnixMs: now(),
      createdBy: by,
    };
    const allocation = newAllocation(request, origin);
    const keyed: Keyed = { allocation, entry: this.#ledger.mark(allocation), ready: undefined };
    this.#remember(keyed);
    return keyed;
  }

  /** Sends marked claims on their way together. */
  #commit(made: readonly Keyed[]): void {
    if (made.length === 0) return;
    this.#inFlight += made.length;
    const ready = this.#ledger.add(made.map(({ entry }) => entry as Entry)).then(
      () => this.#landed(made),
      (error: unknown) => {
        this.#landed(made);
        for (const { allocation } of made) this.#forget(allocation);
        throw error;
      },
    );
    ready.catch(() => undefined); // each claim awaits it and says so
    for (const keyed of made) keyed.ready = ready;
  }

  #landed(made: readonly Keyed[]): void {
    this.#inFlight -= made.length;
    for (const keyed of made) keyed.ready = undefined;
  }

  /** Undoes marks that were never sent. */
  #takeBack(made: readonly Keyed[]): void {
    this.#ledger.unmark(made.map(({ entry }) => entry as Entry));
    for (const { allocation } of made) this.#forget(allocation);
  }

  async #answer(keyed: Keyed, existed: boolean): Promise<Claimed> {
    await keyed.ready;
    const { allocation } = keyed;
    return { allocation, hostGeneration: this.#ledger.generationOf(allocation.hostId), existed };
  }

  #remember(keyed: Keyed): void {
    if (keyed.allocation.idempotencyKey !== '') this.#byKey.set(keyed.allocation.idempotencyKey, keyed);
  }

  #forget({ idempotencyKey, id }: Allocation): void {
    if (this.#byKey.get(idempotencyKey)?.allocation.id === id) this.#byKey.delete(idempotencyKey);
  }
}

/** What placement looks at: requests of one text go to the same hosts. */
function textOf({ vcpus, memoryMb, diskMb, availabilityZone, extraSpecs }: CheckedRequest): string {
  return JSON.stringify([vcpus, memoryMb, diskMb, availabilityZone, extraSpecs]);
}

/** The claim, or its error thrown. */
function readable(claim: WantedClaim | DroverError): WantedClaim {
  if (claim instanceof DroverError) throw claim;
  return claim;
}
