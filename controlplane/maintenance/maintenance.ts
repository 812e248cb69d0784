/**
 * Drain, maintenance and resume of hosts: durable in the host's record before anything is answered, told to the agent by
 * orders that a new session repeats until the agent has shown the stage, and followed by what the agent reports.
 */
import type { AgentMessage } from '../../proto/gen/drover/v1/AgentMessage.js';
import type { CapacityOutlook } from '../../proto/gen/drover/v1/CapacityOutlook.js';
import type { Domain } from '../../proto/gen/drover/v1/Domain.js';
import type { GuestOutlook } from '../../proto/gen/drover/v1/GuestOutlook.js';
import type { GuestStage } from '../../proto/gen/drover/v1/GuestStage.js';
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import type { MaintainHostRequest } from '../../proto/gen/drover/v1/MaintainHostRequest.js';
import type { ResumeHostRequest } from '../../proto/gen/drover/v1/ResumeHostRequest.js';
import { asDroverError, type DroverError } from '../../proto/wire/errors.js';
import { parseGuests } from '../../proto/wire/profile.js';
import type { AgentWatcher } from '../fleet/agent-watcher.js';
import type { Directory } from '../fleet/directory.js';
import type { Registry } from '../fleet/registry.js';
import type { HostSession, Sessions } from '../fleet/sessions.js';
import { capacityWithout } from './capacity.js';
import { type GuestsAsked, isRunning, starting, staying, stopping } from './guest-outlook.js';
import { type Circumstances, objectionsTo, refusal, resumeWarningsOf, warningsOf } from './objections.js';
import { isStartDue, sendCancel, sendOrder } from './orders.js';
import {
  entered,
  hasEnded,
  isAsWished,
  isResumed,
  isThere,
  resumed,
  type ResumeWish,
  resumeWishOf,
  stopOf,
  told,
  type Wish,
  wishOf,
} from './transitions.js';

export interface MaintenanceParts {
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly registry: Registry;
  /** Settings of the host's profile for its guests as JSON; empty: none. */
  guestsOf(host: HostRecord): string;
  /** True when an allocation stands for the domain. */
  covers(hostId: string, domain: Domain): boolean;
  /** True when the host is heard of within service_down_time. */
  isHeard(hostId: string): boolean;
  now(): number;
  newId(): string;
  readonly log: { warn(fields: object, message: string): void };
}

/** What a request does, or would do. */
export interface MaintenanceAnswer {
  /** As it is after the request. */
  readonly host: HostRecord;
  readonly guests: GuestOutlook[];
  readonly capacity: CapacityOutlook[];
  readonly warnings: string[];
  readonly refusals: string[];
}

const nobody: ReadonlySet<string> = new Set();

export class Maintenance implements AgentWatcher {
  readonly #parts: MaintenanceParts;
  /** One request at a time: two hosts of a rack must not both count on the room that the other has. */
  #queue: Promise<unknown> = Promise.resolve();
  /** Host to the stage and state that is being written. */
  readonly #noting = new Map<string, string>();

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  /**
   * Drains a host or puts it into maintenance. The same request again answers the same and orders a stop again that failed.
   * Errors: `not-found`, `invalid-argument`, `failed-precondition` when another holds the host, capacity or agent speak against it.
   */
  maintain(request: MaintainHostRequest, by: string): Promise<MaintenanceAnswer> {
    const wish = wishOf(request, by);
    return this.#serially(() => this.#maintain(request, wish));
  }

  async #maintain({ host: name, validateOnly }: MaintainHostRequest, wish: Wish): Promise<MaintenanceAnswer> {
    const before = this.#parts.directory.resolve(name);
    const circumstances = this.#circumstances(before);
    const objections = isThere(before, wish) ? [] : objectionsTo(wish, circumstances);
    const refused = refusal(before.name, wish, objections);
    const guests = (wish.guests === 'stop' ? stopping : staying)(this.#guestsAsked(before));
    const { capacity } = circumstances;
    const answer = { guests, capacity: [...capacity], warnings: warningsOf(wish, circumstances) };
    const standing = [this.#wayRefused(before, wish), refused].filter((error) => error !== undefined);
    if (validateOnly) return { ...answer, host: before, refusals: standing.map(({ message }) => message) };
    if (standing[0]) throw standing[0];
    const host = isAsWished(before, wish) ? before : await this.#enter(before, wish);
    if (before.maintenance?.state === 'resuming') this.#cancel(before);
    this.#order(host);
    return { ...answer, host, refusals: [] };
  }

  #enter(before: HostRecord, wish: Wish): Promise<HostRecord> {
    const { directory, now, newId } = this.#parts;
    return directory.update(before.id, (newest) => entered(newest, wish, { nowMs: now(), newId }));
  }

  #wayRefused(before: HostRecord, wish: Wish): DroverError | undefined {
    try {
      entered(before, wish, { nowMs: this.#parts.now(), newId: () => '-' });
      return undefined;
    } catch (thrown) {
      return asDroverError(thrown);
    }
  }

  /**
   * Ends drain or maintenance: placement on, lock released, guests that the stop stopped are ordered to start, and again those
   * that a start before did not bring up. A host in neither is answered as it is. Errors: `not-found`, `invalid-argument`,
   * `failed-precondition` when another holds the host.
   */
  resume(request: ResumeHostRequest, by: string): Promise<MaintenanceAnswer> {
    const wish = resumeWishOf(request, by);
    return this.#serially(() => this.#resume(request.host, wish));
  }

  async #resume(name: string, wish: ResumeWish): Promise<MaintenanceAnswer> {
    const { directory, now } = this.#parts;
    const before = directory.resolve(name);
    const guests = this.#resumedGuests(before, wish);
    const warnings = resumeWarningsOf(before, wish, this.#isConnected(before.id));
    const host = isResumed(before, wish)
      ? before
      : await directory.update(before.id, (newest) => resumed(newest, wish, now()));
    if (wish.guests === 'leave') this.#cancel(before);
    this.#order(host);
    return { host, guests, capacity: [], warnings, refusals: [] };
  }

  #resumedGuests(before: HostRecord, wish: ResumeWish): GuestOutlook[] {
    const asked = this.#guestsAsked(before);
    const stage = this.#ownStage(before);
    return stage && wish.guests === 'start' ? starting(asked, stage) : staying(asked);
  }

  /** The stage that the agent told last, where it is that of the maintenance, or the stop before it. */
  #ownStage({ id, maintenance }: HostRecord): GuestStage | undefined {
    const stage = this.#parts.sessions.get(id)?.guests?.stage;
    if (!stage || !maintenance?.stageId) return undefined;
    return stage.id === maintenance.stageId || stage.id === stopOf(maintenance) ? stage : undefined;
  }

  /** A stop or start that may go on ends. */
  #cancel({ id, maintenance }: HostRecord): void {
    const session = this.#parts.sessions.get(id);
    if (session && maintenance?.stageId && !hasEnded(maintenance.stageState))
      sendCancel(session, maintenance.stageId);
  }

  /** A new session knows nothing of earlier orders, unless it has shown the end of their stage. */
  connected(session: HostSession, host: HostRecord, isNew: boolean): void {
    if (isNew) sendOrder(session, host.maintenance);
  }

  /** Keeps how far the agent is. What cannot be written is written with its next report. */
  said(session: HostSession, { guestReport }: Pick<AgentMessage, 'guestReport'>): void {
    const stage = guestReport?.stage;
    const { hostId } = session;
    const host = stage && this.#parts.directory.get(hostId);
    if (!host) return;
    if (isStartDue(host.maintenance, stage)) sendOrder(session, host.maintenance);
    if (!told(host, stage)) return;
    const note = `${stage.id} ${stage.state} ${stage.endedUnixMs}`;
    if (this.#noting.get(hostId) === note) return;
    this.#noting.set(hostId, note);
    this.#parts.directory
      .update(hostId, (newest) => told(newest, stage) ?? {})
      .catch((error: Error) =>
        this.#parts.log.warn({ host: host.name, error: error.message }, 'stage of guests not stored'),
      )
      .finally(() => this.#noting.delete(hostId));
  }

  /** Guests that a stop has stopped, or that come back, take their place on the host also while they are shut off. */
  expectedOn(hostId: string): ReadonlySet<string> {
    const host = this.#parts.directory.get(hostId);
    const stage = host && this.#ownStage(host);
    return stage ? new Set(stage.guests.map(({ uuid }) => uuid)) : nobody;
  }

  #order(host: HostRecord): void {
    const session = this.#parts.sessions.get(host.id);
    if (session) sendOrder(session, host.maintenance);
  }

  #circumstances(host: HostRecord): Circumstances {
    const { registry, sessions } = this.#parts;
    const session = sessions.get(host.id);
    const row = registry.rowOf(host.id);
    return {
      host: host.name,
      capacity: row === undefined ? [] : capacityWithout(registry.columns, row),
      isConnected: this.#isConnected(host.id),
      keepsGuests: this.#parts.guestsOf(host) !== '',
      preflight: session?.guests?.preflight ?? [],
      running: (session?.domains ?? []).filter(isRunning).length,
      isPlanned: (session?.guests?.plan.length ?? 0) > 0,
    };
  }

  #guestsAsked(host: HostRecord): GuestsAsked {
    const { sessions, covers, guestsOf } = this.#parts;
    const session = sessions.get(host.id);
    const named = { hostId: host.id, hostName: host.name };
    return {
      domains: (session?.domains ?? []).map((domain) => ({ ...domain, ...named })),
      isManaged: (domain) => covers(host.id, domain),
      settings: parseGuests(guestsOf(host)),
      plan: session?.guests?.plan ?? [],
    };
  }

  #isConnected(hostId: string): boolean {
    return this.#parts.sessions.get(hostId)?.end !== undefined && this.#parts.isHeard(hostId);
  }

  #serially<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}
