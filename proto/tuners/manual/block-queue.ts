/** Manual of the tuner block-queue. */
import { queueFiles, type QueueFile } from '../block-queue.js';
import type { ManualSetting, TunerManual } from './manual.js';

const about: Record<QueueFile, Pick<ManualSetting, 'what' | 'values' | 'default' | 'since'>> = {
  scheduler: {
    what: 'Which scheduler orders the requests. The number of requests stays as it was, where the new one takes it.',
    values: 'none, mq-deadline, bfq, kyber, as far as the kernel offers them',
    default: 'none with several hardware queues, mq-deadline with one',
    since: 'Linux 2.6.10; multi-queue 4.11',
  },
  nr_requests: {
    what: 'Most requests that wait in a queue.',
    values: '4 to 65536; without a scheduler at most the depth of the device (mq/0/nr_tags)',
    default: 'the depth of the device without a scheduler, twice the smaller of depth and 128 with one',
    since: 'Linux 2.6',
  },
  read_ahead_kb: {
    what: 'How far the kernel reads ahead of a sequential reader through the page cache.',
    values: '0 to 1048576 KiB, a multiple of 4 (pages)',
    default: '128, or twice the optimal I/O size of the device',
    since: 'Linux 2.6',
  },
  rq_affinity: {
    what: 'Where a request is completed: 0 anywhere, 1 in the group of CPUs that asked, 2 on the CPU that asked.',
    values: '0, 1, 2',
    default: '1',
    since: 'Linux 2.6.27; 2: Linux 3.1',
  },
  nomerges: {
    what: 'Whether requests are merged: 0 all ways, 1 only one simple look, 2 never.',
    values: '0, 1, 2',
    default: '0',
    since: 'Linux 2.6.27',
  },
  wbt_lat_usec: {
    what: 'Latency of reads that write-back throttling aims at; 0 turns it off.',
    values: '0 to 10000000 microseconds',
    default: '75000 for rotating disks, 2000 for others; off under bfq',
    since: 'Linux 4.10',
  },
};

export const manual: TunerManual = {
  name: 'block-queue',
  summary:
    'Scheduler, depth, read-ahead and write-back throttling of the disks of the host, by kind of disk or by name.',
  settings: [
    {
      name: 'classes',
      what: 'Settings by kind of disk: nvme and virtio by the name of the device (nvme…, vd…), the others by the rotational flag of the kernel.',
      values: 'rotational, ssd, nvme, virtio, each with the keys below',
      default: 'no disk is touched',
      writes: 'nothing by itself',
      since: '-',
      effect: 'now',
    },
    {
      name: 'devices',
      what: 'Settings by name below /sys/block; each key goes before that of the class.',
      values: 'up to 1024 names, such as sda or dm-3, each with the keys below',
      default: 'no disk is touched',
      writes: 'nothing by itself',
      since: '-',
      effect: 'now',
    },
    ...queueFiles.map((name): ManualSetting => ({
      name,
      ...about[name],
      writes: `/sys/block/DEVICE/queue/${name}`,
      effect: 'now',
    })),
  ],
  knobs: queueFiles.map((file) => `${file} sda`),
  verify: 'The files of /sys/block/DEVICE/queue are read back after each write.',
  undo: 'Each file as it was, scheduler and number of requests in the order in which the kernel takes both.',
  limits: [
    'loop, ram, zram, dm, md, nbd, rbd, drbd, bcache, optical, floppy and removable devices are touched by name alone.',
    'A scheduler that the kernel does not offer is unsupported on that host, with the list of those that it offers.',
    'nr_requests, which the kernel resets with each change of the scheduler, is written again.',
    'On machines with pages of more than 4 KiB the kernel rounds read_ahead_kb down; give a multiple of the page.',
    'A scheduler is changed under running guests: the queue is drained first, which takes some milliseconds.',
  ],
  owners: ['udev rules', 'TuneD (plugin disk)', 'kernel modules of multipath'],
  sources: ['Linux 6.18 Documentation/ABI/stable/sysfs-block, Documentation/block/queue-sysfs.rst'],
  example:
    'block-queue:\n  classes:\n    rotational: {scheduler: bfq, read_ahead_kb: 4096}\n    nvme: {scheduler: none}\n',
};
