/** The request queue of a block device (Documentation/ABI/stable/sysfs-block, Documentation/block/queue-sysfs.rst). */
import type { KernelRoot } from './root.js';

/** Whole devices as sysfs names them; a hidden one (a path of multipath NVMe) has no queue of its own to tune. */
export function blockDeviceNames(root: KernelRoot): string[] {
  return root.list('/sys/block').filter((name) => root.read(`/sys/block/${name}/hidden`) !== '1');
}

/** Path of a file of the queue. */
export function queueFile(device: string, file: string): string {
  return `/sys/block/${device}/queue/${file}`;
}

/** The scheduler in force and what else could be; undefined where the device has no queue (or it is gone). */
export function readScheduler(
  root: KernelRoot,
  device: string,
): { readonly scheduler: string; readonly offered: readonly string[] } | undefined {
  const words = root.read(queueFile(device, 'scheduler'))?.split(/\s+/).filter(Boolean);
  if (words === undefined || words.length === 0) return undefined;
  const offered = words.map((word) => word.replace(/^\[(.*)\]$/, '$1'));
  // Older kernels write a lone `none` without brackets.
  const chosen = words.findIndex((word) => word.startsWith('['));
  return { scheduler: offered[Math.max(chosen, 0)] as string, offered };
}

/** Requests that the device itself takes at once (the depth of its tags); undefined where it does not say. */
export function deviceDepth(root: KernelRoot, device: string): number | undefined {
  const text = root.read(`/sys/block/${device}/mq/0/nr_tags`);
  return text === undefined ? undefined : Number(text);
}

/** Whole devices that a stacked device (device-mapper, md) stands on, at the bottom; itself where it stands on none. */
export function bottomDevices(root: KernelRoot, device: string, depth = 0): string[] {
  // Stacks are acyclic and rarely higher than three; a bound costs nothing.
  const slaves = depth < 8 ? root.list(`/sys/class/block/${device}/slaves`) : [];
  if (slaves.length === 0) return [device];
  return [...new Set(slaves.flatMap((slave) => bottomDevices(root, wholeOf(root, slave), depth + 1)))];
}

function wholeOf(root: KernelRoot, name: string): string {
  if (!root.exists(`/sys/class/block/${name}/partition`)) return name;
  return root.link(`/sys/class/block/${name}`)?.split('/').at(-2) ?? name;
}
