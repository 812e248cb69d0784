/**
 * An Open vSwitch of a test's own (netdev datapath) in a network namespace of its own, with that namespace's /sys. It ends
 * when `close` is called or when the test process dies.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HostRoot } from '../../agent/kernel/root.js';
import { until } from './poll.js';
import { hasProgram } from './private-libvirtd.js';

const run = promisify(execFile);

// The shell stays in front as the namespaces' holder and ends everything when its stdin closes.
const script = `
set -e
export OVS_RUNDIR=$1 OVS_LOGDIR=$1 OVS_DBDIR=$1
ip link set lo up
mount -t sysfs sysfs $1/root/sys
mount --bind /proc $1/root/proc
ovsdb-tool create $1/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server --remote=punix:$1/db.sock --pidfile=$1/db.pid --detach --log-file=$1/db.log $1/conf.db
ovs-vsctl --db=unix:$1/db.sock --no-wait init
ovs-vswitchd --pidfile=$1/sw.pid --detach --log-file=$1/sw.log unix:$1/db.sock
touch $1/ready
cat >/dev/null || true
kill -CONT $(cat $1/sw.pid) $(cat $1/db.pid)
kill $(cat $1/sw.pid) $(cat $1/db.pid)`;

/** Why it cannot be had here; undefined: it can. */
export function privateOpenvswitchMissing(): string | undefined {
  const able = hasProgram('ovs-vswitchd') && hasProgram('ovsdb-client') && process.getuid?.() === 0;
  return able ? undefined : 'needs root and openvswitch-switch';
}

export class PrivateOpenvswitch {
  readonly directory: string;
  readonly #holder: ChildProcess;

  private constructor(directory: string, holder: ChildProcess) {
    this.directory = directory;
    this.#holder = holder;
  }

  static async launch(): Promise<PrivateOpenvswitch> {
    const directory = mkdtempSync(join(tmpdir(), 'drover-ovs-'));
    for (const name of ['sys', 'proc']) mkdirSync(join(directory, 'root', name), { recursive: true });
    const words = ['-n', '-m', '--propagation', 'private', 'bash', '-c', script, 'bash', directory];
    const holder = spawn('unshare', words, { stdio: ['pipe', 'ignore', 'ignore'] });
    const ovs = new PrivateOpenvswitch(directory, holder);
    await until(() => existsSync(join(directory, 'ready')), 15_000, 'Open vSwitch did not start');
    return ovs;
  }

  get database(): string {
    return `unix:${this.directory}/db.sock`;
  }

  /** /sys of the namespace, /proc of the machine. */
  get kernel(): HostRoot {
    return new HostRoot(`/proc/${this.#holder.pid}/root${this.directory}/root`);
  }

  /** Runs a program in the namespace; its output. */
  async inside(program: string, ...words: string[]): Promise<string> {
    return (
      await run('nsenter', [`--net=/proc/${this.#holder.pid}/ns/net`, program, ...words])
    ).stdout.trim();
  }

  /** ovs-vsctl against it. */
  vsctl(...words: string[]): Promise<string> {
    return this.inside('ovs-vsctl', '--timeout=10', `--db=${this.database}`, ...words);
  }

  /** Tap devices that stay until they are deleted. */
  async tap(...names: string[]): Promise<void> {
    for (const name of names) await this.inside('ip', 'tuntap', 'add', name, 'mode', 'tap');
  }

  async untap(...names: string[]): Promise<void> {
    for (const name of names) await this.inside('ip', 'link', 'del', name);
  }

  signal(daemon: 'sw' | 'db', signal: NodeJS.Signals): void {
    process.kill(Number(readFileSync(join(this.directory, `${daemon}.pid`), 'utf8')), signal);
  }

  async close(): Promise<void> {
    this.#holder.stdin?.end();
    await until(() => this.#holder.exitCode !== null, 10_000, 'Open vSwitch did not end');
    rmSync(this.directory, { recursive: true, force: true });
  }
}
