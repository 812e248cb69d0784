/** Scheduler and queue of the host disks, by class. Kernel: Documentation/ABI/stable/sysfs-block, block/queue-sysfs.rst. */
import { z } from 'zod';
import { common } from './common.js';

/** Kinds of real disks: NVMe by name, virtio by name, the others by the kernel's `rotational`. */
export const diskClasses = ['rotational', 'ssd', 'nvme', 'virtio'] as const;
export type DiskClass = (typeof diskClasses)[number];

/** Files of /sys/block/DEVICE/queue. */
export const queueFiles = [
  ...(['scheduler', 'nr_requests', 'read_ahead_kb', 'rq_affinity', 'nomerges', 'wbt_lat_usec'] as const),
] as const;
export type QueueFile = (typeof queueFiles)[number];

const queue = z
  .strictObject({
    scheduler: z
      .string()
      .regex(/^[a-z0-9_-]{1,16}$/, { error: 'a scheduler such as none, mq-deadline, bfq, kyber' })
      .optional(),
    nr_requests: z.int().min(4).max(65_536).optional(),
    read_ahead_kb: z
      .int()
      .min(0)
      .max(1_048_576)
      .multipleOf(4, { error: 'a multiple of 4: the kernel counts pages' })
      .optional(),
    rq_affinity: z.int().min(0).max(2).optional(),
    nomerges: z.int().min(0).max(2).optional(),
    wbt_lat_usec: z.int().min(0).max(10_000_000).optional(),
  })
  .refine((value) => Object.keys(value).length > 0, { error: `one of ${queueFiles.join(', ')}` });

export type QueueSettings = z.infer<typeof queue>;

const deviceName = z
  .string()
  .regex(/^[A-Za-z0-9!_-]{1,32}$/, { error: 'a name below /sys/block, such as sda' });

export const blockQueue = z
  .strictObject({
    classes: z
      .strictObject({
        rotational: queue.optional(),
        ssd: queue.optional(),
        nvme: queue.optional(),
        virtio: queue.optional(),
      })
      .optional()
      .describe('settings by kind of disk; never for loop, ram, zram, dm, md, nbd and removable devices'),
    devices: z
      .record(deviceName, queue)
      .refine((devices) => Object.keys(devices).length <= 1024, { error: 'at most 1024 devices' })
      .optional()
      .describe('settings by name (sda, dm-3): each key goes before that of the class'),
    ...common('block-queue'),
  })
  .refine(({ classes, devices }) => classes !== undefined || devices !== undefined, {
    error: 'classes or devices, or both',
  });

export type BlockQueueSettings = z.infer<typeof blockQueue>;
