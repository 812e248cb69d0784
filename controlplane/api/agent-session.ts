/** The agent's stream: Hello and Welcome, then messages both ways through a link that numbers and repeats them. */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { AgentMessage } from '../../proto/gen/drover/v1/AgentMessage.js';
import type { ControlMessageInput } from '../../proto/gen/drover/v1/ControlMessage.js';
import type { Hello } from '../../proto/gen/drover/v1/Hello.js';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import { toServiceError } from '../../proto/wire/remote-error.js';
import { heartbeatIntervalMs, outboxLimit, protocolVersions } from '../../proto/wire/limits.js';
import type { FleetControl } from '../fleet/control.js';
import type { ControlBody, HostSession } from '../fleet/sessions.js';

export type SessionStream = ServerDuplexStream<AgentMessage, ControlMessageInput>;

export interface SessionDeps {
  readonly fleet: FleetControl;
  /** The host that the peer's certificate names. Errors: `unauthenticated`, `permission-denied`. */
  hostOf(call: SessionStream): string;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  readonly helloDeadlineMs?: number;
}

/** The handler of AgentSession.Session. */
export function sessionHandler(deps: SessionDeps): (call: SessionStream) => void {
  return (call) => {
    let session: HostSession | undefined;
    const late = setTimeout(
      () => refuse(call, new DroverError('deadline-exceeded', 'no Hello came')),
      deps.helloDeadlineMs ?? 10_000,
    );
    const leave = (): void => {
      clearTimeout(late);
      if (session) left(deps, session, end);
    };
    const end = (reason: string): void => refuse(call, new DroverError('unavailable', reason));

    call.on('data', (message: AgentMessage) => {
      try {
        // A stream that another has replaced says nothing any more: its numbers are not those of the new session.
        if (session) return session.end === end ? receive(deps.fleet, session, message) : undefined;
        if (!message.hello)
          throw new DroverError('invalid-argument', 'the first message must be Hello', { field: 'hello' });
        clearTimeout(late);
        session = welcome(deps, call, message.hello, end);
      } catch (thrown) {
        deps.log.warn({ error: asDroverError(thrown).message }, 'session refused');
        refuse(call, asDroverError(thrown));
      }
    });
    call.on('drain', () => session?.end === end && session.link.drained());
    call.on('end', () => call.end());
    call.on('error', leave);
    call.on('cancelled', leave);
    call.on('close', leave);
  };
}

function welcome(
  deps: SessionDeps,
  call: SessionStream,
  hello: Hello,
  end: (reason: string) => void,
): HostSession {
  const { fleet } = deps;
  const version = negotiate(hello);
  const host = fleet.directory.get(deps.hostOf(call));
  if (!host)
    throw new DroverError(
      'unauthenticated',
      'this host was deleted from the fleet; join again with a fresh token',
    );
  const { session, resumed } = fleet.sessions.open(host.id, hello);
  const received = session.link.received;
  session.end = end;
  call.write({
    sequence: 0,
    acknowledged: received,
    welcome: {
      version,
      sessionId: session.sessionId,
      resumed,
      received,
      heartbeatIntervalMs,
      outboxLimit,
      hostId: host.id,
    },
  });
  const write = (sequence: number, acknowledged: number, body: ControlBody): boolean =>
    call.write({ sequence, acknowledged, ...body });
  session.link.attach(write, resumed ? hello.received : 0);
  fleet.connected(session, host);
  deps.log.info({ host: host.name, resumed, agent: hello.agentVersion }, 'agent connected');
  return session;
}

/** The highest version that both sides speak. Errors: `version-mismatch` naming both ranges. */
export function negotiate(hello: Pick<Hello, 'lowestVersion' | 'highestVersion'>): number {
  const version = Math.min(hello.highestVersion, protocolVersions.highest);
  if (version < Math.max(hello.lowestVersion, protocolVersions.lowest)) {
    const mine = `${protocolVersions.lowest}-${protocolVersions.highest}`;
    throw new DroverError(
      'version-mismatch',
      `the agent speaks protocol versions ${hello.lowestVersion}-${hello.highestVersion}, this control plane ${mine}; upgrade the older side`,
    );
  }
  return version;
}

function receive(fleet: FleetControl, session: HostSession, message: AgentMessage): void {
  fleet.heard(session);
  if (!session.link.accept(message.sequence, message.acknowledged)) return;
  fleet.take(session, message);
  session.link.handled(message.sequence);
}

function left(deps: SessionDeps, session: HostSession, end: (reason: string) => void): void {
  if (session.end !== end) return; // a newer stream has the session already
  session.end = undefined;
  session.link.detach();
  deps.log.info({ host: session.hostId }, 'agent disconnected');
}

function refuse(call: SessionStream, error: DroverError): void {
  if (call.destroyed || call.cancelled) return;
  call.emit('error', toServiceError(error));
}
