/** Files that are there whole or not at all, also after a power cut. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DroverError } from '../../proto/wire/errors.js';

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
