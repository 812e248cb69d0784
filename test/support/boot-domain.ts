/** A real KVM domain whose guest is one boot sector that spins: a vCPU at 100 % half a second after the start. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { until } from './poll.js';

export const systemUri = 'qemu:///system';
export const pidDirectory = '/run/libvirt/qemu';
const imageBytes = 64 * 2 ** 20;

/** Why no domain can be run here; undefined: it can. */
export function domainObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const file of ['/dev/kvm', '/usr/sbin/libvirtd']) {
    try {
      accessSync(file, constants.R_OK);
    } catch {
      return `needs ${file}`;
    }
  }
  return undefined;
}

/**
 * Starts libvirtd where none answers, and virtlogd, which a libvirtd that was there may have outlived: without systemd's socket
 * nobody else starts it again. They leave by themselves, libvirtd when nobody has used it for a minute, virtlogd after ten.
 */
export async function ensureLibvirtd(): Promise<void> {
  const answers = (): boolean => spawnSync('virsh', ['-c', systemUri, 'uri']).status === 0;
  const logs = (): boolean =>
    spawnSync('virt-admin', ['-c', 'virtlogd:///system', 'server-list']).status === 0;
  if (!logs()) spawnSync('/usr/sbin/virtlogd', ['-d', '--timeout', '600']);
  if (answers()) return;
  spawnSync('/usr/sbin/libvirtd', ['-d', '--timeout', '60']);
  await until(answers, 20_000, 'libvirtd did not answer');
}

export function virsh(...words: string[]): string {
  return execFileSync('virsh', ['-c', systemUri, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

export class BootDomain {
  readonly name: string;
  readonly #directory = mkdtempSync('/var/lib/libvirt/images/drover-test-');

  /** Defines and starts `drover-test-PID-LABEL`. `tune`: XML put below `<domain>`, such as a `<cputune>`. */
  constructor(label: string, { vcpus = 2, tune = '' }: { vcpus?: number; tune?: string } = {}) {
    this.name = `drover-test-${process.pid}-${label}`;
    chmodSync(this.#directory, 0o755);
    const image = join(this.#directory, 'disk.raw');
    const sector = Buffer.alloc(512);
    sector.set([0xeb, 0xfe], 0);
    sector.set([0x55, 0xaa], 510);
    writeFileSync(image, sector);
    truncateSync(image, imageBytes);
    const disk = `<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/><source file='${image}'/><target dev='vda' bus='virtio'/></disk>`;
    const os = "<os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>";
    const file = join(this.#directory, 'domain.xml');
    writeFileSync(
      file,
      `<domain type='kvm'><name>${this.name}</name><memory unit='MiB'>64</memory><vcpu>${vcpus}</vcpu>${tune}${os}<devices>${disk}</devices></domain>`,
    );
    virsh('define', file);
    virsh('start', this.name);
  }

  get pid(): number {
    return Number(readFileSync(join(pidDirectory, `${this.name}.pid`), 'utf8'));
  }

  restart(): void {
    virsh('destroy', this.name);
    virsh('start', this.name);
  }

  remove(): void {
    spawnSync('virsh', ['-c', systemUri, 'destroy', this.name]);
    spawnSync('virsh', ['-c', systemUri, 'undefine', this.name]);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
