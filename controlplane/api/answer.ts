/** The frame around every unary call: who calls, may they, run within the deadline, and every failure as one kind of error. */
import { randomUUID } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import type { handleUnaryCall, sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { DroverError } from '../../proto/wire/errors.js';
import { unaryDeadlineMs } from '../../proto/wire/limits.js';
import { toServiceError } from '../../proto/wire/remote-error.js';
import { authorise, callerOf, type Caller } from '../security/roles.js';

export interface AnswerContext {
  /** Unix milliseconds. */
  now(): number;
  /** Told of faults of Drover itself: the client sees only the id. */
  fault(id: string, path: string, error: unknown): void;
}

/** Wall clock, and faults as one JSON line on standard error. */
export const processContext: AnswerContext = {
  now: () => Date.now(),
  fault: (id, path, error) =>
    process.stderr.write(
      `${JSON.stringify({ level: 'error', id, path, error: String((error as Error)?.stack ?? error) })}\n`,
    ),
};

/**
 * A gRPC handler for a method of the contract. `service`: full name, `drover.v1.Fleet`. The handler gets the request and
 * the caller; its DroverErrors travel as status and metadata, anything else as `internal` with a logged id.
 */
export function unary<Request, Response>(
  service: string,
  method: string,
  handler: (request: Request, caller: Caller) => Promise<Response>,
  context: AnswerContext = processContext,
): handleUnaryCall<Request, Response> {
  const path = `/${service}/${method}`;
  return open(
    path,
    (request: Request, call) => handler(request, identify(call, path, context.now())),
    context,
  );
}

/** The caller of a call (unary or stream) if the method allows it. Errors: `unauthenticated`, `permission-denied`. */
export function identify(
  call: Pick<ServerUnaryCall<unknown, unknown>, 'getAuthContext'>,
  path: string,
  nowMs: number,
): Caller {
  const connection = connectionOf(call);
  const known = connection && identified.get(connection);
  if (known && nowMs < known.untilMs) {
    authorise(known.caller, path);
    return known.caller;
  }
  const certificate = call.getAuthContext().sslPeerCertificate;
  const caller = callerOf(certificate, nowMs);
  if (connection && certificate) identified.set(connection, { caller, untilMs: endOf(certificate) });
  authorise(caller, path);
  return caller;
}

/**
 * Callers by connection, as long as that lives. grpc-js reads the peer's certificate out of TLS anew for every call, which
 * costs more than the rest of the frame; the certificate of a connection never changes, but it ends.
 */
const identified = new WeakMap<object, { readonly caller: Caller; readonly untilMs: number }>();

function endOf(certificate: PeerCertificate): number {
  return Date.parse(certificate.valid_to);
}

/** The HTTP/2 session of a call. grpc-js 1.14 has it where no interface says so; elsewhere there is none, and no cache. */
function connectionOf(call: object): object | undefined {
  const { call: inner, stream } = call as {
    call?: { stream?: { session?: object } };
    stream?: { session?: object };
  };
  return inner?.stream?.session ?? stream?.session;
}

/** The same frame without a caller: for the enrolment port alone, where nobody has a certificate. */
export function open<Request, Response>(
  path: string,
  handler: (request: Request, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
  context: AnswerContext = processContext,
): handleUnaryCall<Request, Response> {
  return (call, callback) => void answer(path, call, callback, handler, context);
}

async function answer<Request, Response>(
  path: string,
  call: ServerUnaryCall<Request, Response>,
  callback: sendUnaryData<Response>,
  handler: (request: Request, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
  context: AnswerContext,
): Promise<void> {
  const waitMs = patience(call, context.now());
  let isAnswered = false;
  const once: sendUnaryData<Response> = (...answered) => {
    if (isAnswered) return;
    isAnswered = true;
    clearTimeout(timer);
    callback(...answered);
  };
  const fail = (error: unknown): void => once(toServiceError(known(path, error, context)));
  const timer = setTimeout(() => fail(late(path, waitMs)), waitMs);
  try {
    once(null, await handler(call.request, call));
  } catch (error) {
    if (!isAnswered) fail(error);
  }
}

/** Until the caller's deadline, or 10 s where the caller gave none. */
function patience(call: { getDeadline(): Date | number }, nowMs: number): number {
  const deadline = Number(call.getDeadline());
  return Number.isFinite(deadline) ? Math.max(0, Math.min(deadline - nowMs, 2 ** 31 - 1)) : unaryDeadlineMs;
}

function late(path: string, waitMs: number): DroverError {
  return new DroverError('deadline-exceeded', `${path.slice(1)}: not done in ${Math.round(waitMs)} ms`);
}

function known(path: string, error: unknown, context: AnswerContext): DroverError {
  if (error instanceof DroverError) return error;
  const id = randomUUID();
  context.fault(id, path, error);
  const cure = `look for ${id} in the log of the control plane`;
  return new DroverError('internal', `a fault of the control plane; ${cure}`, {
    field: 'fault',
    value: id,
    cure,
  });
}
