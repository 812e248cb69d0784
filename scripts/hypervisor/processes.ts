/** Finds and ends processes by name and namespace, so that nothing depends on pid files of an earlier, killed run. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Which namespace a process is asked about. */
export type NamespaceKind = 'mnt' | 'net';

/** The namespace of a process as the kernel names it (`mnt:[4026531841]`); undefined when the process is gone. */
export function namespaceOf(pid: number | 'self', kind: NamespaceKind): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined;
  }
}

/** Every process id of the machine, ascending. */
export function allProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Processes of one namespace; with `name` only those whose command name (15 characters at most) it is. */
export function processesIn(kind: NamespaceKind, namespace: string, name?: string): number[] {
  return allProcesses().filter(
    (pid) =>
      namespaceOf(pid, kind) === namespace &&
      (name === undefined || commandName(pid) === name) &&
      isAlive(pid),
  );
}

/** The kernel's command name of a process, cut at 15 characters; undefined when it is gone. */
export function commandName(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Start time in clock ticks since boot: with the pid it names one process for ever (proc(5), stat field 22). */
export function startTime(pid: number): string | undefined {
  return statFields(pid)?.[19];
}

/** False for a process that is gone or a zombie. */
export function isAlive(pid: number): boolean {
  const state = statFields(pid)?.[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Fields of /proc/PID/stat from the third (state) on; the command before it may hold spaces and brackets. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Asks processes to end, and kills those that remain after `graceMs`. Answers when all are gone or after 5 s more. */
export async function endProcesses(pids: readonly number[], graceMs: number): Promise<void> {
  if (graceMs > 0) {
    signalAll(pids, 'SIGTERM');
    await gone(pids, graceMs);
  }
  const left = pids.filter(isAlive);
  signalAll(left, 'SIGCONT'); // a stopped process ends too, but its parent may wait for it
  signalAll(left, 'SIGKILL');
  await gone(left, 5_000);
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // it ended by itself
    }
  }
}

async function gone(pids: readonly number[], deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (pids.some(isAlive) && performance.now() < end) await sleep(20);
}
