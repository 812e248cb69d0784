/**
 * The one catalogue of errors: a stable code, the gRPC status it travels as, the exit code the command ends with, and
 * whether trying again can help. `docs/reference/errors.md` lists the same rows, and a test compares them.
 */
import { status } from '@grpc/grpc-js';

export interface ErrorKind {
  readonly grpc: status;
  readonly exit: number;
  readonly retryable: boolean;
  /** One line for the reference page. */
  readonly meaning: string;
}

/** Exit codes of every command: 0 done, 1 failed, 2 changes pending, 3 not found, 4 denied, 5 unreachable, 64 usage. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  pending: 2,
  notFound: 3,
  denied: 4,
  unreachable: 5,
  usage: 64,
} as const;

const kind = (grpc: status, exit: number, retryable: boolean, meaning: string): ErrorKind => ({
  grpc,
  exit,
  retryable,
  meaning,
});

export const errorKinds = {
  'invalid-argument': kind(status.INVALID_ARGUMENT, 64, false, 'A field has a value that cannot be used.'),
  'not-found': kind(status.NOT_FOUND, 3, false, 'Nothing has this name or id.'),
  'already-exists': kind(status.ALREADY_EXISTS, 1, false, 'Something else has this name or id.'),
  'no-valid-host': kind(status.FAILED_PRECONDITION, 1, true, 'Every host was refused by a filter.'),
  'failed-precondition': kind(status.FAILED_PRECONDITION, 1, false, 'The state of things forbids this now.'),
  unauthenticated: kind(status.UNAUTHENTICATED, 4, false, 'No valid certificate or join token.'),
  'permission-denied': kind(
    status.PERMISSION_DENIED,
    4,
    false,
    'The certificate has no role that allows this.',
  ),
  'resource-exhausted': kind(status.RESOURCE_EXHAUSTED, 1, true, 'A stated limit is reached.'),
  'message-too-large': kind(status.RESOURCE_EXHAUSTED, 64, false, 'A message is over its limit.'),
  'deadline-exceeded': kind(status.DEADLINE_EXCEEDED, 5, true, 'No answer came in time.'),
  unavailable: kind(status.UNAVAILABLE, 5, true, 'The other side cannot be reached.'),
  'stale-revision': kind(status.ABORTED, 1, true, 'Another writer was first; read again and retry.'),
  'version-mismatch': kind(
    status.FAILED_PRECONDITION,
    1,
    false,
    'Both sides speak no common protocol version.',
  ),
  'storage-failed': kind(status.UNAVAILABLE, 1, true, 'The store could not write; nothing was changed.'),
  'storage-corrupt': kind(status.DATA_LOSS, 1, false, 'A file of the store or ledger cannot be read.'),
  'kernel-write-failed': kind(status.INTERNAL, 1, true, 'The kernel refused a value.'),
  'libvirt-failed': kind(status.INTERNAL, 1, true, 'A libvirt call failed.'),
  unsupported: kind(status.UNIMPLEMENTED, 1, false, 'This host has no such setting.'),
  internal: kind(status.INTERNAL, 1, false, 'A fault of Drover itself.'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorKinds;

export interface ErrorDetail {
  /** Path of the field that is wrong, as the user wrote it: `tuners.ksm.run`. */
  field?: string;
  /** The value that was found, as text. */
  value?: string;
  /** What would be right. */
  cure?: string;
  cause?: unknown;
}

/** An operating error: it is handled, shown to a person and sent over the wire. Programming errors are plain `Error`s. */
export class DroverError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly value: string | undefined;
  readonly cure: string | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'DroverError';
    this.code = code;
    this.field = detail.field;
    this.value = detail.value;
    this.cure = detail.cure;
  }

  get kind(): ErrorKind {
    return errorKinds[this.code];
  }
}

/** True when `code` is in the catalogue. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorKinds, code);
}

/** An `invalid-argument` error in the one form that all of Drover uses: field, value, cure. */
export function invalid(field: string, value: unknown, cure: string): DroverError {
  const text = shown(value);
  return new DroverError('invalid-argument', `${field}: got ${text}; want ${cure}`, {
    field,
    value: text,
    cure,
  });
}

/** Any thrown thing as a DroverError; what is not one becomes `internal` with its cause kept. */
export function asDroverError(thrown: unknown): DroverError {
  if (thrown instanceof DroverError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new DroverError('internal', message, { cause: thrown });
}

/** At most 120 characters of a value, quoted where it is text. */
function shown(value: unknown): string {
  const isNumber = typeof value === 'number' || typeof value === 'bigint'; // NaN has no JSON
  const text =
    typeof value === 'string' ? `"${value}"` : isNumber ? `${value}` : (JSON.stringify(value) ?? 'nothing');
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
