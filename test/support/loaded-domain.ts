/** A real KVM domain that loads its disk for ever, and how fast a counter of it grows. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootSector, imageBytes } from '../../scripts/hypervisor/sample-guest.js';
import { systemUri, virsh } from './boot-domain.js';

export interface LoadedShape {
  /** What the guest does with its disk, 32 KiB at a time. */
  readonly load: 'write' | 'idle';
  readonly cache?: string;
  /** A block device of the host instead of an image file; the guest's boot sector is written to it. */
  readonly device?: string;
}

export class LoadedDomain {
  readonly name: string;
  /** The file or device that is its disk. */
  readonly image: string;
  readonly #directory = mkdtempSync('/var/lib/libvirt/images/drover-block-');

  /** Defines and starts `drover-block-PID-LABEL`. */
  constructor(label: string, { load, cache = 'none', device }: LoadedShape) {
    this.name = `drover-block-${process.pid}-${label}`;
    chmodSync(this.#directory, 0o755);
    const image = (this.image = device ?? join(this.#directory, 'disk.raw'));
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

  /** Lets it run before all other programs (out of its CPU group, nice -15): what it does then depends on its limits alone. */
  favour(cpuGroup: string | undefined): void {
    for (const thread of readdirSync(`/proc/${this.pid}/task`).map(Number))
      try {
        if (cpuGroup !== undefined) writeFileSync(join(cpuGroup, 'tasks'), `${thread}`);
        setPriority(thread, -15);
      } catch {
        // a worker that has ended
      }
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
  writeSync(file, bootSector(load), 0, 512, 0);
  fsyncSync(file);
  closeSync(file);
}

/**
 * How fast a counter grows, by the second: the time that `amount` took. `pauseMs` lies between two looks: short where
 * one is a file, long where it starts a program. Errors: it did not grow so far before the deadline.
 */
export async function growthPerSecond(
  counter: () => number,
  amount: number,
  { deadlineMs = 30_000, pauseMs = 20 } = {},
): Promise<number> {
  const [first, beganMs] = [counter(), performance.now()];
  for (let last = first, nowMs = beganMs; nowMs < beganMs + deadlineMs;) {
    await sleep(pauseMs);
    [last, nowMs] = [counter(), performance.now()];
    if (last >= first + amount) return ((last - first) / (nowMs - beganMs)) * 1000;
  }
  throw new Error(`a counter did not grow by ${amount} in ${deadlineMs} ms`);
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
