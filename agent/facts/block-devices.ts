/** Block devices (Documentation/ABI/stable/sysfs-block, Documentation/block/queue-sysfs.rst). */
import type { BlockDevice } from '../../proto/gen/drover/v1/BlockDevice.js';
import type { KernelRoot } from '../kernel/root.js';
import type { Fact } from './fact.js';

/** `size` counts these, whatever the device's block size is. */
const sectorBytes = 512;

export interface Partition {
  readonly name: string;
  readonly sizeBytes: number;
}

/**
 * `block_devices`: whole devices by name. Left out: loop, ram and nbd devices of size 0 (not in use; a host has dozens)
 * and hidden ones (a path of multipath NVMe, which has no device node).
 */
export const blockDevices: Fact = {
  name: 'block_devices',
  gather({ root }) {
    const names = root.list('sys/block').filter((name) => root.read(`sys/block/${name}/hidden`) !== '1');
    const devices = names.flatMap((name) => readBlockDevice(root, name) ?? []);
    return {
      blockDevices: devices.filter(
        ({ name, sizeBytes }) => sizeBytes > 0 || !/^(loop|ram|nbd)\d+$/.test(name),
      ),
    };
  },
};

/** One device; undefined where it went away meanwhile. A queue file that this kernel lacks gives the empty value. */
export function readBlockDevice(root: KernelRoot, name: string): BlockDevice | undefined {
  const directory = `sys/block/${name}`;
  const size = root.read(`${directory}/size`);
  if (size === undefined) return undefined;
  const deviceNumber = root.read(`${directory}/dev`) ?? '';
  const number = (file: string): number => Number(root.read(`${directory}/${file}`) ?? 0);
  return {
    name,
    deviceNumber,
    sizeBytes: Number(size) * sectorBytes,
    rotational: number('queue/rotational') === 1,
    removable: number('removable') === 1,
    ...parseSchedulers(root.read(`${directory}/queue/scheduler`) ?? ''),
    queueRequests: number('queue/nr_requests'),
    model: readIdentity(root, directory, deviceNumber, 'model'),
    vendor: readIdentity(root, directory, deviceNumber, 'vendor'),
    partitions: readPartitions(root, name).map((partition) => partition.name),
    logicalBlockBytes: number('queue/logical_block_size'),
  };
}

/** `none [mq-deadline] kyber`: the one in brackets is in force. A lone `none` has no brackets on older kernels. */
export function parseSchedulers(text: string): { scheduler: string; schedulers: string[] } {
  const schedulers = text.split(/\s+/).filter((word) => word !== '');
  const chosen = schedulers.find((word) => word.startsWith('['))?.slice(1, -1);
  return {
    scheduler: chosen ?? schedulers[0] ?? '',
    schedulers: schedulers.map((word) => word.replace(/[[\]]/g, '')),
  };
}

/** Model or vendor: the device's own file, else udev's record of it (`E:ID_MODEL=`), else empty. */
function readIdentity(
  root: KernelRoot,
  directory: string,
  deviceNumber: string,
  what: 'model' | 'vendor',
): string {
  const own = root.read(`${directory}/device/${what}`)?.trim();
  if (own) return own;
  const record = root.read(`run/udev/data/b${deviceNumber}`) ?? '';
  return new RegExp(`^E:ID_${what.toUpperCase()}=(.*)$`, 'm').exec(record)?.[1]?.trim() ?? '';
}

/** Partitions of a device by their number; empty where it has none. */
export function readPartitions(root: KernelRoot, disk: string): Partition[] {
  return root
    .list(`sys/block/${disk}`)
    .filter((name) => name.startsWith(disk) && root.exists(`sys/block/${disk}/${name}/partition`))
    .map((name) => ({
      name,
      sizeBytes: Number(root.read(`sys/block/${disk}/${name}/size`) ?? 0) * sectorBytes,
    }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

export type DriveType = 'hdd' | 'ssd' | 'odd' | 'fdd' | 'unknown';

/**
 * What kind of drive a device is: odd (optical) and fdd (floppy) by the driver's name, ssd where nothing rotates, hdd
 * for disks that say they rotate, unknown for a device that only stands on others (device-mapper, md).
 */
export function driveType({ name, rotational }: Pick<BlockDevice, 'name' | 'rotational'>): DriveType {
  if (/^sr\d/.test(name)) return 'odd';
  if (/^fd\d/.test(name)) return 'fdd';
  if (!rotational) return 'ssd';
  return /^(sd|hd|vd|xvd)[a-z]/.test(name) ? 'hdd' : /^(nvme|mmcblk)\d/.test(name) ? 'ssd' : 'unknown';
}
