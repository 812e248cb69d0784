/** Which whole disk of the host stands under a file or a device node, by sysfs. */
import { basename, dirname, resolve } from 'node:path';
import type { KernelRoot } from '../../../kernel/root.js';
import type { DomainDisk } from '../../../libvirt/hypervisor.js';
import { FileStats } from './file-stats.js';

export interface HostDisk {
  /** Device node: /dev/vda. */
  readonly device: string;
  /** major:minor. */
  readonly number: string;
}

/** No disk of the host. `undecided`: it may have one, which could not be seen now. */
export interface NoDisk {
  readonly reason: string;
  readonly undecided: boolean;
}

/** Links that a device name may go through, as in /dev/disk/by-id or /dev/mapper; a longer chain is a loop. */
const maximumLinks = 8;

/**
 * The whole disk under a domain's disk, or in words why there is none. A partition gives its disk; a device-mapper
 * device is its own disk, because the kernel throttles there too and its parts may be many. Never throws; what cannot be
 * looked at is said with its errno.
 */
export async function diskUnder(
  kernel: KernelRoot,
  disk: DomainDisk,
  files: FileStats = new FileStats(),
): Promise<HostDisk | NoDisk> {
  if (disk.type === 'network') return none('network disk: the host has no block device for it');
  if (disk.source === undefined || disk.type === 'other')
    return none('no file or block device of the host is under it');
  if (disk.type === 'file') return diskOfFile(kernel, disk.source, files);
  return (
    (await diskOfNode(kernel, disk.source, files)) ??
    none(`${disk.source} is not a block device of this host`)
  );
}

/** The whole disk with a sysfs name (`vda`, `vda1`, `cciss!c0d0`); undefined where there is none. */
export function diskNamed(kernel: KernelRoot, name: string): HostDisk | undefined {
  const link = kernel.link(`/sys/class/block/${name}`);
  const partition = kernel.exists(`/sys/class/block/${name}/partition`);
  const whole = partition && link !== undefined ? basename(dirname(link)) : name;
  const number = kernel.read(`/sys/class/block/${whole}/dev`);
  return number === undefined ? undefined : { device: `/dev/${whole.replaceAll('!', '/')}`, number };
}

/**
 * The whole disk that a device node means: by its name, through links such as those of /dev/disk/by-id, or else by its
 * device number, as for a node of /dev/mapper that is no link. Undefined where it is no block device of this host.
 */
export async function diskOfNode(
  kernel: KernelRoot,
  source: string,
  files: FileStats = new FileStats(),
): Promise<HostDisk | undefined> {
  let node = source;
  for (let links = 0; links < maximumLinks; links++) {
    const target = kernel.link(node);
    if (target === undefined) break;
    node = resolve(dirname(node), target);
  }
  const name = node.replace(/^\/dev\//, '').replaceAll('/', '!');
  const named = diskNamed(kernel, name);
  if (named) return named;
  const found = await files.look(kernel, node);
  return 'fault' in found || found.node === undefined ? undefined : diskNumbered(kernel, found.node);
}

async function diskOfFile(kernel: KernelRoot, source: string, files: FileStats): Promise<HostDisk | NoDisk> {
  const found = await files.look(kernel, source);
  if ('fault' in found)
    return { reason: `${source} cannot be looked at: ${found.fault}`, undecided: !found.absent };
  const link = kernel.link(`/sys/dev/block/${found.device}`);
  // Files of overlay, btrfs, NFS and tmpfs have a device number that no block device has.
  if (link === undefined) return none(`the file system of ${source} has no block device of its own`);
  return diskNamed(kernel, basename(link)) ?? none(`the device of ${source} is not in sysfs`);
}

function diskNumbered(kernel: KernelRoot, number: string): HostDisk | undefined {
  const link = kernel.link(`/sys/dev/block/${number}`);
  return link === undefined ? undefined : diskNamed(kernel, basename(link));
}

function none(reason: string): NoDisk {
  return { reason, undecided: false };
}
