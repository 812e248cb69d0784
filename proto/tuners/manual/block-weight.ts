/** Manual of the tuner block-weight. */
import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'block-weight',
  summary: 'How large a part of a busy disk a domain gets beside the others.',
  settings: [
    {
      name: 'weight',
      what: 'Share of the domain: twice the weight of another is twice its part, while both have requests waiting.',
      values: '10 to 1000',
      default: '100',
      writes: 'virDomainSetBlkioParameters weight: blkio.bfq.weight (v1), io.bfq.weight or io.weight (v2)',
      since: 'libvirt 0.9.0; bfq: Linux 4.12, libvirt 5.0; iocost: Linux 5.4',
      effect: 'now',
    },
    {
      name: 'override_explicit',
      what: "Also where the domain's own XML has <blkiotune><weight>.",
      values: 'true, false',
      default: 'false',
      writes: 'nothing by itself',
      since: '-',
      effect: 'now',
    },
  ],
  extraSpecs: [{ name: 'drover:disk_weight', becomes: 'weight (Nova has none for libvirt)' }],
  knobs: ['weight'],
  verify:
    "The weight is read from the domain's control group. It bites on a disk whose scheduler is bfq, or, by io.weight, with enable=1 in io.cost.qos; of a device-mapper device or md, the disks at the bottom count. Where it bites on no disk of the domain, the knob is failed and says which scheduler is in the way.",
  undo: 'The weight as it was.',
  limits: [
    'bfq comes with the tuner block-queue (scheduler: bfq).',
    'On a host with systemd and cgroup v2 without io.weight, systemd presses 100..10000 into the 100..1000 of bfq: 500 is read as 136. The plan says so.',
    'A weight that libvirt could not put back (outside 10..1000, in the scale of bfq above 181) is unsupported and stays as it is.',
    'Libvirt without systemd writes io.bfq.weight where the kernel has it, so a weight then reaches no iocost.',
    'Weights share a disk among groups with waiting requests; they are no limit and no promise.',
  ],
  owners: ['systemd (IOWeight of the scope)', 'virsh blkiotune'],
  sources: [
    'Linux 6.18 Documentation/block/bfq-iosched.rst, admin-guide/cgroup-v2.rst (IO)',
    'libvirt 9.0 src/util/vircgroupv1.c, vircgroupv2.c',
    'systemd 252 BFQ_WEIGHT',
  ],
  example: 'block-weight:\n  weight: 200\n',
};
