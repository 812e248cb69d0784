/** The programs that `make run` starts: their output goes to log files, they end with it, and leftovers are ended first. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  /** Ends the program: SIGTERM, and SIGKILL after the grace. */
  stop(graceMs?: number): Promise<void>;
}

export interface Children {
  start(name: string, program: string, argv: readonly string[]): Child;
  /** The last lines of a program's log. */
  log(name: string, lines?: number): string;
}

/** Programs whose state lives below `folder`. Ends what an earlier, killed run left there. */
export async function openChildren(folder: string): Promise<Children> {
  mkdirSync(folder, { recursive: true });
  return {
    start: (name, program, argv) => startChild(folder, name, program, argv),
    log: (name, lines = 15) => tail(join(folder, `${name}.log`), lines),
  };
}

/** Ends a program that an earlier run started and that outlived it. Its command line must still name the program. */
export async function endLeftover(folder: string, name: string, program: string): Promise<boolean> {
  const file = join(folder, `${name}.pid`);
  const pid = Number(readText(file));
  rmSync(file, { force: true });
  if (!pid || !readText(`/proc/${pid}/cmdline`).split('\0').includes(program)) return false;
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; waited < 5000 && readText(`/proc/${pid}/cmdline`) !== ''; waited += 50)
    await sleep(50);
  if (readText(`/proc/${pid}/cmdline`) !== '') process.kill(pid, 'SIGKILL');
  return true;
}

/** As in the first line of agent/bin.cts. */
const smallHeap = ['--max-semi-space-size=1'];

function startChild(folder: string, name: string, program: string, argv: readonly string[]): Child {
  const log = openSync(join(folder, `${name}.log`), 'w', 0o600);
  // Its own process group: Ctrl-C reaches only this program, which then ends the others in the right order.
  const child = spawn(process.execPath, [...smallHeap, program, ...argv], {
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  const pidFile = join(folder, `${name}.pid`);
  writeFileSync(pidFile, `${child.pid}`);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (graceMs = 10_000): Promise<void> => {
    const running = (): boolean => child.exitCode === null && child.signalCode === null;
    if (running()) child.kill('SIGTERM');
    await Promise.race([ended, sleep(graceMs, undefined, { ref: false })]);
    if (running()) child.kill('SIGKILL');
    await ended;
    rmSync(pidFile, { force: true });
  };
  return { name, process: child, stop };
}

/** Waits until `check` answers something. Errors: with `what` and the log of the program that ended, or when the deadline passes. */
export async function waitFor<Result>(
  what: string,
  deadlineMs: number,
  check: () => Promise<Result | undefined>,
  needed: readonly Child[] = [],
  children?: Children,
): Promise<Result> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const result = await check().catch(() => undefined);
    if (result !== undefined) return result;
    const dead = needed.find((child) => child.process.exitCode !== null || child.process.signalCode !== null);
    if (dead) throw new Error(`${what}: ${dead.name} ended\n${children?.log(dead.name) ?? ''}`);
    if (performance.now() > end)
      throw new Error(
        `${what}: not within ${deadlineMs / 1000} s\n${needed.map((child) => children?.log(child.name) ?? '').join('\n')}`,
      );
    await sleep(100);
  }
}

function tail(file: string, lines: number): string {
  return readText(file).trimEnd().split('\n').slice(-lines).join('\n');
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
