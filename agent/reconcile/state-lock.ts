/**
 * One writer for a state directory: the running agent, or one standalone command. The lock names a process and its start
 * time, so the lock of a process that was killed, or whose number another has now, counts for nothing.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DroverError } from '../../proto/wire/errors.js';
import { startTicks } from '../kernel/procfs.js';
import type { KernelRoot } from '../kernel/root.js';

/** Takes the lock; answers how to give it back. Errors: `failed-precondition` naming the process that holds it. */
export function lockState(directory: string, kernel: KernelRoot): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, 'lock');
  const mine = `${process.pid} ${startTicks(kernel, process.pid) ?? 0}`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx', mode: 0o600 });
      return () => rmSync(file, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      const holder = liveHolder(file, kernel);
      if (holder !== undefined) {
        const cure = `stop process ${holder} first, or give another state directory`;
        throw new DroverError('failed-precondition', `${directory} is in use by process ${holder}; ${cure}`, {
          field: 'state_directory',
          value: directory,
          cure,
        });
      }
      rmSync(file, { force: true });
    }
  }
  throw new DroverError('failed-precondition', `${directory} is being taken by another process`, {
    field: 'state_directory',
    value: directory,
  });
}

/** The process that holds the lock; undefined when none does. */
export function lockHolder(directory: string, kernel: KernelRoot): number | undefined {
  return liveHolder(join(directory, 'lock'), kernel);
}

function liveHolder(file: string, kernel: KernelRoot): number | undefined {
  const [pid = '', ticks = ''] = readText(file).split(' ');
  return pid !== '' && `${startTicks(kernel, Number(pid))}` === ticks ? Number(pid) : undefined;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
