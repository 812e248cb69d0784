/**
 * One process for a store. The lock is an abstract Unix socket (unix(7)) named after the folder's device and inode: the
 * kernel lets one process bind it and frees it when that process ends, also by kill -9, so there is no stale lock to
 * judge. It holds within one network namespace; between containers the revision check of every commit still fences.
 */
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { DroverError } from '../../proto/wire/errors.js';

export interface FolderLock {
  release(): Promise<void>;
}

/** Takes the lock of a folder. Errors: `failed-precondition` when another opener has it. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const { dev, ino } = statSync(folder);
  const server = createServer((socket) => socket.destroy());
  server.maxConnections = 1;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(refusal(folder, cause)));
    server.listen({ path: `\0drover-store-${dev}-${ino}`, exclusive: true }, resolve);
  });
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

function refusal(folder: string, cause: NodeJS.ErrnoException): DroverError {
  const taken = cause.code === 'EADDRINUSE';
  const cure = taken
    ? 'stop the other drover-controlplane, or give this one a folder of its own'
    : 'see the cause';
  const message = taken
    ? `${folder} is open in another process; ${cure}`
    : `cannot lock ${folder}: ${cause.message}`;
  return new DroverError(taken ? 'failed-precondition' : 'storage-failed', message, {
    field: 'store',
    value: folder,
    cure,
    cause,
  });
}
