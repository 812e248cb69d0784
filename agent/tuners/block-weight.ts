/** Proportional weight of domains on a disk. Kernel: Documentation/block/bfq-iosched.rst, cgroup-v2.rst io.weight. */
import { basename } from 'node:path';
import type { CgroupFacts } from '../../proto/gen/drover/v1/CgroupFacts.js';
import { blockWeightRange } from '../../proto/tuners/block-weight.js';
import { bottomDevices, readScheduler } from '../kernel/block-queue.js';
import {
  fromBfqWeight,
  iocostDevices,
  readBlockWeight,
  toBfqWeight,
  type GroupBlockWeight,
} from '../kernel/cgroup-block-weight.js';
import { recalled } from '../kernel/derived.js';
import { controllerVersion, domainGroup, readCgroupLayout } from '../kernel/cgroup.js';
import type { KernelRoot } from '../kernel/root.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { imagesOf, type DomainImage } from './common/block/domain-images.js';
import { domainObstacle, hypervisorOf, knobDomain } from './common/domain-knob.js';
import { FileStats } from './common/block/file-stats.js';
import { readingOnce } from './common/read-once.js';
import { specNumber } from './common/specs.js';
import { knobKey, type KnobDomain, type Reading, type Tuner, type TunerPorts, type Want } from './tuner.js';

const name = 'block-weight';
const spec = 'drover:disk_weight';

/** A reading with what the want needs of its domain. */
interface WeightReading extends Reading {
  readonly view: DomainView;
  /** systemd writes the number in bfq's scale. */
  readonly isScaled: boolean;
}

export const blockWeight: Tuner<typeof name> = {
  name,
  ofDomains: true,

  async observe(ports, { facts, domains }) {
    const layout = facts.cgroup ?? readCgroupLayout(ports.kernel);
    const around = { ...ports, kernel: readingOnce(ports.kernel), files: ports.files ?? new FileStats() };
    return Promise.all(
      domains.map(async (view) => {
        const images = await imagesOf(around.kernel, around.files, view);
        const inputs = [view, layout, JSON.stringify(images), ports.hypervisor];
        return recalled(around.kernel, `${name} ${view.uuid}`, inputs, (kernel) =>
          observeDomain({ ...ports, kernel }, layout, view, images),
        );
      }),
    );
  },

  want({ weight, override_explicit = false }, readings, { held = [] }) {
    const ours = new Set(held.map(knobKey));
    return (readings as readonly WeightReading[]).flatMap((reading): Want[] => {
      const { knob, view, isScaled, ineffective } = reading;
      const base = { knob, effect: 'now', affects: [], override: override_explicit } as const;
      const own = specNumber(view, spec, blockWeightRange.lowest, blockWeightRange.highest);
      if (own && 'fault' in own) return [{ ...base, value: view.specs[spec] as string, held: own.fault }];
      const asked = own?.value ?? weight;
      if (asked === undefined) return [];
      const value = isScaled ? toBfqWeight(asked) : asked;
      const remark = value === asked ? {} : { remark: `systemd writes ${asked} as ${value} for bfq` };
      // A weight that nobody obeys is not written: it would say what is not so.
      const inert = ineffective ?? (ours.has(knobKey(knob)) ? undefined : notRestorable(reading));
      return [
        { ...base, value: String(value), ...remark, ...(inert !== undefined && { unsupported: inert }) },
      ];
    });
  },

  async write(ports, { domain, source }, value) {
    const isScaled = /\.scope\/\w+\.bfq\.weight$/.test(source);
    const weight = isScaled ? fromBfqWeight(Number(value)) : Number(value);
    await hypervisorOf(ports).setBlockWeight(domain as KnobDomain, weight);
  },
};

/** Why the weight of now could not be put back: libvirt takes no such number. */
function notRestorable({ knob, value, isScaled }: WeightReading): string | undefined {
  const { lowest, highest } = blockWeightRange;
  const most = isScaled ? toBfqWeight(highest) : highest;
  if (value === undefined || (Number(value) >= lowest && Number(value) <= most)) return undefined;
  return `${basename(knob.source)} is ${value}, and libvirt sets ${lowest}..${most} only: it could not be put back`;
}

function observeDomain(
  ports: TunerPorts,
  layout: CgroupFacts,
  view: DomainView,
  images: readonly DomainImage[],
): WeightReading {
  const { kernel } = ports;
  const domain = knobDomain(kernel, view);
  const found = weightOf(kernel, layout, view);
  const knob = { tuner: name, setting: 'weight', domain, source: found?.file ?? '/sys/fs/cgroup' } as const;
  const base = { knob, view, isScaled: found?.isScaled ?? false, explicit: view.explicit.blockWeight };
  const obstacle = domainObstacle(ports, domain, view);
  if (obstacle !== undefined) return { ...base, unsupported: obstacle };
  if (!found) return { ...base, unsupported: "no weight for block I/O in the domain's control group" };
  const effect = effectOf(kernel, layout, found, images);
  return { ...base, value: String(found.weight), ...effect };
}

/** Libvirt sets the weight where systemd owns the group: on the scope, not on the group `libvirt` below it. */
function weightOf(
  kernel: KernelRoot,
  layout: CgroupFacts,
  { pid }: DomainView,
): GroupBlockWeight | undefined {
  const version = controllerVersion(layout, 'blkio');
  const inner = pid === undefined ? undefined : domainGroup(kernel, layout, pid, 'blkio');
  if (version === undefined || inner === undefined) return undefined;
  return readBlockWeight(kernel, inner.replace(/(\.scope)\/libvirt$/, '$1'), version);
}

/** On which disks somebody shares by this weight; where nobody does on any, the weight has no effect. */
function effectOf(
  kernel: KernelRoot,
  layout: CgroupFacts,
  { obeyedBy }: GroupBlockWeight,
  images: readonly DomainImage[],
): Pick<Reading, 'evidence' | 'ineffective'> {
  const iocost = obeyedBy.includes('iocost') ? iocostDevices(kernel, layout.unified) : new Set<string>();
  const disks = new Map(images.flatMap(({ disk }) => (disk ? [[disk.device, disk.number]] : [])));
  const idle: string[] = [];
  const biting: string[] = [];
  for (const [device, number] of disks) {
    const bottoms = bottomDevices(kernel, basename(device));
    const schedulers = bottoms.map((bottom) => readScheduler(kernel, bottom)?.scheduler ?? 'unknown');
    const own = bottoms.map((bottom) => kernel.read(`/sys/class/block/${bottom}/dev`) ?? '');
    if ([number, ...own].some((each) => iocost.has(each))) biting.push(`iocost on ${basename(device)}`);
    else if (obeyedBy.includes('bfq') && schedulers.every((each) => each === 'bfq'))
      biting.push(`bfq on ${basename(device)}`);
    else idle.push(...bottoms.map((bottom, index) => `the scheduler of ${bottom} is ${schedulers[index]}`));
  }
  if (biting.length > 0) return { evidence: biting.join(', ') };
  if (disks.size === 0) return { ineffective: 'no image of it lies on a disk of this host' };
  return { ineffective: `${[...new Set(idle)].join(', ')}: weights need ${needOf(obeyedBy)}` };
}

function needOf(obeyedBy: GroupBlockWeight['obeyedBy']): string {
  return obeyedBy.length === 0 ? 'bfq' : obeyedBy.toSorted().join(' or ');
}
