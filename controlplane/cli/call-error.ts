/** Why a call failed, in words that name the control plane and the file to look at. */
import { status, type ServiceError } from '@grpc/grpc-js';
import { DroverError } from '../../proto/wire/errors.js';
import { fromServiceError } from '../../proto/wire/remote-error.js';
import { formatDuration } from '../../proto/wire/units.js';
import type { ContextFile } from './context.js';
import { handshakeFault, type Credentials } from './credentials.js';

/** OpenSSL's and Node's words for a certificate that one side does not accept. */
const certificateFault =
  /certificate|self[- ]signed|altname|unable to (?:verify|get)|wrong version number|SSL routines|ssl\/tls alert|EPROTO/i;

/**
 * A failed call as a DroverError. TLS that does not come about is `unauthenticated` (exit 4), no listener `unavailable`
 * and silence `deadline-exceeded` (exit 5); what the control plane itself answered keeps its own code and detail.
 */
export async function callError(
  error: ServiceError,
  context: ContextFile,
  own: Credentials,
  timeoutMs: number,
): Promise<DroverError> {
  if (error.code === status.UNAVAILABLE && isConnectionFault(error.details))
    return connectionError(error, context, own);
  const remote = fromServiceError(error);
  return remote.code === 'deadline-exceeded' ? silent(error, context, timeoutMs) : remote;
}

async function connectionError(
  error: ServiceError,
  context: ContextFile,
  own: Credentials,
): Promise<DroverError> {
  if (certificateFault.test(error.details)) return tlsError(error, context, reasonOf(error));
  // With TLS 1.3 a server refuses a client's certificate after the client thinks that it is connected, and gRPC keeps
  // only "failed to connect" of that: one plain handshake hears the server's alert.
  const alert = /ECONNREFUSED|EHOST|ENET|resolution/.test(error.details)
    ? undefined
    : await handshakeFault(context.address, own);
  return alert === undefined ? absent(error, context) : tlsError(error, context, alert);
}

function isConnectionFault(details: string): boolean {
  return (
    certificateFault.test(details) ||
    /No connection established|Failed to connect|Name resolution failed|ECONN|EHOST|ENET|Connection dropped|socket hang up/i.test(
      details,
    )
  );
}

function tlsError(cause: ServiceError, { address, file }: ContextFile, reason: string): DroverError {
  const cure = `check authority, certificate and key in ${file}: both sides must hold certificates of the same authority that have not expired`;
  return new DroverError(
    'unauthenticated',
    `no TLS connection to the control plane at ${address}: ${reason}`,
    { field: 'address', value: address, cure, cause },
  );
}

function absent(cause: ServiceError, { address, file }: ContextFile): DroverError {
  const cure = `start the control plane, or correct address in ${file}`;
  return new DroverError('unavailable', `the control plane is not there: ${address}: ${reasonOf(cause)}`, {
    field: 'address',
    value: address,
    cure,
    cause,
  });
}

function silent(cause: ServiceError, { address }: ContextFile, timeoutMs: number): DroverError {
  const cure = 'try again, or give it longer with --timeout';
  return new DroverError(
    'deadline-exceeded',
    `the control plane at ${address} did not answer within ${formatDuration(timeoutMs)}`,
    { field: 'address', value: address, cure, cause },
  );
}

/** The innermost reason: grpc-js wraps it in words about its own state. */
function reasonOf({ details }: ServiceError): string {
  const last = /Last error: ([^.]*(?:\.[^. ][^.]*)*)/.exec(details)?.[1] ?? details;
  const line = last.replace(/^Error: /, '').split('\n')[0] as string;
  return line.replace(/ \(\d{4}-\d\d-\d\dT[^)]*\)$/, '');
}
