/**
 * Permits to start a domain: at most so many starts at once in a rack, on a storage, or in whatever group a label of the
 * hosts names. Hosts take turns in the order in which they began to ask; a permit that nobody gives back ends by itself.
 */
import type { AgentMessage } from '../../proto/gen/drover/v1/AgentMessage.js';
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import type { AgentWatcher } from './agent-watcher.js';
import type { HostSession } from './sessions.js';

/** Most starts at once among hosts with the same value of a label. */
export interface StartLimit {
  readonly label: string;
  readonly most: number;
}

export const permitLimits = {
  /** A start that has not ended by then counts no longer: its agent is lost, or the guest is far into its boot. */
  leaseMs: 120_000,
  /** Domains of one host that may wait: as many as one message names. */
  waitingOfHost: 256,
  waiting: 65_536,
} as const;

export interface PermitParts {
  readonly limits: readonly StartLimit[];
  labelsOf(hostId: string): HostRecord['labels'];
  /** Tells an agent which of its domains may start now. */
  grant(hostId: string, uuids: readonly string[]): void;
  now(): number;
  readonly log: { warn(fields: object, message: string): void };
}

interface Lease {
  /** `rack=7` of each group that it counts in, as its host's labels were. */
  readonly groups: readonly string[];
  readonly endsMs: number;
}

export class StartPermits implements AgentWatcher {
  readonly #parts: PermitParts;
  readonly #most: ReadonlyMap<string, number>;
  /** UUIDs that wait, by host. The first host has the next turn. */
  readonly #waiting = new Map<string, Set<string>>();
  /** Permits in use, by host and UUID. */
  readonly #leases = new Map<string, Map<string, Lease>>();
  readonly #underWay = new Map<string, number>();
  #waitingCount = 0;
  #refused = 0;

  constructor(parts: PermitParts) {
    this.#parts = parts;
    this.#most = new Map(parts.limits.map(({ label, most }) => [label, most]));
  }

  /** Domains that wait, permits in use, and requests that found the queue full since the start. */
  get counts(): { waiting: number; underWay: number; refused: number } {
    const underWay = [...this.#leases.values()].reduce((sum, leases) => sum + leases.size, 0);
    return { waiting: this.#waitingCount, underWay, refused: this.#refused };
  }

  /** Starts under way in a group, by its label and value. */
  underWay(label: string, value: string): number {
    return this.#underWay.get(`${label}=${value}`) ?? 0;
  }

  /** An agent that begins anew knows of no earlier permit, and starts nothing with one. */
  connected(session: HostSession, _host: unknown, isNew: boolean): void {
    if (isNew) this.removed(session.hostId);
  }

  said({ hostId }: HostSession, { startRequest }: Pick<AgentMessage, 'startRequest'>): void {
    if (!startRequest) return;
    for (const uuid of startRequest.done) this.#end(hostId, uuid);
    this.#ask(hostId, startRequest.wanted);
    this.#grantAll();
  }

  /** A host that is silent, or gone, holds nothing and waits for nothing. */
  silent(hostId: string): void {
    this.removed(hostId);
  }

  removed(hostId: string): void {
    if (!this.#waiting.has(hostId) && !this.#leases.has(hostId)) return;
    this.#waitingCount -= this.#waiting.get(hostId)?.size ?? 0;
    this.#waiting.delete(hostId);
    for (const uuid of [...(this.#leases.get(hostId)?.keys() ?? [])]) this.#end(hostId, uuid);
    this.#grantAll();
  }

  /** Ends what has been under way for too long. */
  sweep(): void {
    const nowMs = this.#parts.now();
    for (const [hostId, leases] of this.#leases)
      for (const [uuid, { endsMs }] of leases) if (endsMs <= nowMs) this.#end(hostId, uuid);
    this.#grantAll();
  }

  /** `wanted` is all that waits now, oldest first. One that has its permit is told again: the answer may have been lost. */
  #ask(hostId: string, wanted: readonly string[]): void {
    const held = wanted.filter((uuid) => this.#leases.get(hostId)?.has(uuid));
    if (held.length > 0) this.#parts.grant(hostId, held);
    const before = this.#waiting.get(hostId) ?? new Set<string>();
    const still = [...before].filter((uuid) => wanted.includes(uuid));
    const fresh = wanted.filter((uuid) => !held.includes(uuid) && !before.has(uuid));
    const others = this.#waitingCount - before.size;
    const most = Math.min(permitLimits.waitingOfHost, permitLimits.waiting - others);
    const queue = new Set([...still, ...fresh].slice(0, most));
    this.#waitingCount = others + queue.size;
    if (queue.size === 0) this.#waiting.delete(hostId);
    else this.#waiting.set(hostId, queue); // a host that waits already keeps its place in the line
    const beyond = still.length + fresh.length - queue.size;
    if (beyond > 0) this.#overrun(hostId, beyond);
  }

  /** The agent asks again for what it was not granted, so nothing is lost but its place. */
  #overrun(hostId: string, count: number): void {
    this.#refused += count;
    this.#parts.log.warn({ host: hostId, count }, 'too many starts wait for a permit: these are not queued');
  }

  #end(hostId: string, uuid: string): void {
    const queue = this.#waiting.get(hostId);
    if (queue?.delete(uuid)) this.#waitingCount--;
    if (queue?.size === 0) this.#waiting.delete(hostId);
    const leases = this.#leases.get(hostId);
    const lease = leases?.get(uuid);
    if (!lease) return;
    leases?.delete(uuid);
    if (leases?.size === 0) this.#leases.delete(hostId);
    for (const group of lease.groups) this.#count(group, -1);
  }

  #count(group: string, by: number): void {
    const count = (this.#underWay.get(group) ?? 0) + by;
    if (count === 0) this.#underWay.delete(group);
    else this.#underWay.set(group, count);
  }

  /** Rounds in which every host that waits gets one, until a round gives none. */
  #grantAll(): void {
    const granted = new Map<string, string[]>();
    for (let gave = true; gave;) {
      gave = false;
      for (const [hostId, queue] of [...this.#waiting]) {
        const uuid = this.#grantOne(hostId, queue);
        if (uuid === undefined) continue;
        granted.set(hostId, [...(granted.get(hostId) ?? []), uuid]);
        gave = true;
      }
    }
    for (const [hostId, uuids] of granted) this.#parts.grant(hostId, uuids);
  }

  /** The host's oldest wish, where its groups have room; the host then stands at the end of the line. */
  #grantOne(hostId: string, queue: Set<string>): string | undefined {
    const groups = this.#groupsOf(hostId);
    const [uuid] = queue;
    if (uuid === undefined || !groups.every((group) => this.#hasRoom(group))) return undefined;
    queue.delete(uuid);
    this.#waitingCount--;
    this.#waiting.delete(hostId);
    if (queue.size > 0) this.#waiting.set(hostId, queue);
    const leases = this.#leases.get(hostId) ?? new Map<string, Lease>();
    this.#leases.set(hostId, leases.set(uuid, { groups, endsMs: this.#parts.now() + permitLimits.leaseMs }));
    for (const group of groups) this.#count(group, 1);
    return uuid;
  }

  #hasRoom(group: string): boolean {
    const label = group.slice(0, group.indexOf('='));
    return (this.#underWay.get(group) ?? 0) < (this.#most.get(label) as number);
  }

  /** A label that the host lacks does not limit it. */
  #groupsOf(hostId: string): string[] {
    const labels = this.#parts.labelsOf(hostId);
    return [...this.#most.keys()]
      .filter((key) => Object.hasOwn(labels, key))
      .map((key) => `${key}=${labels[key]}`);
  }
}
