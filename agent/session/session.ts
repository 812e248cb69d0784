/**
 * The stream to the control plane: connects, says Hello, keeps itself alive, comes back after a loss and resumes. It
 * carries state up and desired state down and decides nothing.
 *
 * Each try uses a channel of its own: grpc-js would otherwise wait out its own backoff after a silently dropped
 * connection. HTTP/2 keepalive (proto/wire/limits.ts) notices such a drop within 15 s.
 */
import * as grpc from '@grpc/grpc-js';
import type { AgentMessage, AgentMessageInput } from '../../proto/gen/drover/v1/AgentMessage.js';
import type { AgentSessionClient } from '../../proto/gen/drover/v1/AgentSession.js';
import type { ControlMessage } from '../../proto/gen/drover/v1/ControlMessage.js';
import type { DesiredState } from '../../proto/gen/drover/v1/DesiredState.js';
import type { GuestOrder } from '../../proto/gen/drover/v1/GuestOrder.js';
import type { HeartbeatInput } from '../../proto/gen/drover/v1/Heartbeat.js';
import type { HostAllocationSet } from '../../proto/gen/drover/v1/HostAllocationSet.js';
import type { OperationRequest } from '../../proto/gen/drover/v1/OperationRequest.js';
import type { StartGrant } from '../../proto/gen/drover/v1/StartGrant.js';
import type { Welcome } from '../../proto/gen/drover/v1/Welcome.js';
import { backoffMs } from '../../proto/wire/backoff.js';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import {
  backoff,
  channelOptions,
  heartbeatIntervalMs,
  outboxLimit,
  protocolVersions,
} from '../../proto/wire/limits.js';
import { Link } from '../../proto/wire/link.js';
import { loadContract } from '../../proto/wire/load.js';
import type { Identity } from './identity.js';

/** The body of a message: one of the fields of AgentMessage's oneof. */
export type AgentBody = Pick<
  AgentMessageInput,
  | 'hello'
  | 'heartbeat'
  | 'facts'
  | 'domains'
  | 'tuning'
  | 'operationResult'
  | 'acknowledgement'
  | 'allocationReport'
  | 'guestReport'
  | 'startRequest'
>;

export interface SessionOptions {
  /** Read at every connect, so a renewed certificate is used by the next stream. */
  identity(): Identity;
  readonly agentVersion: string;
  readonly bootId: string;
  desiredDigest(): string;
  heartbeat(): HeartbeatInput;
  /** The stream is up. `resumed` false: the control plane knows nothing of this host yet, so send everything. */
  onConnected(welcome: Welcome): void;
  onDisconnected(reason: string): void;
  onDesiredState(state: DesiredState): void;
  onOperation(request: OperationRequest): void;
  /** The allocations that the host holds, all of them. `sessionId`: generations count within this session. */
  onAllocations?(set: HostAllocationSet, sessionId: string): void;
  /** What the control plane asks to do with guests. */
  onGuestOrder?(order: GuestOrder): void;
  /** Guests that may start now. */
  onStartGrant?(grant: StartGrant): void;
  now(): number;
  random(): number;
  /** How long a connect, and the wait for Welcome, may take. */
  readonly connectDeadlineMs?: number;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #link = new Link<AgentBody>(outboxLimit, { acknowledgement: {} });
  #sessionId = '';
  #stopped = false;
  #connected = false;
  #call: grpc.ClientDuplexStream<AgentMessageInput, ControlMessage> | undefined;
  #client: AgentSessionClient | undefined;
  #wake: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #beat: NodeJS.Timeout | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get droppedMessages(): number {
    return this.#link.dropped;
  }

  /** Messages that the control plane has not acknowledged yet. */
  get waitingMessages(): number {
    return this.#link.waiting;
  }

  /** Starts connecting, and goes on until `stop`. */
  start(): void {
    this.#running ??= this.#loop();
  }

  /** Ends the stream; nothing on the host changes. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#call?.cancel();
    this.#wake?.();
    await this.#running;
  }

  /** Reports state; a report of the kind that still waits is replaced. */
  report(kind: 'facts' | 'domains' | 'tuning' | 'allocationReport' | 'guestReport', body: AgentBody): void {
    this.#link.send(kind, body, true);
  }

  /** Answers an operation. */
  answer(body: AgentBody): void {
    this.#link.send('operationResult', body, false);
  }

  /** Asks for room for starts, or gives it back: each word counts, so none is replaced. */
  requestStarts(body: AgentBody): void {
    this.#link.send('startRequest', body, false);
  }

  /** Ends the stream so that the next one uses the newest certificate. */
  reconnect(): void {
    this.#call?.cancel();
  }

  /** The connected client, for unary calls over the same channel; undefined while disconnected. */
  get client(): AgentSessionClient | undefined {
    return this.#connected ? this.#client : undefined;
  }

  async #loop(): Promise<void> {
    for (let attempt = 0; !this.#stopped; attempt++) {
      const reason = await this.#once().catch((thrown: unknown) => asDroverError(thrown).message);
      if (this.#connected) attempt = 0;
      this.#connected = false;
      this.#options.onDisconnected(reason);
      if (!this.#stopped) await this.#pause(backoffMs(attempt, backoff, this.#options.random()));
    }
  }

  /** One stream from connect to end; answers why it ended. */
  async #once(): Promise<string> {
    const { identity, connectDeadlineMs = 5_000 } = this.#options;
    const { sessionAddress, authorityPem, keyPem, certificatePem } = identity.call(this.#options);
    const credentials = grpc.credentials.createSsl(
      Buffer.from(authorityPem),
      Buffer.from(keyPem),
      Buffer.from(certificatePem),
    );
    const client = new (loadContract().AgentSession)(sessionAddress, credentials, {
      ...channelOptions,
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#client = client;
    try {
      await ready(client, connectDeadlineMs);
      return this.#stopped ? 'stopped' : await this.#converse(client, connectDeadlineMs);
    } finally {
      clearInterval(this.#beat);
      this.#link.detach();
      this.#call = undefined;
      client.close();
    }
  }

  #converse(client: AgentSessionClient, deadlineMs: number): Promise<string> {
    const call = client.session();
    this.#call = call;
    call.write({ sequence: 0, acknowledged: 0, ...this.#hello() });
    const late = setTimeout(() => call.cancel(), deadlineMs);
    return new Promise((resolve) => {
      call.on('data', (message: ControlMessage) => {
        if (message.welcome) clearTimeout(late);
        this.#receive(call, message);
      });
      call.on('drain', () => this.#link.drained());
      call.on('error', (error: grpc.ServiceError) => resolve(error.details || error.message));
      call.on('end', () => resolve('the control plane ended the session'));
    }).finally(() => clearTimeout(late)) as Promise<string>;
  }

  #hello(): AgentBody {
    return {
      hello: {
        lowestVersion: protocolVersions.lowest,
        highestVersion: protocolVersions.highest,
        agentVersion: this.#options.agentVersion,
        sessionId: this.#sessionId,
        received: this.#link.received,
        desiredDigest: this.#options.desiredDigest(),
        bootId: this.#options.bootId,
      },
    };
  }

  #receive(call: grpc.ClientDuplexStream<AgentMessageInput, ControlMessage>, message: ControlMessage): void {
    if (message.welcome) return this.#welcomed(call, message.welcome);
    if (!this.#link.accept(message.sequence, message.acknowledged)) return;
    if (message.desiredState) this.#options.onDesiredState(message.desiredState);
    if (message.operationRequest) this.#options.onOperation(message.operationRequest);
    if (message.allocations) this.#options.onAllocations?.(message.allocations, this.#sessionId);
    if (message.guestOrder) this.#options.onGuestOrder?.(message.guestOrder);
    if (message.startGrant) this.#options.onStartGrant?.(message.startGrant);
    this.#link.handled(message.sequence);
  }

  #welcomed(call: grpc.ClientDuplexStream<AgentMessageInput, ControlMessage>, welcome: Welcome): void {
    const write = (sequence: number, acknowledged: number, body: AgentBody): boolean =>
      call.write({ sequence, acknowledged, ...body });
    if (!welcome.resumed) this.#link.reset();
    this.#sessionId = welcome.sessionId;
    this.#connected = true;
    this.#link.attach(write, welcome.resumed ? welcome.received : 0);
    this.#options.onConnected(welcome);
    const send = (): void => this.#link.sendOnce({ heartbeat: this.#options.heartbeat() });
    send();
    this.#beat = setInterval(send, welcome.heartbeatIntervalMs || heartbeatIntervalMs);
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function ready(client: AgentSessionClient, deadlineMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + deadlineMs, (error) => {
      if (error)
        reject(new DroverError('unavailable', `no connection within ${deadlineMs} ms`, { cause: error }));
      else resolve();
    });
  });
}

/** The kind of a message's body, for logs. */
export function bodyKind(message: AgentMessage): string {
  return message.body ?? 'nothing';
}
