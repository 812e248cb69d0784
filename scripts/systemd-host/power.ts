/** One run of a host, from power on to power off: systemd-nspawn with the host's systemd as process 1 of its namespaces. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeGroups, removeGroups } from './groups.js';

/** Moves the shell into the groups before "--" and becomes what stands behind it; it dies with the process that started it. */
const program =
  'while [ "$1" != -- ]; do echo $$ >"$1" || exit 1; shift; done; shift; exec setpriv --pdeathsig SIGKILL -- "$@"';

export class Power {
  readonly #child: ChildProcess;
  readonly #name: string;
  #complaint = '';
  #leader: number | undefined;

  /** Switches a host on. It has no network but its own loopback, and the machine's /sys read-only. */
  constructor(name: string, root: string) {
    this.#name = name;
    removePropagation(name);
    const nspawn = [
      ...['systemd-nspawn', '--quiet', '--boot', '--register=no', '--keep-unit', '--private-network'],
      // --capability: libvirt, Open vSwitch and the bed's own unit need what a container usually lacks.
      ...[`--directory=${root}`, `--machine=${name}`, `--hostname=${name}`, '--capability=all'],
      ...['--console=pipe', '--link-journal=no', '--', 'systemd.show_status=0'],
    ];
    const argv = ['-c', program, 'sh', ...makeGroups(name), '--', ...nspawn];
    this.#child = spawn('sh', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on(
        'data',
        (chunk: Buffer) => (this.#complaint = `${this.#complaint}${chunk.toString()}`.slice(-2000)),
      );
  }

  get isOff(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Errors: when the host is off, with nspawn's last words. */
  checkOn(): void {
    if (this.isOff) throw new Error(`${this.#name} is off: ${this.#complaint.trim()}`);
  }

  /** The machine's process id of the host's process 1. Errors: while there is none, or when the host is off. */
  get leader(): number {
    const pid = this.#child.pid as number;
    this.checkOn();
    this.#leader ??= childrenOf(pid).find((child) => innerPid(child) === 1);
    if (this.#leader === undefined) throw new Error(`${this.#name} has not come to its process 1 yet`);
    return this.#leader;
  }

  /** Answers when the host is off and nothing of it runs. Errors: when it is on after the deadline. */
  async off(deadlineMs: number): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (!this.isOff) {
      if (performance.now() > end) throw new Error(`${this.#name} is still on after ${deadlineMs} ms`);
      await sleep(20);
    }
    await removeGroups(this.#name);
  }

  /** Pulls the plug: nothing in the host hears of it. */
  async cut(): Promise<void> {
    const leader = this.leader;
    process.kill(leader, 'SIGKILL');
    await this.off(20_000);
  }
}

/** nspawn leaves a directory when it is killed, and does not start where there is one. */
export function removePropagation(name: string): void {
  rmSync(`/run/systemd/nspawn/propagate/${name}`, { recursive: true, force: true });
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** The id that a process has in its own namespace of processes; proc(5), NSpid. */
function innerPid(pid: number): number | undefined {
  try {
    const ids = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split(/\s+/);
    return ids && ids.length > 1 ? Number(ids.at(-1)) : undefined;
  } catch {
    return undefined;
  }
}
