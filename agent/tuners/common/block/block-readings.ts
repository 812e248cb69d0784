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
import { imagesOf } from './domain-images.js';
import { domainObstacle, hypervisorOf, knobDomain } from '../domain-knob.js';
import { groupOf, groupReadings, withoutDisk, type HostDisks } from './group-limit-readings.js';
import { readingOnce } from '../read-once.js';
import { throttleText } from './throttle-text.js';

/** All readings of one domain. Libvirt's XML of it is in the agent's memory until it changes: no call of libvirt. */
export async function readDomain(
  ports: BlockPorts,
  layout: CgroupFacts,
  disks: HostDisks,
  view: DomainView,
): Promise<BlockReading[]> {
  const domain = knobDomain(ports.kernel, view);
  const kernel = readingOnce(ports.kernel);
  const group = groupOf(ports, layout, view);
  const images = view.xmlUnknown === undefined ? await imagesOf(ports.kernel, ports.files, view) : [];
  const groupObstacle =
    group === undefined
      ? 'the domain has no control group for block I/O'
      : readAllBlockLimits(kernel, group.directory, group.version) === undefined
        ? 'the control group has no limits'
        : undefined;
  const blocks = { view, domain, images, groupObstacle };
  const obstacle = domainObstacle(ports, domain, view);
  return [
    ...(await groupReadings({ ...ports, kernel }, blocks, disks, group, obstacle ?? groupObstacle)),
    ...(await throttleReadings({ ...ports, kernel }, blocks, group, obstacle)),
    ...withoutDisk(blocks),
  ];
}

async function throttleReadings(
  ports: BlockPorts,
  blocks: DomainBlocks,
  group: Group | undefined,
  obstacle: string | undefined,
): Promise<BlockReading[]> {
  const { domain, images, view } = blocks;
  const asked = obstacle === undefined ? await throttlesOf(ports, domain) : { unsupported: obstacle };
  return images.map((image) => {
    const evidence = image.disk && movedOn(ports, group, image.disk);
    const value = asked instanceof Map ? { value: throttleText(asked.get(image.target) ?? {}) } : asked;
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

/** A domain that libvirt cannot tell of is its own trouble: what the ledger holds of it stays. */
async function throttlesOf(
  ports: TunerPorts,
  domain: KnobDomain,
): Promise<Map<string, DiskThrottle> | { unsupported: string; undecided: string }> {
  try {
    return new Map(await hypervisorOf(ports).diskThrottles(domain));
  } catch (thrown) {
    const { message } = asDroverError(thrown);
    return { unsupported: message, undecided: message };
  }
}
