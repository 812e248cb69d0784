/** Errors over the wire: a DroverError as gRPC status and trailing metadata, and back again at the client. */
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { DroverError, isErrorCode, type ErrorCode } from './errors.js';

/** Trailing metadata with the JSON of `{code, field, value, cure}`: ASCII, at most 4 KiB. */
export const errorMetadataKey = 'drover-error';
/** 3 texts of 200 characters, each at most 6 bytes as JSON, stay under 4 KiB. */
const textLimit = 200;
const messageLimit = 1000;

/** What gRPC needs to answer with `error`. */
export function toServiceError(error: DroverError): ServiceError {
  const metadata = new Metadata();
  metadata.set(errorMetadataKey, encodeDetail(error));
  const details = cut(error.message, messageLimit);
  return Object.assign(new Error(details), { code: error.kind.grpc, details, metadata });
}

function encodeDetail({ code, field, value, cure }: DroverError): string {
  const detail = {
    code,
    field: cut(field, textLimit),
    value: cut(value, textLimit),
    cure: cut(cure, textLimit),
  };
  // Metadata is ASCII on the wire; \\u escapes keep the text and stay JSON.
  return JSON.stringify(detail).replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function cut<T extends string | undefined>(text: T, limit: number): T {
  return (text !== undefined && text.length > limit ? `${text.slice(0, limit - 3)}...` : text) as T;
}

/** Any failure of a call as the DroverError that the server threw, or the nearest one where it sent no detail. */
export function fromServiceError(thrown: unknown): DroverError {
  if (thrown instanceof DroverError) return thrown;
  const error = thrown as Partial<ServiceError>;
  const message = error.details || error.message || String(thrown);
  const sent = parseDetail(error.metadata?.get(errorMetadataKey)[0]);
  return new DroverError(sent?.code ?? codeOf(error.code, message), message, {
    ...sent?.detail,
    cause: thrown,
  });
}

function parseDetail(text: unknown): { code: ErrorCode; detail: Record<string, string> } | undefined {
  if (typeof text !== 'string' || text.length > 4096) return undefined;
  try {
    const { code, ...rest } = JSON.parse(text) as Record<string, unknown>;
    if (typeof code !== 'string' || !isErrorCode(code)) return undefined;
    const known = ['field', 'value', 'cure'].flatMap((key) =>
      typeof rest[key] === 'string' ? [[key, rest[key]]] : [],
    );
    return { code, detail: Object.fromEntries(known) as Record<string, string> };
  } catch {
    // Something between both sides wrote this; the status alone still tells the kind.
    return undefined;
  }
}

const byStatus: Partial<Record<status, ErrorCode>> = {
  [status.INVALID_ARGUMENT]: 'invalid-argument',
  [status.NOT_FOUND]: 'not-found',
  [status.ALREADY_EXISTS]: 'already-exists',
  [status.FAILED_PRECONDITION]: 'failed-precondition',
  [status.UNAUTHENTICATED]: 'unauthenticated',
  [status.PERMISSION_DENIED]: 'permission-denied',
  [status.RESOURCE_EXHAUSTED]: 'resource-exhausted',
  [status.DEADLINE_EXCEEDED]: 'deadline-exceeded',
  [status.CANCELLED]: 'unavailable',
  [status.UNAVAILABLE]: 'unavailable',
  [status.ABORTED]: 'stale-revision',
  [status.DATA_LOSS]: 'storage-corrupt',
  [status.UNIMPLEMENTED]: 'unsupported',
};

function codeOf(code: status | undefined, message: string): ErrorCode {
  if (code === status.RESOURCE_EXHAUSTED && /larger than max/i.test(message)) return 'message-too-large';
  return (code !== undefined && byStatus[code]) || 'internal';
}
