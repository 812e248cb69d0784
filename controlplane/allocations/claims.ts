/**
 * Claims: picking hosts and taking them. A claim is marked in memory, so that the next search sees it; it is answered when
 * its record is durable. The same idempotency key answers the same allocation, also while that is on its way.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { AllocationReport } from '../../proto/gen/drover/v1/AllocationReport.js';
import { asDroverError, DroverError, invalid } from '../../proto/wire/errors.js';
import type { HostDetails } from '../model/host-details.js';
import { checkIdempotencyKey, type CheckedRequest } from '../model/request.js';
import { defaultRules } from '../placement/select.js';
import type { Records, Write } from '../store/store.js';
import { Chooser } from './chooser.js';
import {
  type Claimed,
  type ClaimLimits,
  type ClaimsParts,
  defaultClaimLimits,
  type Moved,
  type PlaceOutcome,
  type WantedClaim,
  type WantedMove,
} from './claims-parts.js';
import { Confirmations } from './confirmations.js';
import type { RunningDomain } from './domain-set.js';
import { FailedBuilds } from './failed-builds.js';
import type { GroupMembers } from './group-book.js';
import { HostRoom } from './host-room.js';
import { Healing } from './healing.js';
import { Lapses } from './lapses.js';
import { Ledger, type Put } from './ledger.js';
import { Moves } from './moves.js';
import { atIndex, type Placed, readable, type Refused } from './placed.js';
import { Placing } from './placing.js';
import { Requests } from './requests.js';
import { Turns } from './turns.js';

export * from './claims-parts.js';

const sayNothing = { warn: (): void => undefined };

export class Claims {
  readonly #parts: ClaimsParts;
  readonly #limits: ClaimLimits;
  readonly #ledger: Ledger;
  readonly #chooser: Chooser;
  readonly #room: HostRoom;
  readonly #moves: Moves;
  readonly #turns = new Turns();
  readonly #lapses: Lapses;
  readonly #failed: FailedBuilds;
  readonly #requests = new Requests();
  readonly #confirmations: Confirmations;
  readonly #healing: Healing;
  readonly #placing: Placing;
  /** Claims on their way that have a key, by id: somebody may wait for them. */
  readonly #pending = new Map<string, Promise<void>>();
  readonly #releases = new Map<string, Promise<Allocation>>();
  #inFlight = 0;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
    const { registry, now, log = sayNothing } = parts;
    this.#limits = { ...defaultClaimLimits, ...parts.limits };
    this.#lapses = new Lapses(parts.claimTtlMs ?? 0, (id) => this.#lapsesOf(id));
    this.#failed = new FailedBuilds(now(), (hostId, failedBuilds) =>
      registry.setCounts(hostId, { failedBuilds }),
    );
    this.#ledger = new Ledger(registry, parts.commits, this.#limits, {
      freed: (hostId) => parts.freed?.(hostId),
      changed: (hostId) => parts.changed?.(hostId),
      roomChanged: (hostId) => this.#room.changed(hostId),
    });
    this.#room = new HostRoom(registry, (hostId) => this.#ledger.on(hostId));
    const { rules = defaultRules } = parts;
    this.#chooser = new Chooser({
      registry,
      rules: typeof rules === 'function' ? rules : () => rules,
      ...(parts.groupOf && { groupOf: (id: string) => parts.groupOf?.(id) }),
      membersOf: (groupId, exceptId) => this.#ledger.groups.of(groupId, exceptId),
    });
    const shared = {
      ...{ registry, now, log, ledger: this.#ledger, turns: this.#turns, chooser: this.#chooser },
      ...{ lapses: this.#lapses, failed: this.#failed, requests: this.#requests },
      gone: (allocation: Allocation) => this.#placing.forget(allocation),
    };
    this.#healing = new Healing({
      ...shared,
      releasesOrphans: parts.releasesOrphans ?? false,
      domainsOf: (hostId) => parts.domainsOf?.(hostId),
    });
    this.#placing = new Placing({
      ...shared,
      healing: this.#healing,
      newId: () => parts.newId(),
      ...(parts.newSeed && { newSeed: () => parts.newSeed?.() ?? 1 }),
    });
    this.#moves = new Moves({ ...shared, newSeed: () => this.#placing.seed() });
    this.#confirmations = new Confirmations({ ...shared, takeHome: (one) => this.#healing.takeHome(one) });
  }

  /** Takes over the records of allocations once the registry has the hosts. Errors: `storage-corrupt`. */
  load(records: Records): void {
    this.#ledger.load(records);
    const waiting: Allocation[] = [];
    for (const allocation of this.#ledger.all()) {
      this.#placing.remember(allocation);
      if (allocation.state === 'claimed') waiting.push(allocation);
      this.#healing.noteDouble(allocation);
    }
    // Agents that were away with the control plane get the whole time again.
    for (const allocation of waiting) this.#lapses.start(allocation, this.#parts.now());
  }

  #lapsesOf(id: string): number | undefined {
    const allocation = this.#ledger.get(id);
    return allocation?.state === 'claimed' ? allocation.lapsesUnixMs : undefined;
  }

  /** Brings what an older build stored into today's layout; to be awaited before the first claim. */
  migrate(): Promise<void> {
    return this.#ledger.migrate();
  }

  /** Durable allocations of every host, or of one. */
  list(hostId?: string): Allocation[] {
    return this.#ledger.list(hostId);
  }

  /** A durable allocation by id. */
  get(id: string): Allocation | undefined {
    return this.#ledger.get(id);
  }

  /** Ids of the allocations that a host holds, durable or about to be. */
  idsOn(hostId: string): ReadonlySet<string> {
    return this.#ledger.book(hostId)?.ids() ?? new Set();
  }

  /** Members of a server group now, claims on their way included. */
  membersOf(groupId: string): GroupMembers {
    return this.#ledger.groups.of(groupId);
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
    this.#failed.forget(hostId);
    this.#room.forget(hostId);
    this.#confirmations.forget(hostId);
  }

  /** What a host told of itself, with what its allocations take of its NUMA cells and devices. */
  detailsWith(hostId: string, reported: HostDetails): HostDetails {
    return this.#room.detailsWith(hostId, reported);
  }

  /** Generation of a host's durable allocations; 0: it never held one. */
  generationOf(hostId: string): number {
    return this.#ledger.generationOf(hostId);
  }

  /** A new session of a host's agent: nobody knows yet whether it sends allocation reports. */
  sessionBegan(hostId: string): void {
    this.#confirmations.sessionBegan(hostId);
  }

  /** What an agent says to its host's allocations. */
  report(hostId: string, report: AllocationReport): void {
    this.#confirmations.report(hostId, report);
  }

  /** The agent has handled the set of this generation. */
  acknowledged(hostId: string, generation: number): void {
    this.#confirmations.acknowledged(hostId, generation);
  }

  /** The domains of a host, as its agent now reports them. `before`: as it did until now. */
  domainsReported(
    hostId: string,
    now: readonly RunningDomain[],
    before: readonly RunningDomain[] | undefined,
  ): void {
    this.#room.domains(hostId, now);
    this.#confirmations.domains(hostId, now);
    this.#healing.domains(hostId, now, before);
  }

  /** What is wrong with the allocations of a host, in words; undefined: nothing that is known. */
  troubleOn(hostId: string): { readonly reason: string; readonly message: string } | undefined {
    return this.#healing.troubleOn(hostId);
  }

  /** Lapses, orphans, doubles. Called every second or so; never rejects. */
  async sweep(): Promise<void> {
    this.#failed.sweep(this.#parts.now());
    await Promise.all([this.#confirmations.sweep(), this.#healing.sweep()]);
  }

  /**
   * Picks a host and takes the resources there; durable when it resolves. Errors: `no-valid-host`, `already-exists` (the key
   * stands for another request), `resource-exhausted` (too many in flight, host full), and what the store says.
   */
  async claim(request: CheckedRequest, key: string, by = '', seed = 0): Promise<Claimed> {
    const wanted = { request, key, by, seed };
    checkIdempotencyKey(key);
    const known = this.#placing.known(wanted);
    if (known) return this.#answer(known);
    this.#admit(1);
    const put = this.#placing.mark(wanted);
    await this.#commit([put]);
    return this.#claimed({ allocation: put.now, existed: false, put });
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
    const made: Put[] = [];
    const outcomes = claims.map((claim) => this.#tried(() => this.#place(readable(claim), made, refused)));
    const committed = this.#commit(made);
    await committed.catch(() => undefined); // each claim of it says so
    return Promise.all(outcomes.map((outcome) => this.#outcome(outcome, committed)));
  }

  #tried(place: () => Placed): Placed | { error: DroverError } {
    try {
      return place();
    } catch (thrown) {
      return { error: asDroverError(thrown) };
    }
  }

  async #outcome(
    placed: Placed | { readonly error: DroverError },
    committed: Promise<void>,
  ): Promise<PlaceOutcome> {
    if ('error' in placed) return placed;
    try {
      if (!placed.existed) await committed;
      return await this.#answer(placed);
    } catch (thrown) {
      return { error: asDroverError(thrown) };
    }
  }

  async #placeAll(claims: readonly WantedClaim[]): Promise<Claimed[]> {
    await this.#settled(claims);
    this.#admit(claims.length);
    const made: Put[] = [];
    let placed: Placed[];
    try {
      placed = claims.map((claim, index) => atIndex(index, () => this.#place(claim, made)));
    } catch (error) {
      const marked = made.map(({ now }) => now);
      this.#ledger.unmark(marked);
      for (const allocation of marked) this.#placing.forget(allocation);
      throw error;
    }
    await this.#commit(made);
    return placed.map((one) => this.#claimed(one));
  }

  /** Waits until no key of `claims` is on its way: all-or-nothing must not lean on a claim that may still fail. */
  async #settled(claims: readonly WantedClaim[]): Promise<void> {
    for (;;) {
      const waiting: Promise<void>[] = [];
      for (const { key } of claims) {
        const pending = key === '' ? undefined : this.#pending.get(this.#placing.idOf(key) ?? '');
        if (pending) waiting.push(pending);
      }
      if (waiting.length === 0) return;
      await Promise.allSettled(waiting);
    }
  }

  #place(claim: WantedClaim, made: Put[], refused?: Refused): Placed {
    checkIdempotencyKey(claim.key);
    const known = this.#placing.known(claim);
    if (known) return known;
    this.#admit(made.length + 1);
    const put = this.#placing.mark(claim, refused);
    made.push(put);
    return { allocation: put.now, existed: false, put };
  }

  /** Gives an allocation back; durable when it resolves. Errors: `not-found`, `resource-exhausted`, and what the store says. */
  release(id: string): Promise<Allocation> {
    const running = this.#releases.get(id);
    if (running) return running;
    const release = this.#turns
      .run(id, () => this.#counted(() => this.#release(id)))
      .finally(() => this.#releases.delete(id));
    this.#releases.set(id, release);
    return release;
  }

  async #release(id: string): Promise<Allocation> {
    const allocation = this.#durable(id);
    await this.#ledger.commit({ puts: [], removed: [allocation] });
    this.#placing.forget(allocation);
    return allocation;
  }

  /**
   * Takes an allocation to another host with one commit for both; durable when it resolves. It is a claim there until the
   * agent confirms it. The key of the last move answers it again. Errors: `not-found`, `no-valid-host`,
   * `failed-precondition` (it is there), `resource-exhausted`, and what the store says.
   */
  async move(wanted: WantedMove): Promise<Moved> {
    checkIdempotencyKey(wanted.key);
    const { allocationId: id } = wanted;
    return this.#turns.run(id, () => this.#counted(() => this.#moves.move(wanted, this.#durable(id))));
  }

  #durable(id: string): Allocation {
    const allocation = this.#ledger.get(id);
    if (allocation) return allocation;
    throw new DroverError('not-found', `no allocation ${id}`, { field: 'allocation_id', value: id });
  }

  #admit(claims: number): void {
    if (this.#inFlight + claims <= this.#limits.inFlight) return;
    throw new DroverError(
      'resource-exhausted',
      `${this.#inFlight} claims wait to be stored, the most is ${this.#limits.inFlight}; try again`,
    );
  }

  /** Admits one change and counts it as long as it runs. */
  async #counted<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#admit(1);
    this.#inFlight++;
    try {
      return await work();
    } finally {
      this.#inFlight--;
    }
  }

  /** Sends marked claims on their way together. */
  #commit(made: readonly Put[]): Promise<void> {
    if (made.length === 0) return Promise.resolve();
    this.#inFlight += made.length;
    const ready = this.#ledger.commit({ puts: made, removed: [] }).then(
      () => this.#landed(made),
      (error: unknown) => {
        this.#over(made);
        for (const { now } of made) this.#placing.forget(now);
        throw error;
      },
    );
    ready.catch(() => undefined); // each claim awaits it and says so
    for (const { now } of made) if (now.idempotencyKey !== '') this.#pending.set(now.id, ready);
    return ready;
  }

  #landed(made: readonly Put[]): void {
    this.#over(made);
    const nowMs = this.#parts.now();
    for (const { now } of made) this.#lapses.start(now, nowMs);
  }

  #over(made: readonly Put[]): void {
    this.#inFlight -= made.length;
    for (const { now } of made) if (now.idempotencyKey !== '') this.#pending.delete(now.id);
  }

  async #answer(placed: Placed): Promise<Claimed> {
    await this.#pending.get(placed.allocation.id);
    return this.#claimed(placed);
  }

  #claimed({ allocation: placed, existed, put }: Placed): Claimed {
    const { stored, book } = put ?? {};
    if (stored && book) return { allocation: placed, hostGeneration: book.generation, existed, stored };
    const allocation = this.#ledger.get(placed.id) ?? placed; // released meanwhile
    return { allocation, hostGeneration: this.#ledger.generationOf(allocation.hostId), existed };
  }
}
