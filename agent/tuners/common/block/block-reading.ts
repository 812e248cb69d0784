/** What a look at block I/O limits gives of one domain, whatever the settings. */
import type { GroupBlockLimits, GroupBlockTraffic } from '../../../kernel/cgroup-block.js';
import { readBlockTraffic } from '../../../kernel/cgroup-block.js';
import type { CgroupVersion } from '../../../kernel/cgroup.js';
import type { DomainView } from '../../../libvirt/hypervisor.js';
import type { KnobDomain, Reading, TunerPorts } from '../../tuner.js';
import type { DomainImage } from './domain-images.js';
import type { HostDisk } from './host-disk.js';

export const blockTuner = 'block-qos';

/** Setting to libvirt's and the group's word for it, with the v1 file. */
export const groupLimits = {
  read_bytes_sec: { key: 'readBytesSec', file: 'blkio.throttle.read_bps_device' },
  write_bytes_sec: { key: 'writeBytesSec', file: 'blkio.throttle.write_bps_device' },
  read_iops_sec: { key: 'readIopsSec', file: 'blkio.throttle.read_iops_device' },
  write_iops_sec: { key: 'writeIopsSec', file: 'blkio.throttle.write_iops_device' },
} as const satisfies Record<string, { key: keyof GroupBlockLimits; file: string }>;

export type GroupLimit = keyof typeof groupLimits;
export const limitNames = Object.keys(groupLimits) as GroupLimit[];

/** What is known of one domain's block I/O, whatever the settings. */
export interface DomainBlocks {
  readonly view: DomainView;
  readonly domain: KnobDomain;
  readonly images: readonly DomainImage[];
  /** Why its control group can keep no limits. */
  readonly groupObstacle: string | undefined;
}

/** A reading with the domain that it belongs to and the place that it limits. */
export interface BlockReading extends Reading {
  readonly blocks: DomainBlocks;
  /** A limit of the control group on a disk of the host; `device` is empty where the image has none. */
  readonly group?: { readonly limit: GroupLimit; readonly device: string };
  /** The image that a throttle of QEMU, or a limit without a disk of the host, belongs to. */
  readonly image?: DomainImage;
}

export type BlockPorts = TunerPorts & Required<Pick<TunerPorts, 'files'>>;

/** Where the limits of a domain are. */
export interface Group {
  readonly directory: string;
  readonly version: CgroupVersion;
}

/** The counters of a disk of the host since the domain's start, for people; undefined where the group has none. */
export function movedOn(ports: TunerPorts, group: Group | undefined, disk: HostDisk): string | undefined {
  const moved = group && readBlockTraffic(ports.kernel, group.directory, group.version, disk.number);
  return moved && traffic(moved);
}

function traffic({ readBytes, writeBytes, readOperations, writeOperations }: GroupBlockTraffic): string {
  return `read ${readBytes} bytes in ${readOperations} operations, wrote ${writeBytes} in ${writeOperations}`;
}
