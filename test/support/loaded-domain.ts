/** A real KVM domain that loads its disk for ever, and how fast a counter of it grows. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { bootSector, imageBytes } from '../../scripts/hypervisor/sample-guest.js';
import { systemUri, virsh } from './boot-domain.js';
import { until } from './poll.js';

export interface LoadedShape {
  /** What the guest does with its disk, 32 KiB at a time. */
  readonly load: 'write' | 'read' | 'idle';
  readonly cache?: string;
  /** A block device of the host instead of an image file; the guest's boot sector is written to it. */
  readonly device?: string;
}

export class LoadedDomain {
  readonly name: string;
  readonly #directory = mkdtempSync('/var/lib/libvirt/images/drover-block-');

  /** Defines and starts `drover-block-PID-LABEL`. */
  constructor(label: string, { load, cache = 'none', device }: LoadedShape) {
    this.name = `drover-block-${process.pid}-${label}`;
    chmodSync(this.#directory, 0o755);
    const image = device ?? join(this.#directory, 'disk.raw');
    fillImage(image, load);
    const [type, key] = device === undefined ? ['file', 'file'] : ['block', 'dev'];
    const disk = `<disk type='${type}' device='disk'><driver name='qemu' type='raw' cache='${cache}'/><source ${key}='${image}'/><target dev='vda' bus='virtio'/></disk>`;
    const xml = `<domain type='kvm'><name>${this.name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os><devices>${disk}</devices></domain>`;
    const file = join(this.#directory, 'domain.xml');
    writeFileSync(file, xml);
    try {
      virsh('define', file);
      virsh('start', this.name);
    } catch (thrown) {
      this.remove();
      throw thrown;
    }
  }

  get pid(): number {
    return Number(readFileSync(`/run/libvirt/qemu/${this.name}.pid`, 'utf8'));
  }

  /** A number of `virsh domblkstat`, as QEMU counts what the guest asked: wr_bytes, wr_req, rd_bytes, rd_req. */
  statistic(name: string): number {
    const line = new RegExp(`^vda ${name} (\\d+)$`, 'm').exec(virsh('domblkstat', this.name, 'vda'));
    return Number(line?.[1] ?? Number.NaN);
  }

  /** Ends and forgets it. A libvirtd under load may refuse for a moment, so it is asked again. */
  remove(): void {
    for (let tries = 0; tries < 5; tries++) {
      for (const command of ['destroy', 'undefine'])
        spawnSync('virsh', ['-c', systemUri, command, this.name], { timeout: 30_000 });
      if (
        spawnSync('virsh', ['-c', systemUri, 'list', '--all', '--name'], {
          encoding: 'utf8',
        }).stdout.includes(this.name)
      )
        continue;
      break;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** An image without holes, so that reads go to the disk, with the guest in its first sector. */
function fillImage(path: string, load: LoadedShape['load']): void {
  const file = openSync(path, 'w', 0o644);
  const chunk = randomBytes(2 ** 20);
  for (let offset = 0; offset < imageBytes; offset += chunk.length)
    writeSync(file, chunk, 0, chunk.length, offset);
  writeSync(file, sectorOf(load), 0, 512, 0);
  fsyncSync(file);
  closeSync(file);
}

function sectorOf(load: LoadedShape['load']): Uint8Array {
  const sector = Buffer.from(bootSector(load === 'read' ? 'write' : load));
  // INT 13h AH=42h reads what AH=43h writes; the packet is the same.
  const service = sector.indexOf(Buffer.from([0xb8, 0x00, 0x43]));
  if (load === 'read') sector[service + 2] = 0x42;
  return sector;
}

/** How fast a counter grows, by the second: the time that `amount` took. Errors: it did not grow so far before the deadline. */
export async function growthPerSecond(
  counter: () => number,
  amount: number,
  deadlineMs = 20_000,
): Promise<number> {
  const [first, began] = [counter(), performance.now()];
  const last = await until(
    () => {
      const now = counter();
      return now >= first + amount ? now : undefined;
    },
    deadlineMs,
    `a counter did not grow by ${amount}`,
  );
  return ((last - first) / (performance.now() - began)) * 1000;
}

/** A loop device over a new file, past the page cache, and how to give it back. */
export function makeLoop(bytes: number): { readonly device: string; readonly name: string; remove(): void } {
  const directory = mkdtempSync('/var/lib/libvirt/images/drover-loop-');
  chmodSync(directory, 0o755);
  const file = join(directory, 'loop.img');
  execFileSync('fallocate', ['-l', String(bytes), file]);
  const device = execFileSync('losetup', ['--find', '--show', '--direct-io=on', file], {
    encoding: 'utf8',
  }).trim();
  return {
    device,
    name: device.replace('/dev/', ''),
    remove() {
      spawnSync('losetup', ['-d', device]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
