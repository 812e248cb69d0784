/** The limits that every store keeps, and the check of a batch against them. */
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { Write } from './store.js';

export const storeLimits = {
  keyBytes: 512,
  valueBytes: 4 * 2 ** 20,
  batchWrites: 10_000,
  batchBytes: 64 * 2 ** 20,
} as const;

/** How much of the past is kept for `tail`: whichever limit is reached first; the newest commit is always kept. */
export interface LogLimits {
  readonly commits: number;
  readonly bytes: number;
}

/** A standby that is 10,000 commits behind (about 5 s at full rate) reads the whole store anew faster than the log. */
export const defaultLogLimits: LogLimits = { commits: 10_000, bytes: 64 * 2 ** 20 };

/**
 * Checks a batch before anything is touched and answers its size in bytes (keys and values).
 * Errors: `invalid-argument` for a key or a value; `resource-exhausted` for a batch over the limits.
 */
export function checkBatch(writes: readonly Write[]): number {
  if (writes.length > storeLimits.batchWrites)
    throw tooLarge(`${writes.length} writes`, `at most ${storeLimits.batchWrites}`);
  let bytes = 0;
  for (const write of writes) bytes += checkKey(write.key) + checkValue(write);
  if (bytes > storeLimits.batchBytes) throw tooLarge(`${bytes} bytes`, `at most ${storeLimits.batchBytes}`);
  return bytes;
}

/** Bytes of a key that is one. */
function checkKey(key: string): number {
  const bytes = isAscii(key) ? key.length : Buffer.byteLength(key);
  if (bytes < 1 || bytes > storeLimits.keyBytes)
    throw invalid('key', key, `1 to ${storeLimits.keyBytes} bytes`);
  // Lone surrogates all become U+FFFD in UTF-8, so two keys could become one. Where each character is a byte there are none.
  if (bytes !== key.length && /\p{Surrogate}/u.test(key))
    throw invalid('key', key, 'well-formed Unicode text');
  return bytes;
}

/** To ask the engine for the bytes of a short text costs more than to look at its characters. */
function isAscii(key: string): boolean {
  for (let index = 0; index < key.length; index++) if (key.charCodeAt(index) > 127) return false;
  return true;
}

function checkValue({ key, value }: Write): number {
  const bytes = value?.byteLength ?? 0;
  if (bytes > storeLimits.valueBytes)
    throw invalid(`value of ${key}`, `${bytes} bytes`, `at most ${storeLimits.valueBytes} bytes`);
  return bytes;
}

function tooLarge(found: string, wanted: string): DroverError {
  return new DroverError('resource-exhausted', `batch: ${found}; a batch may have ${wanted}`, {
    field: 'batch',
    value: found,
    cure: wanted,
  });
}

/** The error of a writer that is not the newest. */
export function staleRevision(expected: number, newest: number): DroverError {
  const cure = 'load the store again and retry';
  const message = `revision ${expected} is not the newest: another writer has reached ${newest}; ${cure}`;
  return new DroverError('stale-revision', message, { field: 'revision', value: String(expected), cure });
}

/** The error of going through a snapshot that was let go. */
export function snapshotClosed(): DroverError {
  const cure = 'load the store again';
  return new DroverError('failed-precondition', `the snapshot is closed; ${cure}`, {
    field: 'snapshot',
    cure,
  });
}

/** The error of a call on a closed store. */
export function storeClosed(): DroverError {
  return new DroverError('failed-precondition', 'the store is closed; open it again', {
    field: 'store',
    cure: 'open it again',
  });
}
