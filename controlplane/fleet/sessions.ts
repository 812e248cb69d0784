/**
 * What agents say about their hosts, and the links to them. Kept in memory only: after a restart every agent comes back
 * within seconds and tells everything again, so heartbeats cost no disk.
 */
import type { ControlMessageInput } from '../../proto/gen/drover/v1/ControlMessage.js';
import type { GuestReport } from '../../proto/gen/drover/v1/GuestReport.js';
import type { Domain } from '../../proto/gen/drover/v1/Domain.js';
import type { Heartbeat } from '../../proto/gen/drover/v1/Heartbeat.js';
import type { Hello } from '../../proto/gen/drover/v1/Hello.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { HostTuning } from '../../proto/gen/drover/v1/HostTuning.js';
import { outboxLimit } from '../../proto/wire/limits.js';
import { Link } from '../../proto/wire/link.js';

/** The body of a message to an agent: one of the fields of ControlMessage's oneof. */
export type ControlBody = Pick<
  ControlMessageInput,
  | 'welcome'
  | 'desiredState'
  | 'operationRequest'
  | 'acknowledgement'
  | 'allocations'
  | 'guestOrder'
  | 'startGrant'
>;

/** One host as its agent last described it. */
export interface HostSession {
  readonly hostId: string;
  sessionId: string;
  link: Link<ControlBody>;
  /** Ends the stream in use; undefined while the agent is away. */
  end: ((reason: string) => void) | undefined;
  facts: HostFacts | undefined;
  /** undefined: not reported since the control plane started. */
  domains: Domain[] | undefined;
  tuning: HostTuning | undefined;
  heartbeat: Heartbeat | undefined;
  /** The desired state has a section `guests`: the agent should tell of them. */
  keepsGuests: boolean;
  /** What the agent last told of its guests; undefined: nothing. */
  guests: GuestReport | undefined;
  agentVersion: string;
  /** Unix ms of the last message; 0: none since the control plane started. */
  lastSeenMs: number;
  /** Digest of the desired state that the agent has or was sent. */
  desiredDigest: string;
  /** This session was given the host's allocations; what changes from then on is sent. */
  isFed: boolean;
  /** Why the agent cannot be told the host's allocations; empty: it can. */
  allocationsUntold: string;
}

export class Sessions {
  readonly #hosts = new Map<string, HostSession>();
  readonly #newId: () => string;

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  get(hostId: string): HostSession | undefined {
    return this.#hosts.get(hostId);
  }

  all(): IterableIterator<HostSession> {
    return this.#hosts.values();
  }

  /** Opens or resumes the session of a host. A stream that is still open for it is ended: the newest one is the live one. */
  open(hostId: string, hello: Hello): { session: HostSession; resumed: boolean } {
    const known = this.#hosts.get(hostId);
    known?.end?.('another stream of this host took its place');
    const resumed = known !== undefined && hello.sessionId !== '' && hello.sessionId === known.sessionId;
    const session = known ?? this.#create(hostId);
    if (!resumed) this.#begin(session);
    session.agentVersion = hello.agentVersion;
    session.desiredDigest = hello.desiredDigest;
    return { session, resumed };
  }

  /** Forgets a host and ends its stream. */
  remove(hostId: string): void {
    this.#hosts.get(hostId)?.end?.('the host was deleted');
    this.#hosts.delete(hostId);
  }

  #create(hostId: string): HostSession {
    const session: HostSession = {
      hostId,
      sessionId: '',
      link: newLink(),
      end: undefined,
      facts: undefined,
      domains: undefined,
      tuning: undefined,
      heartbeat: undefined,
      guests: undefined,
      keepsGuests: false,
      agentVersion: '',
      lastSeenMs: 0,
      desiredDigest: '',
      isFed: false,
      allocationsUntold: '',
    };
    this.#hosts.set(hostId, session);
    return session;
  }

  #begin(session: HostSession): void {
    session.sessionId = this.#newId();
    session.link = newLink();
    session.isFed = false;
  }
}

function newLink(): Link<ControlBody> {
  return new Link<ControlBody>(outboxLimit, { acknowledgement: {} });
}
