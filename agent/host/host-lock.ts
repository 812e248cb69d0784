/**
 * One writer for a host, whatever state directories its agents have: two that held different profiles would undo each
 * other for ever. The lock is an abstract UNIX socket (unix(7)): it is a network namespace's own, like a host's address,
 * and ends with the process that holds it.
 */
import { createServer } from 'node:net';
import { DroverError } from '../../proto/wire/errors.js';
import type { KernelRoot } from '../kernel/root.js';
import { lockState } from '../reconcile/state-lock.js';

/** The name of the socket; the leading NUL makes it abstract. */
const hostSocket = '\0drover-agent';

/** Takes the lock; answers how to give it back. Errors: `failed-precondition` when another agent has it. */
export function lockHost(name = hostSocket): Promise<() => Promise<void>> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const cure =
        'stop the other agent first; drover-agent status names it if it has the same state directory';
      const message =
        cause.code === 'EADDRINUSE'
          ? `another drover-agent runs on this host; ${cure}`
          : `host lock: ${cause.message}`;
      reject(new DroverError('failed-precondition', message, { field: 'host', cure, cause }));
    });
    server.listen({ path: name }, () => {
      server.unref();
      resolve(() => new Promise((done) => server.close(() => done())));
    });
  });
}

/**
 * Takes a state directory, and the host as well unless this agent only plans. Answers how to give both back.
 * Errors: `failed-precondition` naming what is in use.
 */
export async function lockForWriting(
  stateDirectory: string,
  kernel: KernelRoot,
  planOnly: boolean,
): Promise<() => Promise<void>> {
  const unlockState = lockState(stateDirectory, kernel);
  try {
    const unlockHost = planOnly ? async () => undefined : await lockHost();
    return async () => {
      unlockState();
      await unlockHost();
    };
  } catch (error) {
    unlockState();
    throw error;
  }
}
