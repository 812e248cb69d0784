/** One host of a bed: its network, mount and hostname namespaces, and the private directories in them. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
  appendFileSync,
  chmodSync,
} from 'node:fs';
import { join } from 'node:path';
import { runner } from '../../scripts/hypervisor/command.js';
import { bridgeName, cableName, namespaceName } from './bed-state.js';

const run = runner();

/** Directories of the machine that each host has for itself. libvirt's cache of QEMU's abilities is shared: it takes 8 s to make. */
const privateDirectories = [
  ...['/run/libvirt', '/run/openvswitch', '/var/lib/libvirt', '/var/log/libvirt', '/etc/libvirt'],
  ...['/var/lib/openvswitch', '/var/log/openvswitch', '/etc/openvswitch'],
];

/** Connects a new network namespace to the bed's bridge under 10.77.BED.HOST. */
export async function makeNetwork(bed: number, host: number): Promise<void> {
  const namespace = namespaceName(bed, host);
  const cable = cableName(bed, host);
  await run(['ip', 'netns', 'add', namespace]);
  await run(['ip', 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]);
  await run(['ip', 'link', 'set', cable, 'master', bridgeName(bed), 'up']);
  await run(['ip', '-n', namespace, 'addr', 'add', `10.77.${bed}.${host}/24`, 'dev', 'eth0']);
  await run(['ip', '-n', namespace, 'link', 'set', 'eth0', 'up']);
  await run(['ip', '-n', namespace, 'link', 'set', 'lo', 'up']);
}

/** Makes the private directories and a process that keeps the mount namespace; answers that process's id. */
export async function makeNamespaces(bed: number, host: number, directory: string): Promise<number> {
  for (const path of privateDirectories) {
    mkdirSync(path, { recursive: true });
    mkdirSync(privatePath(directory, path), { recursive: true });
  }
  prepareLibvirt(bed, host, directory);
  const holder = spawn(
    'nsenter',
    [`--net=/run/netns/${namespaceName(bed, host)}`, ...holderCommand(bed, host, directory)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  await readiness(holder);
  holder.unref();
  return holder.pid as number;
}

/** Where a private directory stands outside the namespace: sockets below it can be reached from the machine. */
export function privatePath(directory: string, path: string): string {
  return join(directory, path.slice(1).replaceAll('/', '-'));
}

function prepareLibvirt(bed: number, host: number, directory: string): void {
  const configuration = privatePath(directory, '/etc/libvirt');
  if (existsSync('/etc/libvirt')) cpSync('/etc/libvirt', configuration, { recursive: true });
  for (const name of listed(join(configuration, 'qemu')))
    if (name.endsWith('.xml') || ['autostart', 'networks'].includes(name))
      rmSync(join(configuration, 'qemu', name), { recursive: true });
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  const uuid = `${hex(process.pid, 8)}-0000-4000-8000-${hex(bed * 256 + host, 12)}`;
  appendFileSync(join(configuration, 'libvirtd.conf'), `\nhost_uuid = "${uuid}"\n`);
  // AppArmor knows paths of the machine's own mount namespace only.
  appendFileSync(join(configuration, 'qemu.conf'), '\nsecurity_driver = "none"\n');
  for (const path of ['images', 'qemu']) {
    mkdirSync(join(privatePath(directory, '/var/lib/libvirt'), path), { recursive: true });
    chmodSync(join(privatePath(directory, '/var/lib/libvirt'), path), 0o755);
  }
  writeFileSync(join(directory, 'machine-id'), `${uuid.replaceAll('-', '')}\n`);
}

/** A new sysfs shows this network namespace's devices; the cgroups under it come from outside and are shared. */
function holderCommand(bed: number, host: number, directory: string): string[] {
  const groups = join(directory, 'cgroup');
  mkdirSync(groups);
  const script = [
    'set -e',
    `mount --rbind /sys/fs/cgroup ${groups}`,
    'mount -t sysfs sysfs /sys',
    `mount --rbind ${groups} /sys/fs/cgroup`,
    ...privateDirectories.map((path) => `mount --bind ${privatePath(directory, path)} ${path}`),
    `[ ! -e /etc/machine-id ] || mount --bind ${directory}/machine-id /etc/machine-id`,
    `hostname ${namespaceName(bed, host)}`,
    'echo ready',
    'exec sleep infinity >/dev/null 2>&1',
  ];
  return ['unshare', '--mount', '--uts', '--propagation', 'private', 'sh', '-c', script.join('\n')];
}

function readiness(holder: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    holder.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('ready')) resolve();
    });
    holder.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    holder.on('error', reject);
    holder.on('exit', (code) => reject(new Error(`no namespaces: exit code ${code}: ${said.trim()}`)));
  });
}

function listed(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/**
 * A process that waits for the end of this one, however it ends, and then takes the bed down. It reads a pipe of which
 * this process holds the only other end; it is in a session of its own, so that no signal to a process group reaches it.
 */
export function startWatcher(bed: number, directory: string): ChildProcess {
  const program = join(import.meta.dirname, 'bed-keeper.js');
  const script = 'read -r _ || exec "$@"';
  const watcher = spawn('sh', ['-c', script, 'sh', process.execPath, program, `${bed}`, directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  return watcher;
}
