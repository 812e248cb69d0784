/**
 * Block I/O limits of every domain on the disks of the host under its images (admin-guide/cgroup-v1/blkio-controller.rst,
 * cgroup-v2.rst io.max). Read from the domain's control group.
 */
import type { BlockDevice } from '../../proto/gen/drover/v1/BlockDevice.js';
import type { CgroupFacts } from '../../proto/gen/drover/v1/CgroupFacts.js';
import { invalid } from '../../proto/wire/errors.js';
import type { BlockQosSettings } from '../../proto/wire/tuner-settings.js';
import { readBlockLimits, type GroupBlockLimits } from '../kernel/cgroup-block.js';
import { controllerVersion, domainGroup, readCgroupLayout } from '../kernel/cgroup.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { domainObstacle, hypervisorOf, knobDomain, valueOr } from './common/domain-knob.js';
import { FileStats } from './common/file-stats.js';
import { diskOfNode, diskUnder, type HostDisk } from './common/host-disk.js';
import { readingOnce } from './common/read-once.js';
import type { HostView, KnobDomain, Reading, Tuner, TunerPorts, Want } from './tuner.js';

const name = 'block-qos';

/** Setting to libvirt's and the group's word for it, with the v1 file. */
const limits = {
  read_bytes_sec: { key: 'readBytesSec', file: 'blkio.throttle.read_bps_device' },
  write_bytes_sec: { key: 'writeBytesSec', file: 'blkio.throttle.write_bps_device' },
  read_iops_sec: { key: 'readIopsSec', file: 'blkio.throttle.read_iops_device' },
  write_iops_sec: { key: 'writeIopsSec', file: 'blkio.throttle.write_iops_device' },
} as const satisfies Record<string, { key: keyof GroupBlockLimits; file: string }>;

type Limit = keyof typeof limits;
const limitNames = Object.keys(limits) as Limit[];

/** The kernel keeps operations a second in 32 bits. */
const maximumIops = 4_294_967_295;

/** A reading that knows its limit, its device, and whether an image of the domain is on that device. */
interface BlockReading extends Reading {
  readonly limit: Limit;
  readonly device: string;
  readonly underImage: boolean;
}

export const blockQos: Tuner<typeof name> = {
  name,
  description: {
    summary: 'bytes and operations a second that a domain may read and write on a disk of the host',
    writes: ['virDomainSetBlkioParameters'],
    source:
      'admin-guide/cgroup-v1/blkio-controller.rst (Linux 2.6.37); admin-guide/cgroup-v2.rst (4.5); libvirt 1.2.2',
  },
  ofDomains: true,

  async observe(ports, host) {
    const layout = host.facts.cgroup ?? readCgroupLayout(ports.kernel);
    const files = ports.files ?? new FileStats();
    const read = await Promise.all(
      host.domains.map((domain) => observeDomain({ ...ports, files }, layout, host, domain)),
    );
    return read.flat();
  },

  want(settings, readings, host) {
    checkLimits(settings);
    if (settings.device !== undefined) checkDevice(settings.device, host.facts.blockDevices);
    const meant = (reading: BlockReading): boolean =>
      settings.device === undefined ? reading.underImage : reading.device === settings.device;
    return (readings as readonly BlockReading[])
      .filter(meant)
      .flatMap((reading) => wantLimit(settings, reading));
  },

  async write(ports, knob, value) {
    const [limit, device = ''] = knob.setting.split(' ');
    const { key } = limits[limit as Limit];
    return hypervisorOf(ports).setBlockLimits((knob.domain as KnobDomain).uuid, device, {
      [key]: Number(value),
    });
  },
};

/** The ports with a way to look at images. */
type Ports = TunerPorts & Required<Pick<TunerPorts, 'files'>>;

async function observeDomain(
  ports: Ports,
  layout: CgroupFacts,
  host: HostView,
  view: DomainView,
): Promise<BlockReading[]> {
  const domain = knobDomain(ports.kernel, view);
  const version = controllerVersion(layout, 'blkio');
  const group = view.pid === undefined ? undefined : domainGroup(ports.kernel, layout, view.pid, 'blkio');
  const obstacle =
    domainObstacle(ports, domain, view) ??
    (group === undefined ? 'the domain has no control group for block I/O' : undefined);
  const { disks, without, undecided } = await disksOf(ports, view);
  const explicit = await explicitDisks(ports, view);
  const kernel = readingOnce(ports.kernel);
  const read = (disk: HostDisk, underImage: boolean): BlockReading[] => {
    const values =
      group === undefined || version === undefined
        ? undefined
        : readBlockLimits(kernel, group, version, disk.number);
    return limitNames.map((limit) => ({
      knob: {
        tuner: name,
        setting: `${limit} ${disk.device}`,
        domain,
        source: `${group ?? '/sys/fs/cgroup'}/${version === 2 ? 'io.max' : limits[limit].file}`,
      },
      ...(obstacle === undefined
        ? valueOr(values?.[limits[limit].key].toString(), 'the control group has no limits')
        : { unsupported: obstacle }),
      explicit: explicit.has(disk.number) || view.explicit.blockDevices.includes(disk.device),
      limit,
      device: disk.device,
      underImage,
      ...(undecided !== undefined && !underImage && { undecided }),
    }));
  };
  const others = host.facts.blockDevices.map(toHostDisk).filter(({ device }) => !disks.has(device));
  return [
    ...[...disks.values()].flatMap((disk) => read(disk, true)),
    ...others.flatMap((disk) => read(disk, false)),
    ...without.flatMap((reason) => unsupportedDisk(domain, reason)),
  ];
}

interface Disks {
  readonly disks: Map<string, HostDisk>;
  readonly without: { readonly label: string; readonly reason: string }[];
  /** Why it is not known whether an image is on another disk too. */
  undecided?: string;
}

/** The host's disks under a domain's images, each once by its node, and the images that have none. */
async function disksOf({ kernel, files }: Ports, view: DomainView): Promise<Disks> {
  const found: Disks = { disks: new Map(), without: [] };
  if (view.xmlUnknown !== undefined) found.without.push({ label: 'disks', reason: view.xmlUnknown });
  for (const image of view.disks) {
    const disk = await diskUnder(kernel, image, files);
    if ('device' in disk) found.disks.set(disk.device, disk);
    else found.without.push({ label: `disk ${image.target}`, reason: disk.reason });
    if ('undecided' in disk && disk.undecided) found.undecided = disk.reason;
  }
  return found;
}

/** Numbers of the whole disks that the domain's own <blkiotune> names, by whatever name. */
async function explicitDisks({ kernel, files }: Ports, view: DomainView): Promise<Set<string>> {
  const disks = await Promise.all(
    view.explicit.blockDevices.map((device) => diskOfNode(kernel, device, files)),
  );
  return new Set(disks.flatMap((disk) => disk?.number ?? []));
}

function unsupportedDisk(
  domain: KnobDomain,
  { label, reason }: { label: string; reason: string },
): BlockReading[] {
  return limitNames.map((limit) => ({
    knob: { tuner: name, setting: `${limit} (${label})`, domain, source: label },
    unsupported: reason,
    limit,
    device: '',
    underImage: true,
  }));
}

function toHostDisk({ name: device, deviceNumber }: BlockDevice): HostDisk {
  return { device: nodeOf(device), number: deviceNumber };
}

/** sysfs writes a slash in a device's name as an exclamation mark. */
function nodeOf(name: string): string {
  return `/dev/${name.replaceAll('!', '/')}`;
}

function checkLimits(settings: BlockQosSettings): void {
  for (const key of ['read_iops_sec', 'write_iops_sec'] as const) {
    const value = settings[key];
    if (value !== undefined && value > maximumIops)
      throw invalid(`tuners.${name}.${key}`, value, `at most ${maximumIops}`);
  }
}

function checkDevice(device: string, devices: readonly BlockDevice[]): void {
  if (devices.some((each) => nodeOf(each.name) === device)) return;
  const whole = devices.find(({ partitions }) =>
    partitions.some((partition) => nodeOf(partition) === device),
  );
  const list = devices.map((each) => nodeOf(each.name)).join(', ') || 'none';
  const cure = whole
    ? `a whole disk: ${nodeOf(whole.name)} (limits work on disks, not on partitions)`
    : `a block device of this host: ${list}`;
  throw invalid(`tuners.${name}.device`, device, cure);
}

function wantLimit(settings: BlockQosSettings, { limit, knob }: BlockReading): Want[] {
  const value = settings[limit];
  const override = settings.override_explicit ?? false;
  return value === undefined ? [] : [{ knob, value: String(value), effect: 'now', affects: [], override }];
}
