/**
 * The fleet as the services see it: who has joined, what their agents say, what they should be. It joins the directory
 * (durable), the sessions (memory) and the registry (the columns that placement searches).
 */
import { isDeepStrictEqual } from 'node:util';
import type { AllocationReport } from '../../proto/gen/drover/v1/AllocationReport.js';
import type { AgentMessage } from '../../proto/gen/drover/v1/AgentMessage.js';
import type { Condition } from '../../proto/gen/drover/v1/Condition.js';
import type { Domain } from '../../proto/gen/drover/v1/Domain.js';
import type { Heartbeat } from '../../proto/gen/drover/v1/Heartbeat.js';
import type { Host } from '../../proto/gen/drover/v1/Host.js';
import type { HostCapacity } from '../../proto/gen/drover/v1/HostCapacity.js';
import type { HostDetailInput } from '../../proto/gen/drover/v1/HostDetail.js';
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import { Conditions, verdicts } from '../health/conditions.js';
import { aggregateStrings } from '../model/aggregate.js';
import { capacityOf, sameCapacity } from '../model/host-capacity.js';
import type { HostDetails } from '../model/host-details.js';
import { detailsOf } from '../model/host-details-facts.js';
import type { Totals } from '../model/allocation.js';
import type { Operations } from '../operations/operations.js';
import type { Profiles } from '../profiles/profiles.js';
import type { Write } from '../store/store.js';
import type { AgentWatcher } from './agent-watcher.js';
import { AllocationFeed, type HeldAllocations } from './allocation-feed.js';
import type { Directory } from './directory.js';
import { hostMessage } from './host-message.js';
import { liveness, type Liveness, type LivenessRule } from './liveness.js';
import type { Registry } from './registry.js';
import type { HostSession, Sessions } from './sessions.js';

/** What the fleet asks of the allocations. */
export interface AllocationIndex extends HeldAllocations {
  /** Ids that a host holds, durable or about to be. */
  idsOn(hostId: string): ReadonlySet<string>;
  /** True when an allocation of the host stands for this domain. */
  covers(hostId: string, domain: Pick<Domain, 'uuid' | 'allocationId'>): boolean;
  /** What deletes the record of a host that holds none. */
  removal(hostId: string): Write[];
  /** The host's record was deleted. */
  forget(hostId: string): void;
  /** A session of the host's agent began that does not go on with an earlier one. */
  sessionBegan?(hostId: string): void;
  /** What an agent says to its host's allocations. */
  report?(hostId: string, report: AllocationReport): void;
  /** The domains of a host as now reported, and as reported before; undefined: for the first time. */
  domainsReported?(hostId: string, now: readonly Domain[], before: readonly Domain[] | undefined): void;
  /** What a host told of itself, with what its allocations take of its NUMA cells and devices. */
  detailsWith?(hostId: string, told: HostDetails): HostDetails;
  /** What is wrong with the allocations of a host; undefined: nothing that is known. */
  troubleOn?(hostId: string): { readonly reason: string; readonly message: string } | undefined;
}

export interface FleetParts {
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly registry: Registry;
  readonly profiles: Profiles;
  readonly operations: Operations;
  readonly allocations: AllocationIndex;
  readonly rule: LivenessRule;
  /** Rooms that hear what agents say of their guests. */
  readonly watchers?: readonly AgentWatcher[];
  now(): number;
  readonly log: { warn(fields: object, message: string): void };
}

export class FleetControl {
  readonly #parts: FleetParts;
  readonly #conditions = new Conditions();
  readonly #feed: AllocationFeed;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly profiles: Profiles;
  readonly operations: Operations;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.directory = parts.directory;
    this.sessions = parts.sessions;
    this.profiles = parts.profiles;
    this.operations = parts.operations;
    const { sessions, allocations, log } = parts;
    this.#feed = new AllocationFeed({ sessions, allocations, log });
  }

  /**
   * An agent is connected: it is alive, and gets what its host holds and its desired state unless it has them already. The
   * allocations go first, so that the desired state is applied with them.
   */
  connected(session: HostSession, host: HostRecord): void {
    this.heard(session);
    const isNew = !session.isFed;
    if (isNew) this.#parts.allocations.sessionBegan?.(session.hostId);
    this.#feed.connected(session);
    this.#sendDesired(session, host);
    for (const watcher of this.#watchers) watcher.connected?.(session, host, isNew);
  }

  /** Any message is a sign of life. */
  heard(session: HostSession): void {
    session.lastSeenMs = this.#parts.now();
    this.#setService(session, true);
  }

  /** Takes a report into the view. */
  take(session: HostSession, message: AgentMessage): void {
    this.#feed.acknowledged(session);
    if (message.heartbeat) takeHeartbeat(session, message.heartbeat);
    if (message.facts) this.#takeFacts(session, message.facts);
    if (message.domains) this.#takeDomains(session, message.domains.domains);
    if (message.allocationReport) this.#parts.allocations.report?.(session.hostId, message.allocationReport);
    if (message.heartbeat || message.domains) this.#setService(session, true);
    if (message.tuning) session.tuning = message.tuning;
    if (message.operationResult) this.operations.finish(session.hostId, message.operationResult);
    if (message.guestReport) session.guests = message.guestReport;
    for (const watcher of this.#watchers) watcher.said?.(session, message);
    if (message.guestReport) this.accountDomains(session.hostId);
    if (message.heartbeat || message.domains || message.tuning || message.guestReport)
      this.#noteConditions(session.hostId);
  }

  /** Profiles, labels or zones changed: sends every connected host what it should be now, and counts its capacity anew. */
  desiredChanged(): void {
    for (const { hostId } of this.sessions.all()) {
      const host = this.directory.get(hostId);
      if (host) this.hostChanged(host);
    }
  }

  /** A host's record changed: another profile, with another shared set, may select it now. What fails is its own loss. */
  hostChanged(host: HostRecord): void {
    const session = this.sessions.get(host.id);
    if (!session) return;
    try {
      this.#sendDesired(session, host);
      if (session.facts) this.#takeFacts(session, session.facts);
    } catch (thrown) {
      this.#parts.log.warn({ host: host.name, error: String(thrown) }, 'desired state not sent');
    }
  }

  /** The durable allocations of a host changed: its agent is told. Never waits. */
  allocationsChanged(hostId: string): void {
    this.#feed.changed(hostId);
  }

  /** Ends what runs by itself. */
  stop(): void {
    this.#feed.stop();
  }

  #takeDomains(session: HostSession, domains: Domain[]): void {
    const { allocations, registry } = this.#parts;
    const { hostId, domains: before } = session;
    session.domains = domains;
    const row = registry.rowOf(hostId);
    for (const domain of before ?? [])
      if (row !== undefined && !allocations.covers(hostId, { ...domain, allocationId: '' }))
        registry.columns.instances.remove(domain.uuid, row);
    this.accountDomains(hostId);
    allocations.domainsReported?.(hostId, domains, before);
  }

  /** The domains of a host whose agent is connected, as it last reported them; undefined: nobody knows. */
  domainsKnown(hostId: string): readonly Domain[] | undefined {
    const session = this.sessions.get(hostId);
    return session?.end && this.#alive(hostId) === 'up' ? session.domains : undefined;
  }

  /** Counts the domains of a host that no allocation covers, so that nobody places over them, and says which are there. */
  accountDomains(hostId: string): void {
    const { allocations, registry } = this.#parts;
    const domains = this.sessions.get(hostId)?.domains ?? [];
    const row = registry.rowOf(hostId);
    if (row !== undefined) for (const { uuid } of domains) registry.columns.instances.add(uuid, row);
    const unmanaged = domains.filter((domain) => !allocations.covers(hostId, domain));
    const expected = this.#watchers.flatMap((watcher) => [...(watcher.expectedOn?.(hostId) ?? [])]);
    registry.setUnmanaged(hostId, totalsOf(unmanaged, new Set(expected)));
  }

  /** Marks hosts that fell silent. Called every second or so. */
  sweep(): void {
    for (const session of this.sessions.all()) {
      if (session.lastSeenMs === 0 || this.#alive(session.hostId) !== 'down') continue;
      this.#setService(session, false);
      for (const watcher of this.#watchers) watcher.silent?.(session.hostId);
      this.#noteConditions(session.hostId);
    }
    for (const watcher of this.#watchers) watcher.sweep?.();
  }

  /** The zone that a host is in: that of its aggregates, else its own. Empty: it names none. */
  zoneOf(record: HostRecord): string {
    const { registry } = this.#parts;
    const row = registry.rowOf(record.id);
    const aggregates = row === undefined ? [] : registry.columns.aggregatesOf(row);
    return aggregateStrings(aggregates, 'availability_zone')?.join(', ') ?? record.availabilityZone;
  }

  host(record: HostRecord): Host {
    const { registry, profiles } = this.#parts;
    const view = registry.view(record.id);
    if (!view) throw new Error(`host ${record.name} has a record and no row`);
    const session = this.sessions.get(record.id);
    return hostMessage({
      record: { ...record, availabilityZone: this.zoneOf(record) },
      view,
      session,
      alive: this.#alive(record.id),
      desired: profiles.desiredFor(record),
      generation: this.#parts.allocations.generationOf(record.id),
    });
  }

  detail(record: HostRecord): HostDetailInput {
    const session = this.sessions.get(record.id);
    return {
      host: this.host(record),
      facts: session?.facts ?? null,
      domains: this.domains(record.id),
      tuning: session?.tuning ?? null,
      conditions: this.conditions(record),
      guests: session?.guests ?? null,
    };
  }

  /** Domains of a host, or of all. */
  domains(hostId?: string): Domain[] {
    const of = (session: HostSession): Domain[] => {
      const hostName = this.directory.get(session.hostId)?.name ?? '';
      return (session.domains ?? []).map((domain) => ({ ...domain, hostId: session.hostId, hostName }));
    };
    if (hostId === undefined) return [...this.sessions.all()].flatMap(of);
    const session = this.sessions.get(hostId);
    return session ? of(session) : [];
  }

  conditions(record: HostRecord): Condition[] {
    const found = verdicts(this.sessions.get(record.id), this.#alive(record.id));
    const trouble = this.#parts.allocations.troubleOn?.(record.id);
    if (trouble) found.push({ type: 'allocations', status: 'degraded', ...trouble });
    found.push(...this.#watchers.flatMap((watcher) => watcher.troubleOn?.(record.id) ?? []));
    return this.#conditions.of(record, found, this.#parts.now());
  }

  /**
   * Forgets a host and ends its agent's stream. It is out of service before its allocations are counted, so that no claim
   * can choose it any more. Errors: `not-found`, `failed-precondition` while it holds allocations.
   */
  async remove(hostId: string): Promise<void> {
    const { registry, allocations } = this.#parts;
    const row = registry.rowOf(hostId);
    await this.directory.remove(hostId, {
      begin: (host) => {
        registry.setForcedDown(hostId, true);
        const held = allocations.idsOn(hostId).size;
        if (held > 0) throw holds(host, held);
        return allocations.removal(hostId);
      },
      undo: () => registry.setForcedDown(hostId, this.directory.get(hostId)?.forcedDown ?? false),
    });
    for (const { uuid } of this.sessions.get(hostId)?.domains ?? [])
      if (row !== undefined) registry.columns.instances.remove(uuid, row);
    allocations.forget(hostId);
    this.#feed.forget(hostId);
    this.sessions.remove(hostId);
    this.#conditions.remove(hostId);
    for (const watcher of this.#watchers) watcher.removed?.(hostId);
  }

  get #watchers(): readonly AgentWatcher[] {
    return this.#parts.watchers ?? [];
  }

  /** A host takes placements while it is up, libvirt answers and its domains are known. One without libvirt never does. */
  #setService(session: HostSession, up: boolean): void {
    const { hostId, lastSeenMs, domains, heartbeat } = session;
    const controllable = domains !== undefined && heartbeat?.hypervisorReachable === true;
    this.#parts.registry.setLiveness(hostId, up, lastSeenMs, controllable);
  }

  /** Conditions carry since when they hold, so they are noted when something is heard, not when somebody asks. */
  #noteConditions(hostId: string): void {
    const host = this.directory.get(hostId);
    if (host) this.conditions(host);
  }

  #alive(hostId: string): Liveness {
    return liveness(this.sessions.get(hostId)?.lastSeenMs ?? 0, this.#parts.now(), this.#parts.rule);
  }

  /** Nothing is sent to an agent that holds nothing and should hold nothing. */
  #sendDesired(session: HostSession, host: HostRecord): void {
    const desired = this.profiles.desiredFor(host);
    session.keepsGuests = desired.guests !== '';
    const already =
      session.desiredDigest === desired.digest ||
      (session.desiredDigest === '' && desired.profileName === '');
    if (already) return;
    session.desiredDigest = desired.digest;
    session.link.send('desiredState', { desiredState: desired }, true);
  }

  /** Facts that make no capacity are not kept: they would fail again whenever the host is looked at. */
  #takeFacts(session: HostSession, facts: HostFacts): void {
    const host = this.directory.get(session.hostId);
    if (!host) return;
    const capacity = this.#capacityOf(host, facts);
    if (!capacity) return;
    session.facts = facts;
    this.#takeDetails(host, facts);
    if (sameCapacity(host.capacity, capacity)) return;
    this.directory
      .update(host.id, () => ({ capacity }))
      .catch((error: Error) =>
        this.#parts.log.warn({ host: host.name, error: error.message }, 'capacity not stored'),
      );
  }

  /** What filters ask of the host. What is as before is left, so that nothing worked out from it goes stale. */
  #takeDetails(host: HostRecord, facts: HostFacts): void {
    const { registry, allocations } = this.#parts;
    const row = registry.rowOf(host.id);
    const told = this.#detailsOf(host, facts);
    if (row === undefined || !told) return;
    const details = allocations.detailsWith?.(host.id, told) ?? told;
    if (!isDeepStrictEqual(registry.columns.detailsOf(row), details)) registry.setDetails(host.id, details);
  }

  #detailsOf(host: HostRecord, facts: HostFacts): HostDetails | undefined {
    try {
      return detailsOf(facts, this.profiles.desiredFor(host).tuners, host.name);
    } catch (thrown) {
      this.#parts.log.warn({ host: host.name, error: asDroverError(thrown).message }, 'details not taken');
      return undefined;
    }
  }

  #capacityOf(host: HostRecord, facts: HostFacts): HostCapacity | undefined {
    try {
      return capacityOf(facts, this.profiles.desiredFor(host).tuners);
    } catch (thrown) {
      this.#parts.log.warn({ host: host.name, error: asDroverError(thrown).message }, 'facts not taken');
      return undefined;
    }
  }
}

/** The report of how a host is tuned comes when it changes; when it was last looked at comes with every heartbeat. */
function takeHeartbeat(session: HostSession, heartbeat: Heartbeat): void {
  session.heartbeat = heartbeat;
  const { tuningVerifiedUnixMs: verifiedUnixMs } = heartbeat;
  if (session.tuning && verifiedUnixMs > 0) session.tuning = { ...session.tuning, verifiedUnixMs };
}

function holds(host: HostRecord, held: number): DroverError {
  return new DroverError(
    'failed-precondition',
    `host ${host.name} holds ${held} allocations; release them first`,
    { field: 'host', value: host.name },
  );
}

/** What domains hold. One that is shut off holds its disk alone, unless it is `expected` to run again. */
function totalsOf(domains: readonly Domain[], expected: ReadonlySet<string>): Totals {
  const isOff = ({ state, uuid }: Domain): boolean => state === 'shutoff' && !expected.has(uuid);
  const sum = (value: (domain: Domain) => number): number =>
    domains.reduce((total, domain) => total + value(domain), 0);
  return {
    count: domains.length,
    vcpus: sum((domain) => (isOff(domain) ? 0 : domain.vcpus)),
    memoryMb: sum((domain) => (isOff(domain) ? 0 : Math.ceil(domain.memoryBytes / 2 ** 20))),
    diskMb: sum((domain) => Math.ceil(domain.diskBytes / 2 ** 20)),
  };
}
