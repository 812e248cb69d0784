/**
 * A libvirtd of a test's own, in a mount and network namespace of its own: its sockets, state and configuration are on tmpfs
 * there. It can be stopped, killed and started again without anyone noticing. Cgroups are the machine's, so domain names
 * must be unique. Everything ends when `close` is called or when the test process dies.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  openSync,
  ftruncateSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './poll.js';

const run = promisify(execFile);

/** Why no private libvirtd can be had here; undefined: it can. */
export function privateLibvirtdMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const file of [
    '/dev/kvm',
    '/usr/sbin/libvirtd',
    '/usr/bin/unshare',
    '/usr/bin/virsh',
    '/usr/bin/qemu-system-x86_64',
  ]) {
    if (!existsSync(file)) return `needs ${file}`;
  }
  return undefined;
}

// The shell stays in front as the namespace's holder and ends everything when its stdin closes.
const script = `
set -e
D=$1
ip link set lo up
cp -a /etc/libvirt "$D/etc"
for p in /run/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do mkdir -p $p; mount -t tmpfs tmpfs $p; done
mount --bind "$D/etc" /etc/libvirt
rm -rf /etc/libvirt/qemu/*.xml /etc/libvirt/qemu/autostart /etc/libvirt/qemu/networks/autostart
mkdir -p /var/lib/libvirt/images /var/lib/libvirt/qemu
echo "host_uuid = \\"$2\\"" >> /etc/libvirt/libvirtd.conf
virtlogd -d -p /run/libvirt/virtlogd.pid
touch "$D/ready"
cat >/dev/null || true
for p in /run/libvirt/qemu/*.pid /run/libvirt/libvirtd.pid /run/libvirt/virtlogd.pid; do [ -e $p ] && kill -KILL $(cat $p) 2>/dev/null; done
exit 0
`;

export class PrivateLibvirtd {
  readonly directory: string;
  readonly #holder: ChildProcess;
  readonly #domains = new Set<string>();

  private constructor(directory: string, holder: ChildProcess) {
    this.directory = directory;
    this.#holder = holder;
  }

  /** The namespaces and virtlogd; libvirtd itself comes with `start`. */
  static async prepare(): Promise<PrivateLibvirtd> {
    const directory = mkdtempSync(join(tmpdir(), 'drover-libvirtd-'));
    chmodSync(directory, 0o755); // QEMU runs as a user of its own and opens its disk in here
    const uuid = `00000000-0000-4000-8000-${String(process.pid).padStart(12, '0')}`;
    const arguments_ = [
      '-m',
      '-n',
      '--propagation',
      'private',
      'bash',
      '-c',
      script,
      'bash',
      directory,
      uuid,
    ];
    const holder = spawn('unshare', arguments_, { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
    const host = new PrivateLibvirtd(directory, holder);
    await until(() => existsSync(join(directory, 'ready')), 10_000, 'the namespaces were not made');
    return host;
  }

  /** As prepare and start. */
  static async launch(): Promise<PrivateLibvirtd> {
    const host = await PrivateLibvirtd.prepare();
    await host.start();
    return host;
  }

  /** The namespace's file system as this process sees it. */
  get root(): string {
    return `/proc/${this.#holder.pid}/root`;
  }

  get uri(): string {
    return `qemu:///system?socket=${this.root}/run/libvirt/libvirt-sock`;
  }

  get pidDirectory(): string {
    return `${this.root}/run/libvirt/qemu`;
  }

  /** libvirtd's process id. */
  get pid(): number {
    return Number(readFileSync(`${this.root}/run/libvirt/libvirtd.pid`, 'utf8'));
  }

  async start(): Promise<void> {
    await run('nsenter', [
      `--mount=/proc/${this.#holder.pid}/ns/mnt`,
      `--net=/proc/${this.#holder.pid}/ns/net`,
      'libvirtd',
      '-d',
      '-p',
      '/run/libvirt/libvirtd.pid',
    ]);
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    const pid = this.pid;
    process.kill(pid, 'SIGKILL');
    await until(() => !existsSync(`/proc/${pid}`), 5_000, 'libvirtd did not go');
  }

  /** One virsh command against it; its output. */
  async virsh(...words: string[]): Promise<string> {
    return (await run('virsh', ['-q', '-c', this.uri, ...words], { timeout: 30_000 })).stdout.trim();
  }

  /** Defines (not starts) a domain of 64 MiB whose guest is a boot sector that spins. `extra` goes into <domain>. Answers its UUID. */
  async define(name: string, extra = '', vcpus = 2): Promise<string> {
    const disk = this.bootDisk(name);
    const file = join(this.directory, `${name}.xml`);
    writeFileSync(file, domainXml(name, disk, vcpus, extra));
    await this.virsh('define', file);
    this.#domains.add(name);
    return this.virsh('domuuid', name);
  }

  /** A sparse 64 MiB disk image whose first sector is `jmp $`. */
  bootDisk(name: string): string {
    const path = join(this.directory, `${name}.img`);
    const file = openSync(path, 'w', 0o666);
    ftruncateSync(file, 64 * 1024 * 1024);
    writeSync(file, Buffer.from([0xeb, 0xfe]), 0, 2, 0);
    writeSync(file, Buffer.from([0x55, 0xaa]), 0, 2, 510);
    closeSync(file);
    return path;
  }

  /** QEMU's process id. */
  qemuPid(name: string): number {
    return Number(readFileSync(join(this.pidDirectory, `${name}.pid`), 'utf8'));
  }

  /** A domain's cgroup below a v1 controller's mount, such as blkio. */
  cgroup(controller: string, name: string): string {
    const machine = `/sys/fs/cgroup/${controller}/machine`;
    const found = readdirSync(machine).find((entry) => entry.includes(`-${name}.`));
    if (found === undefined) throw new Error(`no cgroup of ${name} under ${machine}`);
    return join(machine, found);
  }

  async close(): Promise<void> {
    try {
      this.signal('SIGCONT');
    } catch {
      // it does not run
    }
    for (const name of this.#domains) await this.virsh('destroy', name).catch(() => '');
    this.#holder.stdin?.end();
    await new Promise<void>((resolve) =>
      this.#holder.exitCode === null ? this.#holder.once('exit', () => resolve()) : resolve(),
    );
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function domainXml(name: string, disk: string, vcpus: number, extra: string): string {
  return `<domain type='kvm'><name>${name}</name><memory unit='MiB'>64</memory><vcpu>${vcpus}</vcpu>
<os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>${extra}
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/><source file='${disk}'/><target dev='vda' bus='virtio'/></disk>
</devices></domain>`;
}

/** The whole disk of this machine that can be named in a block limit: the first of vd*, sd*, nvme*, with its MAJOR:MINOR. */
export function hostDisk(): { path: string; number: string } | undefined {
  const name = readdirSync('/sys/block').find(
    (entry) => /^(vd|sd|nvme)/.test(entry) && existsSync(`/dev/${entry}`),
  );
  if (name === undefined) return undefined;
  return { path: `/dev/${name}`, number: readFileSync(`/sys/block/${name}/dev`, 'utf8').trim() };
}

/** True where a program is on the path. */
export function hasProgram(name: string): boolean {
  try {
    execFileSync('which', [name], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
