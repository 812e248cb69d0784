/** Which whole disk of the host stands under a file or a device node, by sysfs. */
import { statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { KernelRoot } from '../../kernel/root.js';
import type { DomainDisk } from '../../libvirt/hypervisor.js';

export interface HostDisk {
  /** Device node: /dev/vda. */
  readonly device: string;
  /** major:minor. */
  readonly number: string;
}

/** Links that a device name may go through, as in /dev/disk/by-id or /dev/mapper; a longer chain is a loop. */
const maximumLinks = 8;

/**
 * The whole disk under a domain's disk, or in words why there is none. A partition gives its disk; a device-mapper
 * device is its own disk, because the kernel throttles there too and its parts may be many.
 */
export function diskUnder(kernel: KernelRoot, disk: DomainDisk): HostDisk | string {
  if (disk.type === 'network') return 'network disk: the host has no block device for it';
  if (disk.source === undefined || disk.type === 'other')
    return 'no file or block device of the host is under it';
  return disk.type === 'block' ? diskOfNode(kernel, disk.source) : diskOfFile(kernel, disk.source);
}

/** The whole disk with a sysfs name (`vda`, `vda1`, `cciss!c0d0`); undefined where there is none. */
export function diskNamed(kernel: KernelRoot, name: string): HostDisk | undefined {
  const link = kernel.link(`/sys/class/block/${name}`);
  const partition = kernel.exists(`/sys/class/block/${name}/partition`);
  const whole = partition && link !== undefined ? basename(dirname(link)) : name;
  const number = kernel.read(`/sys/class/block/${whole}/dev`);
  return number === undefined ? undefined : { device: `/dev/${whole.replaceAll('!', '/')}`, number };
}

function diskOfNode(kernel: KernelRoot, source: string): HostDisk | string {
  let node = source;
  for (let links = 0; links < maximumLinks; links++) {
    const target = kernel.link(node);
    if (target === undefined) break;
    node = resolve(dirname(node), target);
  }
  const name = node.replace(/^\/dev\//, '').replaceAll('/', '!');
  return diskNamed(kernel, name) ?? `${source} is not a block device of this host`;
}

function diskOfFile(kernel: KernelRoot, source: string): HostDisk | string {
  const number = deviceNumberOf(join(kernel.path, source));
  if (number === undefined) return `${source} cannot be looked at`;
  const link = kernel.link(`/sys/dev/block/${number}`);
  // Files of overlay, btrfs, NFS and tmpfs have a device number that no block device has.
  if (link === undefined) return `the file system of ${source} has no block device of its own`;
  return diskNamed(kernel, basename(link)) ?? `the device of ${source} is not in sysfs`;
}

/** major:minor of the file system that holds a file, from stat(2)'s 64-bit st_dev as glibc packs it. */
function deviceNumberOf(file: string): string | undefined {
  const dev = statSync(file, { bigint: true, throwIfNoEntry: false })?.dev;
  if (dev === undefined) return undefined;
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}
