/**
 * Block I/O limits of every domain, kept by its control group on the disks of the host under its images, or by QEMU on
 * each of its disks (docs/throttle.txt), whichever sees the I/O.
 */
import type { BlockDevice } from '../../proto/gen/drover/v1/BlockDevice.js';
import type { BlockKey, BlockQosSettings } from '../../proto/tuners/block-qos.js';
import { invalid } from '../../proto/wire/errors.js';
import { recalled } from '../kernel/derived.js';
import { readCgroupLayout } from '../kernel/cgroup.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { askOf, maximumIops, type BlockAsk } from './common/block/block-ask.js';
import {
  groupLimits,
  type BlockReading,
  type DomainBlocks,
  type GroupLimit,
} from './common/block/block-reading.js';
import { readDomain } from './common/block/block-readings.js';
import type { DomainImage } from './common/block/domain-images.js';
import { hypervisorOf } from './common/domain-knob.js';
import { FileStats } from './common/block/file-stats.js';
import { groupBy } from './common/group-by.js';
import { nodeOf, toHostDisk } from './common/block/group-limit-readings.js';
import { wayOf, type LimitWay } from './common/block/limit-way.js';
import { parseThrottle, throttleOf, throttleText } from './common/block/throttle-text.js';
import type { HostView, KnobDomain, Tuner, Want } from './tuner.js';

const name = 'block-qos';
const throttleKnob = 'throttle';

export const blockQos: Tuner<typeof name> = {
  name,
  ofDomains: true,

  async observe(ports, host) {
    const { facts, domains } = host;
    const layout = facts.cgroup ?? readCgroupLayout(ports.kernel);
    const disks = recalled(ports.kernel, 'disks of the host', [facts.blockDevices], () =>
      facts.blockDevices.map(toHostDisk),
    );
    const named = namedDevices(host);
    const files = ports.files ?? new FileStats();
    const read = await Promise.all(
      domains.map((view) => readDomain({ ...ports, files }, layout, { disks, named: named?.(view) }, view)),
    );
    return read.flat();
  },

  want(settings, readings, host) {
    checkIops(settings);
    if (settings.device !== undefined) checkDevice(settings.device, host.facts.blockDevices);
    const byDomain = groupBy(readings as readonly BlockReading[], ({ blocks }) => blocks);
    return [...byDomain].flatMap(([blocks, own]) => wantDomain(settings, blocks, own));
  },

  async write(ports, knob, value) {
    const [word, place = ''] = knob.setting.split(' ');
    const domain = knob.domain as KnobDomain;
    if (word === throttleKnob)
      return hypervisorOf(ports).setDiskThrottle(domain, place, parseThrottle(value));
    const { key } = groupLimits[word as GroupLimit];
    return hypervisorOf(ports).setBlockLimits(domain, place, { [key]: Number(value) });
  },
};

/** Devices that the settings or a domain's ledger entries name; undefined: the settings are not told. */
function namedDevices({
  settings,
  held = [],
}: HostView): ((view: DomainView) => ReadonlySet<string>) | undefined {
  if (!settings) return undefined;
  const device = settings[name]?.device;
  const byDomain = groupBy(
    held.filter((knob) => knob.tuner === name),
    ({ domain }) => domain?.uuid,
  );
  return ({ uuid }) => {
    const own = byDomain.get(uuid) ?? [];
    const devices = own.map(({ setting }) => setting.split(' ')[1] ?? '');
    return new Set(device === undefined ? devices : [...devices, device]);
  };
}

/** Ways by disk of the host, and by image where there is none. */
function waysOf(
  settings: BlockQosSettings,
  ask: BlockAsk,
  blocks: DomainBlocks,
): (image: DomainImage) => LimitWay {
  const place = ({ disk, target }: DomainImage): string => disk?.device ?? target;
  const groups = groupBy(blocks.images, place);
  const ways = new Map(
    [...groups].map(([key, images]) => [key, wayOf(settings, ask, images, blocks.groupObstacle)]),
  );
  return (image) => ways.get(place(image)) as LimitWay;
}

function isMeant({ device }: BlockQosSettings, { disk }: DomainImage): boolean {
  return device === undefined || disk?.device === device;
}

function wantDomain(
  settings: BlockQosSettings,
  blocks: DomainBlocks,
  readings: readonly BlockReading[],
): Want[] {
  const ask = askOf(settings, blocks.view);
  const wayOfImage = waysOf(settings, ask, blocks);
  const onDevice = (device: string): LimitWay | undefined => {
    const image = blocks.images.find(({ disk }) => disk?.device === device);
    if (image) return isMeant(settings, image) ? wayOfImage(image) : undefined;
    // A device that was named keeps its limits also where no image of the domain is on it yet.
    return device === settings.device && settings.via !== 'qemu'
      ? wayOf(settings, ask, [], undefined)
      : undefined;
  };
  return readings.flatMap((reading) => {
    const { group, image, knob } = reading;
    const override = settings.override_explicit ?? false;
    const base = { knob, effect: 'now', affects: [], override } as const;
    if (group === undefined) {
      const way = image && isMeant(settings, image) ? wayOfImage(image) : undefined;
      return way?.by === 'qemu' ? wantThrottle(base, ask, way) : [];
    }
    if (group.device !== '') {
      const way = onDevice(group.device);
      return way?.by === 'cgroup' ? wantLimit(base, ask, group.limit, way) : [];
    }
    const isOff = settings.device !== undefined || (image && wayOfImage(image).by === 'qemu');
    return isOff ? [] : wantLimit(base, ask, group.limit);
  });
}

type Base = Pick<Want, 'knob' | 'effect' | 'affects' | 'override'>;

function wantLimit(
  base: Base,
  { limits, faults, conflict }: BlockAsk,
  limit: GroupLimit,
  way?: LimitWay,
): Want[] {
  const fault = faults.get(limit);
  if (fault) return [{ ...base, value: fault.text, held: fault.reason }];
  const value = limits[limit];
  if (value === undefined) return [];
  const remark = way && { remark: `by the control group: ${way.reason}` };
  return [{ ...base, value: String(value), ...remark, ...(conflict !== undefined && { held: conflict }) }];
}

/** One want for all limits of a disk. A faulty spec holds it as it is: half of a throttle would be another throttle. */
function wantThrottle(base: Base, { limits, faults, conflict }: BlockAsk, { reason }: LimitWay): Want[] {
  if (faults.size === 0 && Object.values(limits).every((value) => value === undefined)) return [];
  const words = [...faults].map(([key, { text }]: [BlockKey, { text: string }]) => `${key}=${text}`);
  const value = [throttleText(throttleOf(limits)), ...words].join(' ');
  const held = [...faults.values()].map((fault) => fault.reason)[0] ?? conflict;
  return [{ ...base, value, remark: `by QEMU: ${reason}`, ...(held !== undefined && { held }) }];
}

function checkIops(settings: BlockQosSettings): void {
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
