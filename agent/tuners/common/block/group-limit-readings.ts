/**
 * Limits that a domain's control group keeps on disks of the host (admin-guide/cgroup-v1/blkio-controller.rst,
 * cgroup-v2.rst io.max).
 */
import type { BlockDevice } from '../../../../proto/gen/drover/v1/BlockDevice.js';
import type { CgroupFacts } from '../../../../proto/gen/drover/v1/CgroupFacts.js';
import { noBlockLimits, readAllBlockLimits } from '../../../kernel/cgroup-block.js';
import { controllerVersion, domainGroup } from '../../../kernel/cgroup.js';
import type { DomainView } from '../../../libvirt/hypervisor.js';
import type { TunerPorts } from '../../tuner.js';
import {
  blockTuner,
  groupLimits,
  limitNames,
  movedOn,
  type BlockPorts,
  type BlockReading,
  type DomainBlocks,
  type Group,
  type GroupLimit,
} from './block-reading.js';
import { valueOr } from '../domain-knob.js';
import { diskOfNode, type HostDisk } from './host-disk.js';

/** The control group of a domain for block I/O; undefined: it has none. */
export function groupOf({ kernel }: TunerPorts, layout: CgroupFacts, { pid }: DomainView): Group | undefined {
  const version = controllerVersion(layout, 'blkio');
  const directory = pid === undefined ? undefined : domainGroup(kernel, layout, pid, 'blkio');
  return directory === undefined || version === undefined ? undefined : { directory, version };
}

/** Disks of the host, and which of them a look at a domain is about besides those under its images. */
export interface HostDisks {
  readonly disks: readonly HostDisk[];
  /** Device nodes that settings or the ledger name; undefined: nobody says, so all of them. */
  readonly named: ReadonlySet<string> | undefined;
}

/**
 * Each limit on the disks under images, with their counters, and on those that are named, explicit or limited: a host may
 * have hundreds of others. `obstacle`: why none can be read.
 */
export function groupReadings(
  ports: BlockPorts,
  blocks: DomainBlocks,
  { disks, named, explicit }: HostDisks & { readonly explicit: ReadonlySet<string> },
  group: Group | undefined,
  obstacle: string | undefined,
): BlockReading[] {
  const { view, domain, images } = blocks;
  const own = new Map(images.flatMap(({ disk }) => (disk ? [[disk.device, disk]] : [])));
  const limits = group && readAllBlockLimits(ports.kernel, group.directory, group.version);
  const isExplicit = ({ device, number }: HostDisk): boolean =>
    explicit.has(number) || view.explicit.blockDevices.includes(device);
  const others = disks.filter(
    (disk) =>
      !own.has(disk.device) &&
      (!named || named.has(disk.device) || limits?.has(disk.number) || isExplicit(disk)),
  );
  const undecided = images.find(({ isUndecided }) => isUndecided)?.reason;
  const read = (disk: HostDisk, underImage: boolean): BlockReading[] => {
    const values = limits && (limits.get(disk.number) ?? noBlockLimits);
    const evidence = underImage ? movedOn(ports, group, disk) : undefined;
    return limitNames.map((limit) => ({
      knob: {
        ...{ tuner: blockTuner, setting: `${limit} ${disk.device}`, domain },
        source: `${group?.directory ?? '/sys/fs/cgroup'}/${group?.version === 2 ? 'io.max' : groupLimits[limit].file}`,
      },
      ...(obstacle === undefined
        ? valueOr(values?.[groupLimits[limit].key].toString(), 'the control group has no limits')
        : { unsupported: obstacle }),
      explicit: isExplicit(disk),
      ...(evidence !== undefined && { evidence }),
      ...(undecided !== undefined && !underImage && { undecided }),
      blocks,
      group: { limit, device: disk.device },
    }));
  };
  return [
    ...[...own.values()].flatMap((disk) => read(disk, true)),
    ...others.flatMap((disk) => read(disk, false)),
  ];
}

/** Limits that a control group cannot keep, because no disk of the host is under the image. */
export function withoutDisk(blocks: DomainBlocks): BlockReading[] {
  const { domain, images, view } = blocks;
  const reading = (limit: GroupLimit, label: string, reason: string): BlockReading => ({
    knob: { tuner: blockTuner, setting: `${limit} (${label})`, domain, source: label },
    unsupported: reason,
    blocks,
    group: { limit, device: '' },
  });
  const unknown = view.xmlUnknown;
  if (unknown !== undefined) return limitNames.map((limit) => reading(limit, 'disks', unknown));
  return images
    .filter(({ disk }) => disk === undefined)
    .flatMap((image) =>
      limitNames.map((limit) => ({ ...reading(limit, `disk ${image.target}`, image.reason), image })),
    );
}

/** Numbers of the whole disks that the domain's own <blkiotune> names, by whatever name. */
export async function explicitDisks({ kernel, files }: BlockPorts, view: DomainView): Promise<Set<string>> {
  const disks = await Promise.all(
    view.explicit.blockDevices.map((device) => diskOfNode(kernel, device, files)),
  );
  return new Set(disks.flatMap((disk) => disk?.number ?? []));
}

/** A disk of the host's facts, by its device node. */
export function toHostDisk({ name: device, deviceNumber }: BlockDevice): HostDisk {
  return { device: nodeOf(device), number: deviceNumber };
}

/** sysfs writes a slash in a device's name as an exclamation mark. */
export function nodeOf(device: string): string {
  return `/dev/${device.replaceAll('!', '/')}`;
}
