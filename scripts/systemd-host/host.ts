/**
 * A host with systemd as process 1, logind, D-Bus, machined, libvirt, Open vSwitch and KVM guests, which boots in a second or
 * two and is switched off and on again with the same disk. Several stand beside each other. The kernel, and with it KSM, huge
 * pages and sysctls, is the machine's. Open vSwitch's bridges need `datapath_type=netdev` there.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Run, runner } from '../hypervisor/command.js';
import { furnish } from './furnish.js';
import { mountDisk } from './disk.js';
import { type Entry, readJournal } from './journal.js';
import { claimHost, removeHost, removeLeftovers } from './leftovers.js';
import { Power } from './power.js';
import { rootTree } from './rootfs.js';

export interface HostOptions {
  /** Directories over the root tree, the first on top: `droverLayer`. */
  readonly layers?: readonly string[];
  /** Writes files to the host's disk before its first boot. */
  prepare?(root: string): void | Promise<void>;
}

export interface ExecOptions {
  readonly input?: string;
  /** The program is killed after this time. Default 20 s. */
  readonly timeoutMs?: number;
}

export interface Ended {
  /** Exit code of the program; 124 or 137: it was ended by its deadline. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const environment = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', 'HOME=/root', 'LANG=C.UTF-8'];

export class SystemdHost {
  readonly name: string;
  /** Its root directory as the machine sees it. */
  readonly root: string;
  readonly #boots: string[] = [];
  #power: Power | undefined;

  private constructor(name: string, root: string) {
    this.name = name;
    this.root = root;
  }

  /** A host that is off, named after this process and `label`. Hosts of dead processes are removed first. */
  static async make(label: string, options: HostOptions = {}): Promise<SystemdHost> {
    await removeLeftovers();
    const tree = await rootTree();
    const name = `drover-host-${process.pid}-${label}`;
    const directory = claimHost(name);
    try {
      const root = await mountDisk(directory, [...(options.layers ?? []), tree]);
      furnish(root, name, randomUUID());
      await options.prepare?.(root);
      return new SystemdHost(name, root);
    } catch (cause) {
      await removeHost(name);
      throw cause;
    }
  }

  get isOn(): boolean {
    return this.#power?.isOff === false;
  }

  /**
   * Switches it on and answers how long it took, in milliseconds, until systemd has ended every job: it is then `running`, or
   * `degraded` when units failed, which `failedUnits` names. Errors: when it is not there within the deadline.
   */
  async up(deadlineMs = 60_000): Promise<number> {
    if (this.isOn) throw new Error(`${this.name} is on`);
    const begin = performance.now();
    this.#power = new Power(this.name, this.root);
    for (let state = ''; !/^(running|degraded)$/.test(state);) {
      if (performance.now() - begin > deadlineMs)
        throw new Error(`${this.name} is ${state === '' ? 'silent' : state} after ${deadlineMs} ms`);
      this.#power.checkOn();
      await sleep(50);
      state =
        (await this.exec(['systemctl', 'is-system-running']).catch(() => undefined))?.stdout.trim() ?? '';
    }
    this.#boots.push((await this.run(['cat', '/proc/sys/kernel/random/boot_id'])).trim());
    return performance.now() - begin;
  }

  /** Units that failed since the boot. */
  async failedUnits(): Promise<string[]> {
    const { stdout } = await this.exec(['systemctl', 'list-units', '--failed', '--plain', '--no-legend']);
    return stdout.split('\n').flatMap((line) => line.split(' ')[0] || []);
  }

  /** Runs a program as root in the host. Errors: when the host is off; a bad exit is an answer. */
  exec(argv: readonly string[], options: ExecOptions = {}): Promise<Ended> {
    const { timeoutMs = 20_000, input = '' } = options;
    return new Promise((resolve, reject) => {
      const [program, ...rest] = this.#entering(timeoutMs, argv) as [string, ...string[]];
      const child = execFile(program, rest, { maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(new Error(error.message, { cause: error }));
        else resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      });
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
    });
  }

  /** As `exec` for helpers that take a `Run`: a bad exit is an error. */
  get run(): Run {
    return (argv, options) =>
      runner(this.#entering(options?.timeoutMs ?? 20_000, []))(argv, { timeoutMs: 25_000, ...options });
  }

  /** Inside, because a program outlives the nsenter that brought it in. */
  #entering(timeoutMs: number, argv: readonly string[]): string[] {
    if (!this.#power) throw new Error(`${this.name} is off`);
    const deadline = ['timeout', '--kill-after=1', `${timeoutMs / 1000}`];
    const place = ['nsenter', '-a', '-t', `${this.#power.leader}`, '--'];
    return [...place, 'env', '-i', ...environment, ...deadline, ...argv];
  }

  /**
   * Asks systemd to switch the host off, by way of logind unless `how` is another command, and answers the milliseconds until
   * it is off. Errors: when it is still on after the deadline.
   */
  async poweroff(how: readonly string[] = ['systemctl', 'poweroff'], deadlineMs = 90_000): Promise<number> {
    const begin = performance.now();
    const power = this.#power;
    // The command may be ended by what it asked for.
    const said = await this.exec(how).catch(() => undefined);
    if (said && said.code === 1) throw new Error(`${how.join(' ')}: ${said.stderr.trim()}`);
    await power?.off(deadlineMs);
    return performance.now() - begin;
  }

  /** Off and on again; the milliseconds of both. */
  async reboot(how?: readonly string[]): Promise<{ offMs: number; upMs: number }> {
    return { offMs: await this.poweroff(how), upMs: await this.up() };
  }

  /** Pulls the plug. What was written is on the disk. */
  async cutPower(): Promise<void> {
    await this.#power?.cut();
  }

  /** The journal of a boot: 0 is the latest, -1 the one before. */
  async journal(boot: 0 | -1 = 0): Promise<Entry[]> {
    const id = this.#boots.at(boot - 1);
    if (id === undefined) throw new Error(`${this.name} has not booted that often`);
    return readJournal(this.root, id);
  }

  /** Ends the host at once and removes everything of it. */
  async down(): Promise<void> {
    if (this.isOn) await this.cutPower().catch(() => undefined);
    await removeHost(this.name);
  }
}
