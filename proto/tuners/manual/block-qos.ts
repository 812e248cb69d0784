/** Manual of the tuner block-qos. */
import { blockLimitNames, type BlockLimitName } from '../block-qos.js';
import type { ManualSetting, TunerManual } from './manual.js';

const words: Record<BlockLimitName, string> = {
  read_bytes_sec: 'bytes read a second',
  write_bytes_sec: 'bytes written a second',
  total_bytes_sec: 'bytes read and written a second, together',
  read_iops_sec: 'read operations a second',
  write_iops_sec: 'write operations a second',
  total_iops_sec: 'read and write operations a second, together',
};

const groupFiles: Partial<Record<BlockLimitName, string>> = {
  read_bytes_sec: 'blkio.throttle.read_bps_device, io.max rbps',
  write_bytes_sec: 'blkio.throttle.write_bps_device, io.max wbps',
  read_iops_sec: 'blkio.throttle.read_iops_device, io.max riops',
  write_iops_sec: 'blkio.throttle.write_iops_device, io.max wiops',
};

const tune = 'virDomainSetBlockIoTune';

function limitSetting(limit: BlockLimitName): ManualSetting {
  const group = groupFiles[limit];
  return {
    name: limit,
    what: `At most so many ${words[limit]}.`,
    values: '0 (no limit) to 2^50; read_iops_sec and write_iops_sec to 4294967295',
    default: 'no limit',
    writes: group === undefined ? tune : `${group} (virDomainSetBlkioParameters), or ${tune}`,
    since:
      group === undefined
        ? 'libvirt 0.9.8'
        : 'Linux 2.6.37 (v1), 4.5 (v2), libvirt 1.2.2; QEMU: libvirt 0.9.8',
    effect: 'now',
  };
}

function burstSettings(limit: BlockLimitName): ManualSetting[] {
  return [
    {
      name: `${limit}_max`,
      what: `Burst: so many ${words[limit]} while a burst lasts.`,
      values: `from ${limit} up`,
      default: 'no burst',
      writes: `${tune} ${limit}_max`,
      since: 'QEMU 1.7, libvirt 1.2.11',
      effect: 'now',
    },
    {
      name: `${limit}_max_length_seconds`,
      what: `How long a burst of ${limit}_max may last.`,
      values: '1 to 1000000 seconds; times the burst at most 10^15',
      default: '1',
      writes: `${tune} ${limit}_max_length`,
      since: 'QEMU 2.6, libvirt 2.4.0',
      effect: 'now',
    },
  ];
}

export const manual: TunerManual = {
  name: 'block-qos',
  summary:
    'How many bytes and operations a second a domain may read and write, kept by its control group or by QEMU.',
  settings: [
    ...blockLimitNames.map(limitSetting),
    ...blockLimitNames.flatMap(burstSettings),
    {
      name: 'iops_size',
      what: 'A request counts as one operation for each so many bytes of it.',
      values: 'bytes; 0: a request of any size is one operation',
      default: '0',
      writes: `${tune} size_iops_sec`,
      since: 'QEMU 1.7, libvirt 1.2.11',
      effect: 'now',
    },
    {
      name: 'via',
      what: 'Who keeps the limits. auto: the control group, if every image that the domain has on the disk goes past the page cache (cache none or directsync), only read_… and write_… are asked, and the group has the blkio or io controller; or else QEMU.',
      values: 'auto, cgroup, qemu',
      default: 'auto',
      writes: 'nothing by itself',
      since: '-',
      effect: 'now',
    },
    {
      name: 'device',
      what: 'Only on this disk of the host, and on it also before a domain has an image there.',
      values: 'a whole disk, such as /dev/sda; not a partition',
      default: 'the disks under the images of each domain',
      writes: 'nothing by itself',
      since: '-',
      effect: 'now',
    },
    {
      name: 'override_explicit',
      what: "Also where the domain's own XML has <blkiotune><device> or <iotune>.",
      values: 'true, false',
      default: 'false',
      writes: 'nothing by itself',
      since: '-',
      effect: 'now',
    },
  ],
  extraSpecs: [
    ...blockLimitNames.map((limit) => ({ name: `quota:disk_${limit}`, becomes: limit })),
    ...blockLimitNames.map((limit) => ({ name: `quota:disk_${limit}_max`, becomes: `${limit}_max` })),
    { name: 'quota:disk_size_iops_sec', becomes: 'iops_size' },
    ...blockLimitNames.map((limit) => ({
      name: `drover:disk_${limit}_max_length`,
      becomes: `${limit}_max_length_seconds (Nova has no name for it)`,
    })),
  ],
  knobs: [
    'read_bytes_sec /dev/sda, write_bytes_sec /dev/sda, read_iops_sec /dev/sda, write_iops_sec /dev/sda (control group)',
    'throttle vda (QEMU: all limits of the disk in one text, such as "read_bytes_sec=1048576 write_iops_sec=100", or "none")',
  ],
  verify:
    "Limits are read from the domain's control group, and QEMU's from the live XML. The evidence is what the group has moved on the disk since the domain was started: blkio.throttle.io_service_bytes and io_serviced, or io.stat. The reason for the choice between the two stands with each change.",
  undo: 'Each limit of the group as it was; a throttle of QEMU with all of its limits in one call.',
  limits: [
    'A limit of the group is for all images that a domain has on that disk together; a throttle of QEMU is for each disk.',
    'QEMU takes either total or read and write of one kind, and a burst only with its limit; a profile or extra spec against that is refused or held.',
    'A limit by extra spec replaces that of the profile with its burst, and a total the read and write of its kind (and the other way round).',
    'When the choice changes (another cache mode, another place of the image), the limits of the former way are put back by the next pass.',
    'With via: cgroup a cached disk is limited for reads alone: what the page cache writes later is charged to the root group (cgroup v1).',
    'The kernel counts operations after it has cut requests, so a guest may get fewer than write_iops_sec requests; QEMU counts those of the guest.',
    'Disks that share a throttle group (<group_name>) share one budget, and the last writer wins.',
    'vhost-user disks are served by another process: neither way limits them.',
  ],
  owners: [
    'Nova and Cinder front-end QoS (<iotune> in the XML)',
    'oVirt MOM',
    'systemd slices with IOReadBandwidthMax',
  ],
  sources: [
    'Linux 6.18 Documentation/admin-guide/cgroup-v1/blkio-controller.rst, cgroup-v2.rst',
    'QEMU 7.2 docs/throttle.txt, util/throttle.c',
    'libvirt 9.0 virsh(1) blkdeviotune and blkiotune',
    'Nova: LibvirtConfigGuestDisk and the flavor extra specs quota:disk_*',
  ],
  example: 'block-qos:\n  write_bytes_sec: 52428800\n  read_iops_sec: 500\n',
};
