/** `drover-agent join`: gives this host an identity, also in place of one that expired or whose host was deleted. */
import { lockForWriting } from '../host/host-lock.js';
import { HostRoot } from '../kernel/root.js';
import { identityFile } from '../session/identity.js';
import { joinFleet, type RunOptions } from './run.js';

/** Joins, with no agent running. Answers the host's id. Errors: those of `joinFleet`; `failed-precondition` while one runs. */
export async function joinAnew(
  options: Pick<RunOptions, 'config' | 'log'> & { join: NonNullable<RunOptions['join']> },
): Promise<string> {
  const { state_directory: directory } = options.config;
  const unlock = await lockForWriting(directory, new HostRoot(), true);
  try {
    return (await joinFleet(options, identityFile(directory))).hostId;
  } finally {
    await unlock();
  }
}
