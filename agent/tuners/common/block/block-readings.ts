/** Everything that limits one domain's block I/O: what its control group keeps, and what QEMU keeps. */
import type { CgroupFacts } from '../../../../proto/gen/drover/v1/CgroupFacts.js';
import { asDroverError } from '../../../../proto/wire/errors.js';
import { readAllBlockLimits } from '../../../kernel/cgroup-block.js';
import type { DiskThrottle, DomainView } from '../../../libvirt/hypervisor.js';
import type { KnobDomain, TunerPorts } from '../../tuner.js';
import {
  blockTuner,
  movedOn,
  type BlockPorts,
  type BlockReading,
  type DomainBlocks,
  type Group,
} from './block-reading.js';
import { imagesOf, type DomainImage } from './domain-images.js';
import { domainObstacle, hypervisorOf, knobDomain } from '../domain-knob.js';
import { recalled } from '../../../kernel/derived.js';
import {
  explicitDisks,
  groupOf,
  groupReadings,
  withoutDisk,
  type HostDisks,
} from './group-limit-readings.js';
import { readingOnce } from '../read-once.js';
import { throttleText } from './throttle-text.js';

/** All readings of one domain. Libvirt's XML of it is in the agent's memory until it changes: no call of libvirt. */
export async function readDomain(
  ports: BlockPorts,
  layout: CgroupFacts,
  disks: HostDisks,
  view: DomainView,
): Promise<BlockReading[]> {
  const { kernel, files, hypervisor } = ports;
  const images = view.xmlUnknown === undefined ? await imagesOf(kernel, files, view) : [];
  const explicit = await explicitDisks(ports, view);
  const domain = knobDomain(kernel, view);
  const obstacle = domainObstacle(ports, domain, view);
  const asked = obstacle === undefined ? await throttlesOf(ports, domain) : { unsupported: obstacle };
  const told = JSON.stringify([
    images,
    [...explicit],
    disks.named && [...disks.named],
    isKnown(asked) || asked,
  ]);
  const inputs = [view, layout, disks.disks, told, isKnown(asked) ? asked : undefined, hypervisor];
  return recalled(kernel, `${blockTuner} ${view.uuid}`, inputs, (root) =>
    readingsOf({ ...ports, kernel: root }, layout, disks, { view, images, explicit, asked }),
  );
}

type Throttles = ReadonlyMap<string, DiskThrottle>;
type NoThrottles = { readonly unsupported: string; readonly undecided?: string };

/** What was asked of others than the control group. */
interface Asked {
  readonly view: DomainView;
  readonly images: readonly DomainImage[];
  readonly explicit: ReadonlySet<string>;
  readonly asked: Throttles | NoThrottles;
}

function readingsOf(
  ports: BlockPorts,
  layout: CgroupFacts,
  disks: HostDisks,
  { view, images, explicit, asked }: Asked,
): BlockReading[] {
  const domain = knobDomain(ports.kernel, view);
  const kernel = readingOnce(ports.kernel);
  const group = groupOf(ports, layout, view);
  const groupObstacle =
    group === undefined
      ? 'the domain has no control group for block I/O'
      : readAllBlockLimits(kernel, group.directory, group.version) === undefined
        ? 'the control group has no limits'
        : undefined;
  const blocks = { view, domain, images, groupObstacle };
  const obstacle = domainObstacle(ports, domain, view);
  return [
    ...groupReadings({ ...ports, kernel }, blocks, { ...disks, explicit }, group, obstacle ?? groupObstacle),
    ...throttleReadings({ ...ports, kernel }, blocks, group, asked),
    ...withoutDisk(blocks),
  ];
}

function throttleReadings(
  ports: BlockPorts,
  blocks: DomainBlocks,
  group: Group | undefined,
  asked: Throttles | NoThrottles,
): BlockReading[] {
  const { domain, images, view } = blocks;
  return images.map((image) => {
    const evidence = image.disk && movedOn(ports, group, image.disk);
    const value = isKnown(asked) ? { value: throttleText(asked.get(image.target) ?? {}) } : asked;
    return {
      knob: {
        ...{ tuner: blockTuner, setting: `throttle ${image.target}`, domain },
        source: `<iotune> of ${image.target}`,
      },
      ...value,
      explicit: view.explicit.diskThrottles.includes(image.target),
      ...(evidence !== undefined && { evidence }),
      blocks,
      image,
    };
  });
}

function isKnown(asked: Throttles | NoThrottles): asked is Throttles {
  return 'get' in asked;
}

/** A domain that libvirt cannot tell of is its own trouble: what the ledger holds of it stays. */
async function throttlesOf(ports: TunerPorts, domain: KnobDomain): Promise<Throttles | NoThrottles> {
  try {
    return await hypervisorOf(ports).diskThrottles(domain);
  } catch (thrown) {
    const { message } = asDroverError(thrown);
    return { unsupported: message, undecided: message };
  }
}
