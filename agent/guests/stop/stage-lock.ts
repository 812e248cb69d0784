/**
 * One owner of the guest stage on a host, across processes: the running agent, or the second line of a shutdown. As the lock
 * of the state directory it names a process and its start time, so that a process that was killed holds nothing. Here two
 * may come at the same moment, so a lock of a dead process is not removed but outnumbered: each owner makes the file with
 * the next number, whole or not at all, and the highest number counts. Of two that make the same number one fails.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DroverError, invalid } from '../../../proto/wire/errors.js';
import { startTicks } from '../../kernel/procfs.js';
import type { KernelRoot } from '../../kernel/root.js';
import { storageFailed } from '../../reconcile/durable-file.js';
import type { Clock } from './clock.js';

export interface StageLockOptions {
  /** Of its own, below the state directory. */
  readonly directory: string;
  readonly kernel: KernelRoot;
  readonly clock: Clock;
  /** How long to wait for the owner; 0: not at all. */
  readonly limitMs: number;
  readonly signal?: AbortSignal;
}

/** Between two tries. */
const pollMs = 200;

/**
 * Takes the lock, as soon as no living process holds it; answers how to give it back (a second time does nothing). This
 * process's own counts too: one stage at a time. Errors: `failed-precondition` naming the owner when `limitMs` have passed,
 * `unavailable` when the signal is aborted, `storage-failed`.
 */
export async function takeStageLock(options: StageLockOptions): Promise<() => void> {
  const { directory, clock, limitMs, signal } = options;
  if (!(limitMs >= 0)) throw invalid('limitMs', limitMs, 'milliseconds from 0');
  const endMs = clock.now() + limitMs;
  for (;;) {
    if (signal?.aborted) throw new DroverError('unavailable', 'not waited for the guest stage: told to end');
    const taken = tryTake(options);
    if (typeof taken === 'function') return taken;
    if (clock.now() >= endMs) throw held(directory, taken);
    await clock.sleep(Math.min(pollMs, endMs - clock.now()), signal);
  }
}

/** The living process that owns the stage; undefined: none. */
export function stageOwner(directory: string, kernel: KernelRoot): number | undefined {
  const highest = numbers(directory).at(-1);
  return highest === undefined ? undefined : liveOwner(fileOf(directory, highest), kernel);
}

/** How to give the lock back; or the process that has it; or undefined: somebody else was quicker. */
function tryTake({ directory, kernel }: StageLockOptions): (() => void) | number | undefined {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const highest = numbers(directory).at(-1) ?? 0;
    const owner = highest === 0 ? undefined : liveOwner(fileOf(directory, highest), kernel);
    return owner ?? make(directory, highest + 1, kernel);
  } catch (cause) {
    throw storageFailed('lock', directory, cause);
  }
}

function make(directory: string, number: number, kernel: KernelRoot): (() => void) | undefined {
  const file = fileOf(directory, number);
  const own = join(directory, `${process.pid}.tmp`);
  writeFileSync(own, `${process.pid} ${startTicks(kernel, process.pid) ?? 0}`, { mode: 0o600 });
  try {
    linkSync(own, file); // unlike creating and then writing, it is never seen empty
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw cause;
  } finally {
    rmSync(own);
  }
  const known = numbers(directory);
  // Somebody went on from this number and removed it, before it was made here from an old list.
  const isNewest = known.at(-1) === number;
  for (const old of isNewest ? known.slice(0, -1) : [number]) rmSync(fileOf(directory, old), { force: true });
  return isNewest ? releaseOf(directory, file) : undefined;
}

/** The number stays, with nobody's name: a number that is gone could be made anew from an old list. */
function releaseOf(directory: string, file: string): () => void {
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    const own = join(directory, `${process.pid}.tmp`);
    writeFileSync(own, 'free', { mode: 0o600 });
    renameSync(own, file);
  };
}

/** Numbers of lock files, ascending. */
function numbers(directory: string): number[] {
  return namesIn(directory)
    .flatMap((name) => (/^owner\.\d{1,15}$/.test(name) ? [Number(name.slice('owner.'.length))] : []))
    .toSorted((a, b) => a - b);
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
}

function fileOf(directory: string, number: number): string {
  return join(directory, `owner.${number}`);
}

function liveOwner(file: string, kernel: KernelRoot): number | undefined {
  const [pid = '', ticks = ''] = contentOf(file).split(' ');
  return /^\d+$/.test(pid) && `${startTicks(kernel, Number(pid))}` === ticks ? Number(pid) : undefined;
}

/** Of a file that a newer owner removed meanwhile: nothing. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw cause;
  }
}

function held(directory: string, owner: number | undefined): DroverError {
  const who = owner === undefined ? 'another process' : `process ${owner}`;
  const cure = `wait for it, or end ${who}`;
  return new DroverError('failed-precondition', `${who} stops or starts the guests of this host; ${cure}`, {
    field: 'guest stage',
    value: directory,
    cure,
  });
}
