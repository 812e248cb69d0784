/**
 * Cache mode of domain disks (libvirt: formatdomain, <driver cache>), looked at only: QEMU takes it when it opens the
 * disk, so it changes with the definition and a restart, which are the owner's.
 */
import { DroverError } from '../../proto/wire/errors.js';
import { recalled } from '../kernel/derived.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { cacheOf, hasMedium } from './common/block/domain-images.js';
import { domainObstacle, knobDomain } from './common/domain-knob.js';
import type { Reading, Tuner, TunerPorts } from './tuner.js';

const name = 'disk-cache';

export const diskCache: Tuner<typeof name> = {
  name,
  ofDomains: true,

  async observe(ports, { domains }) {
    return domains.flatMap((view) =>
      recalled(ports.kernel, `${name} ${view.uuid}`, [view, ports.hypervisor], (kernel) =>
        observeDomain({ ...ports, kernel }, view),
      ),
    );
  },

  want({ cache }, readings) {
    return readings.map(({ knob, value }) => ({
      knob,
      value: cache,
      effect: 'domain-restart',
      affects: knob.domain ? [knob.domain.name] : [],
      deferred: `the definition of ${knob.domain?.name} gives ${value}: change the definition and restart`,
    }));
  },

  async write(_ports, { setting }) {
    throw new DroverError('unsupported', `${setting} is looked at only: change the definition and restart`);
  },
};

function observeDomain(ports: TunerPorts, view: DomainView): Reading[] {
  const domain = knobDomain(ports.kernel, view);
  const obstacle = domainObstacle(ports, domain, view);
  const knobOf = (target: string): Reading['knob'] => ({
    ...{ tuner: name, setting: `cache ${target}`, domain },
    source: `<driver cache> of ${target}`,
  });
  if (view.xmlUnknown !== undefined) return [{ knob: knobOf('*'), unsupported: view.xmlUnknown }];
  return view.disks.filter(hasMedium).map((disk) => ({
    knob: knobOf(disk.target),
    ...(obstacle === undefined ? { value: cacheOf(disk) } : { unsupported: obstacle }),
    ...(cacheOf(disk) !== disk.cache && { evidence: "the definition names none: QEMU's default" }),
  }));
}
