/** Scheduler and queue of the host disks (Documentation/ABI/stable/sysfs-block, Documentation/block/queue-sysfs.rst). */
import type { BlockDevice } from '../../proto/gen/drover/v1/BlockDevice.js';
import {
  queueFiles,
  type BlockQueueSettings,
  type DiskClass,
  type QueueFile,
  type QueueSettings,
} from '../../proto/tuners/block-queue.js';
import { blockDeviceNames, deviceDepth, queueFile, readScheduler } from '../kernel/block-queue.js';
import type { KernelRoot } from '../kernel/root.js';
import type { Disturbed, Reading, Tuner, Want } from './tuner.js';

const name = 'block-queue';

/** A scheduler of no kind: requests go straight to the device, whose tags bound them. */
const noScheduler = 'none';

/** A reading that knows its device; those of `scheduler` also what the kernel offers. */
interface QueueReading extends Reading {
  readonly device: string;
  readonly file: QueueFile;
  readonly offered?: readonly string[];
  /** Requests that the device takes at once. */
  readonly depth?: number | undefined;
}

export const blockQueue: Tuner<typeof name> = {
  name,

  async observe({ kernel }) {
    return blockDeviceNames(kernel).flatMap((device) =>
      queueFiles.map((file) => observeFile(kernel, device, file)),
    );
  },

  want(settings, readings, { facts }) {
    const devices = new Map(facts.blockDevices.map((device) => [device.name, device]));
    const seen = new Map((readings as readonly QueueReading[]).map((each) => [each.knob.setting, each]));
    const names = new Set([...seen.values()].map(({ device }) => device));
    const known = [...names].flatMap((device) =>
      wantDevice(queueOf(settings, device, devices.get(device)), device, seen),
    );
    const absent = Object.entries(settings.devices ?? {}).filter(([device]) => !names.has(device));
    return [...known, ...absent.flatMap(([device, queue]) => wantDevice(queue, device, seen))];
  },

  /** The kernel resets the number of requests with each switch of the scheduler. */
  disturbs({ kernel }, { setting }): Disturbed[] {
    const [file, device = ''] = setting.split(' ');
    if (file !== 'scheduler') return [];
    const { knob, value } = observeFile(kernel, device, 'nr_requests');
    return value === undefined ? [] : [{ knob, original: value }];
  },

  async write({ kernel }, { setting, source }, value) {
    const [file, device = ''] = setting.split(' ');
    if (file === 'scheduler') await switchScheduler(kernel, device, value);
    else await kernel.write(source, value);
  },
};

function observeFile(kernel: KernelRoot, device: string, file: QueueFile): QueueReading {
  const source = queueFile(device, file);
  const base = { knob: { tuner: name, setting: `${file} ${device}`, source }, device, file } as const;
  if (file === 'scheduler') {
    const found = readScheduler(kernel, device);
    return found
      ? { ...base, value: found.scheduler, offered: found.offered, depth: deviceDepth(kernel, device) }
      : { ...base, unsupported: `${device} has no scheduler` };
  }
  const value = kernel.read(source);
  return value === undefined
    ? { ...base, unsupported: `${device} has no ${file}` }
    : { ...base, value: value.trim() };
}

/** Settings of one device: its own keys before those of its class. */
function queueOf(
  { classes, devices }: BlockQueueSettings,
  device: string,
  fact: BlockDevice | undefined,
): QueueSettings {
  const kind = fact && classOf(fact);
  return { ...(kind && classes?.[kind]), ...devices?.[device] };
}

/** The class of a real disk; none for devices that stand on others or on memory, drives with media, removable disks. */
export function classOf({ name: device, rotational, removable }: BlockDevice): DiskClass | undefined {
  if (removable || /^(loop|ram|zram|dm-|md|nbd|rbd|drbd|bcache|sr|fd)/.test(device)) return undefined;
  if (device.startsWith('nvme')) return 'nvme';
  if (device.startsWith('vd')) return 'virtio';
  return rotational ? 'rotational' : 'ssd';
}

/**
 * Wants of one device in the order of writing, which the ledger undoes backwards. A scheduler takes at least as many
 * requests as the device alone. So the number of requests is written where both old and new value are allowed: under the
 * new scheduler, or under the old one before `none` comes. Then it can be put back in the opposite order.
 */
function wantDevice(queue: QueueSettings, device: string, seen: ReadonlyMap<string, QueueReading>): Want[] {
  const now = (file: QueueFile): QueueReading | undefined => seen.get(`${file} ${device}`);
  const requests = requestsOf(queue, now('scheduler'), now('nr_requests'));
  const first = queue.scheduler === noScheduler ? ['nr_requests', 'scheduler'] : ['scheduler', 'nr_requests'];
  const order = [...first, 'read_ahead_kb', 'rq_affinity', 'nomerges', 'wbt_lat_usec'] as QueueFile[];
  const values = { ...queue, ...(requests !== undefined && { nr_requests: requests }) };
  return order.flatMap((file) => {
    const value = values[file];
    if (value === undefined) return [];
    const knob = now(file)?.knob ?? {
      ...{ tuner: name, setting: `${file} ${device}` },
      source: queueFile(device, file),
    };
    const unsupported = obstacle(file, values, now('scheduler'));
    return [
      {
        ...{ knob, value: String(value), effect: 'now', affects: [] },
        ...(unsupported && { unsupported }),
      },
    ];
  });
}

/** Without a scheduler the device's own depth is the most: what was above it is lowered first, so that undo knows it. */
function requestsOf(
  { scheduler, nr_requests: wanted }: QueueSettings,
  chosen: QueueReading | undefined,
  requests: QueueReading | undefined,
): number | undefined {
  const [depth, current] = [chosen?.depth, Number(requests?.value)];
  const isLeaving = scheduler === noScheduler && chosen?.value !== noScheduler;
  return wanted === undefined && isLeaving && depth !== undefined && current > depth ? depth : wanted;
}

function obstacle(
  file: QueueFile,
  { scheduler, nr_requests: requests = 0 }: QueueSettings,
  chosen: QueueReading | undefined,
): string | undefined {
  const offered = chosen?.offered;
  if (file === 'scheduler' && offered && !offered.includes(scheduler ?? ''))
    return `this kernel offers ${offered.join(', ')} for ${chosen.device}`;
  const depth = chosen?.depth;
  const isBare = (scheduler ?? chosen?.value) === noScheduler;
  if (file === 'nr_requests' && isBare && depth !== undefined && requests > depth)
    return `${chosen?.device} takes at most ${depth} requests without a scheduler`;
  return undefined;
}

/**
 * Another scheduler, and the number of requests as it was: the kernel resets it with each switch (128 to 256 and back).
 * Where it cannot be under the new scheduler, the kernel's own number stays.
 */
async function switchScheduler(kernel: KernelRoot, device: string, scheduler: string): Promise<void> {
  const requests = queueFile(device, 'nr_requests');
  const before = kernel.read(requests);
  await kernel.write(queueFile(device, 'scheduler'), scheduler);
  const isReset = before !== undefined && kernel.read(requests) !== before;
  if (!isReset) return;
  await kernel.write(requests, before).catch((thrown: Error) => {
    if ((thrown.cause as NodeJS.ErrnoException | undefined)?.code !== 'EINVAL') throw thrown;
  });
}
