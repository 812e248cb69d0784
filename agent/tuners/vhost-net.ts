/** Whether virtio interfaces of domains are served by vhost-net in the kernel (drivers/vhost/net.c). Looked at only. */
import type { CgroupFacts } from '../../proto/gen/drover/v1/CgroupFacts.js';
import { DroverError } from '../../proto/wire/errors.js';
import { readCgroupLayout } from '../kernel/cgroup.js';
import { recalled } from '../kernel/derived.js';
import type { KernelRoot } from '../kernel/root.js';
import { vhostNode, vhostQueues, vhostThreads } from '../kernel/vhost.js';
import type { DomainInterface, DomainView } from '../libvirt/hypervisor.js';
import { domainObstacle, knobDomain } from './common/domain-knob.js';
import type { Reading, Tuner, TunerPorts, Want } from './tuner.js';

const name = 'vhost-net';

/** Why an interface is not used, so that a want can tell it. */
interface VhostReading extends Reading {
  readonly obstacle?: string;
  /** This host has no vhost-net at all. */
  readonly hostLacksIt: boolean;
}

export const vhostNet: Tuner<typeof name> = {
  name,
  ofDomains: true,

  async observe(ports, host) {
    const layout = host.facts.cgroup ?? readCgroupLayout(ports.kernel);
    const hostLacksIt = !ports.kernel.exists(vhostNode);
    return host.domains.flatMap((view) =>
      recalled(
        ports.kernel,
        `${name} ${view.uuid}`,
        [view, layout, hostLacksIt, ports.hypervisor],
        (kernel) => observeDomain({ ...ports, kernel }, layout, view, hostLacksIt),
      ),
    );
  },

  want(settings, readings) {
    return settings.require ? (readings as readonly VhostReading[]).map(wantUsed) : [];
  },

  async write() {
    throw new DroverError('unsupported', 'vhost-net is chosen when QEMU starts: nothing can be written');
  },
};

/** Interfaces that vhost-net could serve: virtio on a tap. */
const tapTypes = new Set(['bridge', 'network', 'ethernet', 'direct']);

function observeDomain(
  ports: TunerPorts,
  layout: CgroupFacts,
  view: DomainView,
  hostLacksIt: boolean,
): VhostReading[] {
  const { kernel } = ports;
  const domain = knobDomain(kernel, view);
  const virtio = view.interfaces.filter(({ model }) => model.startsWith('virtio'));
  if (virtio.length === 0) return [];
  const obstacle = domainObstacle(ports, domain, view);
  const queues = view.pid === undefined ? undefined : vhostQueues(kernel, view.pid);
  const evidence = queues ? evidenceOf(kernel, layout, view.pid as number, queues) : `no open ${vhostNode}`;
  const meant = virtio.filter(({ type, driver }) => tapTypes.has(type) && driver !== 'qemu').length;
  return virtio.map((each) => {
    const knob = {
      tuner: name,
      setting: `vhost ${each.mac}`,
      domain,
      source: `/proc/${view.pid ?? '?'}/fd`,
    } as const;
    const unsupported =
      obstacle ??
      unsuited(each) ??
      (queues === undefined ? 'the open files of QEMU cannot be seen' : undefined);
    if (unsupported !== undefined || queues === undefined)
      return { knob, unsupported: unsupported ?? '', hostLacksIt };
    const reason = notUsed(each, queues, meant);
    return {
      knob,
      value: reason === undefined ? 'used' : 'not used',
      evidence,
      ...(reason !== undefined && { obstacle: reason }),
      hostLacksIt,
    };
  });
}

function unsuited({ type }: DomainInterface): string | undefined {
  if (tapTypes.has(type)) return undefined;
  return type === 'vhostuser'
    ? 'a user-space switch serves it (vhost-user)'
    : `an interface of type ${type} has no tap that vhost-net could serve`;
}

/** Undefined: it is used. A QEMU with fewer open files than interfaces does not tell which one is without. */
function notUsed({ driver }: DomainInterface, queues: number, meant: number): string | undefined {
  if (driver === 'qemu')
    return "its XML says <driver name='qemu'/>; without that, it is used from the next start on";
  if (queues === 0) return `QEMU was started without ${vhostNode}; start the domain anew`;
  return queues < meant
    ? `QEMU has ${queues} open ${vhostNode} for ${meant} interfaces; start the domain anew`
    : undefined;
}

/** Most threads named in one sentence. */
const namedThreads = 8;

function evidenceOf(kernel: KernelRoot, layout: CgroupFacts, pid: number, queues: number): string {
  const threads = vhostThreads(kernel, layout, pid);
  const named = threads
    .slice(0, namedThreads)
    .map(({ tid, cpus }) => `${tid}${cpus === undefined ? '' : ` on CPUs ${cpus}`}`);
  const more = threads.length > namedThreads ? ` and ${threads.length - namedThreads} more` : '';
  const which = threads.length === 0 ? '' : `; threads vhost-${pid}: ${named.join(', ')}${more}`;
  return `${queues} open ${vhostNode}${which}`;
}

function wantUsed({ knob, hostLacksIt, obstacle }: VhostReading): Want {
  const base = { knob, value: 'used', effect: 'domain-restart', affects: [knob.domain?.name ?? ''] } as const;
  if (hostLacksIt)
    return {
      ...base,
      unsupported: `this host has no ${vhostNode}: its kernel is without vhost_net, or the module is not loaded (modprobe vhost_net)`,
    };
  return { ...base, deferred: obstacle ?? 'start the domain anew' };
}
