/**
 * Tells each agent which allocations its host holds: the whole set when a session begins, and again when it changed. A
 * host that is claimed on again and again is told once it is quiet, or a second after the first change. An agent has one
 * message to handle at a time; what changes meanwhile waits as a note, not as a message.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { DomainAllocationInput } from '../../proto/gen/drover/v1/DomainAllocation.js';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import { maximumToldAllocations } from '../../proto/wire/limits.js';
import type { HostSession, Sessions } from './sessions.js';

/** When a change is told: after so long without another, or so long after the first; looked for once a turn. */
export const feedTimes = { quietMs: 200, longestMs: 1_000, turnMs: 50 } as const;

/**
 * A turn ends with the first host after so long; the rest waits for the next turn, which comes the later the longer this
 * one took. So telling takes about a tenth of the time, also while thousands of claims a second touch every host.
 */
const turnBudgetMs = 5;
const restFactor = 9;

/** What the feed reads of the allocations. */
export interface HeldAllocations {
  /** Durable allocations of a host, oldest first. */
  list(hostId: string): Allocation[];
  /** Generation of the host's durable allocations; 0: none. */
  generationOf(hostId: string): number;
  /** Told when an agent has handled the set of this generation. */
  acknowledged?(hostId: string, generation: number): void;
}

export interface FeedParts {
  readonly sessions: Sessions;
  readonly allocations: HeldAllocations;
  readonly log: { warn(fields: object, message: string): void };
  /** Milliseconds of a clock that never jumps. */
  now?(): number;
  /** Calls `work` once after so many ms; the answer calls it off. */
  later?(ms: number, work: () => void): () => void;
}

/** When there were changes that the agent has not been told. */
interface Change {
  readonly firstMs: number;
  lastMs: number;
}

const kind = 'allocations';

export class AllocationFeed {
  readonly #parts: FeedParts;
  readonly #now: () => number;
  readonly #later: (ms: number, work: () => void) => () => void;
  /** Hosts that are to be told, by the age of their first change: at most one entry a session. */
  readonly #due = new Map<string, Change>();
  /** The same of agents that are away or have not handled the last message. */
  readonly #held = new Map<string, Change>();
  /** Generation of the set that an agent was sent and has not handled. */
  readonly #told = new Map<string, number>();
  #callOff: (() => void) | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
    this.#later = parts.later ?? timer;
  }

  /** A stream is up: a new session gets the whole set, and a resumed one if that changed while it was away. */
  connected(session: HostSession): void {
    const change = this.#take(session.hostId);
    if (session.isFed && !change) return;
    if (session.isFed && change && session.link.holds(kind)) this.#held.set(session.hostId, change);
    else this.#tell(session);
  }

  /** The durable allocations of a host changed. Costs a look-up: a claim waits for nothing here. */
  changed(hostId: string): void {
    const session = this.#parts.sessions.get(hostId);
    if (!session?.isFed) return; // a session that begins is told everything
    const nowMs = this.#now();
    const known = this.#due.get(hostId) ?? this.#held.get(hostId);
    if (known) known.lastMs = nowMs;
    else this.#wait(hostId, { firstMs: nowMs, lastMs: nowMs });
  }

  /** The agent has handled something: it may be the message that another waits for. */
  acknowledged(session: HostSession): void {
    const { hostId, link } = session;
    const told = this.#told.get(hostId);
    if (told === undefined || link.holds(kind)) return;
    this.#told.delete(hostId);
    this.#parts.allocations.acknowledged?.(hostId, told);
    const change = this.#held.get(hostId);
    if (!change) return;
    this.#held.delete(hostId);
    this.#wait(hostId, change);
  }

  /** Forgets a host that was deleted. */
  forget(hostId: string): void {
    this.#take(hostId);
    this.#told.delete(hostId);
  }

  /** Tells nobody anything any more. */
  stop(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#due.clear();
    this.#held.clear();
    this.#told.clear();
  }

  #take(hostId: string): Change | undefined {
    const change = this.#due.get(hostId) ?? this.#held.get(hostId);
    this.#due.delete(hostId);
    this.#held.delete(hostId);
    return change;
  }

  #wait(hostId: string, change: Change): void {
    this.#due.set(hostId, change);
    this.#callOff ??= this.#later(feedTimes.turnMs, () => this.#turn());
  }

  #turn(): void {
    this.#callOff = undefined;
    const beganMs = this.#now();
    for (const [hostId, change] of this.#due) {
      if (!isDue(change, beganMs)) continue;
      this.#due.delete(hostId);
      this.#tellOrHold(hostId, change);
      if (this.#now() - beganMs >= turnBudgetMs) break;
    }
    const restMs = Math.max(feedTimes.turnMs, restFactor * (this.#now() - beganMs));
    if (this.#due.size > 0) this.#callOff = this.#later(restMs, () => this.#turn());
  }

  #tellOrHold(hostId: string, change: Change): void {
    const session = this.#parts.sessions.get(hostId);
    if (!session) return;
    if (session.end !== undefined && !session.link.holds(kind)) this.#tell(session);
    else this.#held.set(hostId, change);
  }

  /** What cannot be told is logged once and stands in the host's conditions; the agent keeps the set that it has. */
  #tell(session: HostSession): void {
    const { allocations } = this.#parts;
    const held = allocations.list(session.hostId);
    session.isFed = true;
    try {
      if (held.length > maximumToldAllocations) throw tooMany(held.length);
      const generation = allocations.generationOf(session.hostId);
      const set = { generation, allocations: held.map(domainAllocation) };
      session.link.send(kind, { allocations: set }, true);
      this.#told.set(session.hostId, generation);
      session.allocationsUntold = '';
    } catch (thrown) {
      this.#failed(session, asDroverError(thrown).message);
    }
  }

  #failed(session: HostSession, error: string): void {
    if (session.allocationsUntold === '')
      this.#parts.log.warn({ host: session.hostId, error }, 'allocations not sent');
    session.allocationsUntold = error;
  }
}

function isDue({ firstMs, lastMs }: Change, nowMs: number): boolean {
  return nowMs - lastMs >= feedTimes.quietMs || nowMs - firstMs >= feedTimes.longestMs;
}

function domainAllocation(allocation: Allocation): DomainAllocationInput {
  const { id, instanceUuid, extraSpecs, vcpus, memoryMb, devices } = allocation;
  const pciAddresses = devices.map(({ address }) => address);
  return { id, instanceUuid, extraSpecs, vcpus, memoryMb, pciAddresses };
}

function tooMany(count: number): DroverError {
  return new DroverError(
    'resource-exhausted',
    `the host holds ${count} allocations, and an agent is told at most ${maximumToldAllocations}; it goes on with the last set`,
    { field: 'allocations', value: String(count) },
  );
}

/** A timer that keeps no process alive. */
function timer(ms: number, work: () => void): () => void {
  const running = setTimeout(work, ms).unref();
  return () => clearTimeout(running);
}
