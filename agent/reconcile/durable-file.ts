/** Files that are there whole or not at all, also after a power cut. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import type { Log } from '../log.js';

/**
 * Replaces a file: a temporary file beside it is written and fsynced, renamed over it, and the directory is fsynced,
 * because rename(2) alone is durable only with its directory. The directory is made with mode 0700 where it is absent.
 * Errors: `storage-failed` naming the file; the old content stands then.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeSynced(temporary, text);
    await rename(temporary, file);
    await syncDirectory(dirname(file));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first fault is the one to report
    throw storageFailed('replace', file, cause);
  }
}

/** Removes a file for good; nothing happens where there is none. Errors: `storage-failed`. */
export async function removeFile(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
    await syncDirectory(dirname(file));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw storageFailed('remove', file, cause);
  }
}

/** The text of a file; undefined where there is none. Errors: `storage-failed`. */
export async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw storageFailed('read', file, cause);
  }
}

/** What a text says as JSON; undefined where it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export interface LoadOptions {
  /** Hears of a file that is damaged. */
  readonly log?: Pick<Log, 'warn'>;
  /** Nothing on disk is touched: a damaged file stays where it is. */
  readonly readOnly?: boolean;
  /** A file that cannot be read counts as none too: for a command that needs nothing of it. */
  readonly isSpare?: boolean;
}

/**
 * What `parse` makes of a file that somebody else can give again; undefined where there is none. A file of which it makes
 * nothing is damaged: it counts as none, is kept beside as `FILE.damaged` (the newest alone), and a warning says so. Errors:
 * `storage-failed`.
 */
export async function loadOrSetAside<Value>(
  file: string,
  parse: (text: string) => Value | undefined,
  { log, readOnly = false, isSpare = false }: LoadOptions,
): Promise<Value | undefined> {
  try {
    const text = await readText(file);
    const value = text === undefined ? undefined : parse(text);
    if (text === undefined || value !== undefined) return value;
    const kept = readOnly ? file : await setAside(file);
    log?.warn({ file, kept }, 'damaged, so it counts as none; the control plane sends it again');
  } catch (thrown) {
    if (!isSpare) throw thrown;
    log?.warn({ file, error: asDroverError(thrown).message }, 'not read, and not needed for this');
  }
  return undefined;
}

async function setAside(file: string): Promise<string> {
  const kept = `${file}.damaged`;
  try {
    await rename(file, kept);
    await syncDirectory(dirname(file));
    return kept;
  } catch (cause) {
    throw storageFailed('set aside', file, cause);
  }
}

/** A `storage-failed` error in one form: what was attempted, on which file, and the errno. */
export function storageFailed(what: string, file: string, cause: unknown): DroverError {
  const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new DroverError('storage-failed', `${what} ${file}: ${reason}`, { field: file, cause });
}

/** Makes the names in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
