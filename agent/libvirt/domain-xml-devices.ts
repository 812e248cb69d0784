/** Disks, their throttles and network interfaces in domain XML (https://libvirt.org/formatdomain.html#devices). */
import { rateFrom } from './domain-settings.js';
import { throttleKeys, throttleNames, canonicalThrottle } from './disk-throttle.js';
import type {
  DiskThrottle,
  DomainDisk,
  DomainInterface,
  InterfaceBandwidth,
  InterfaceRate,
  InterfaceVlan,
} from './hypervisor.js';
import { attribute, children, only, text } from './xml-element.js';
import type { Element } from './xml-element.js';

export function readDisks(domain: Element): DomainDisk[] {
  return children(only(domain, 'devices'), 'disk').map((disk) => ({
    target: targetOf(disk),
    source: readSource(only(disk, 'source')),
    type: readDiskType(attribute(disk, 'type')),
    cache: attribute(only(disk, 'driver'), 'cache'),
  }));
}

/** <iotune> by the disk's target, in canonical form; a disk without any limit is absent. */
export function readThrottles(domain: Element): Map<string, DiskThrottle> {
  const throttles = new Map<string, DiskThrottle>();
  for (const disk of children(only(domain, 'devices'), 'disk')) {
    const throttle = readThrottle(only(disk, 'iotune'));
    if (Object.keys(throttle).length > 0) throttles.set(targetOf(disk), throttle);
  }
  return throttles;
}

export function readInterfaces(domain: Element): DomainInterface[] {
  return children(only(domain, 'devices'), 'interface').map((each) => {
    const port = only(each, 'virtualport');
    const vlan = readVlan(only(each, 'vlan'));
    const profileId = attribute(only(port, 'parameters'), 'profileid') ?? '';
    return {
      target: targetOf(each),
      mac: (attribute(only(each, 'mac'), 'address') ?? '').toLowerCase(),
      type: attribute(each, 'type') ?? '',
      // A libvirt network with a bridge names it here too while the domain runs.
      bridge: attribute(only(each, 'source'), 'bridge') ?? '',
      virtualPort: attribute(port, 'type') ?? '',
      interfaceId: attribute(only(port, 'parameters'), 'interfaceid') ?? '',
      model: attribute(only(each, 'model'), 'type') ?? '',
      driver: attribute(only(each, 'driver'), 'name') ?? '',
      bandwidth: readBandwidth(only(each, 'bandwidth')),
      ...(vlan ? { vlan } : {}),
      ...(profileId === '' ? {} : { profileId }),
    };
  });
}

/**
 * <vlan trunk=…><tag id= nativeMode=/></vlan> (https://libvirt.org/formatdomain.html#setting-vlan-tag-on-supported-network-types-only):
 * more than one tag, or one with a native mode, is a trunk without saying so. Tags that no VLAN can have are left out.
 */
function readVlan(vlan: Element | undefined): InterfaceVlan | undefined {
  const tags = children(vlan, 'tag').flatMap((each) => {
    const written = attribute(each, 'id') ?? '';
    const tag = Number(written);
    return /^\d+$/.test(written) && tag <= 4095 ? [{ tag, mode: attribute(each, 'nativeMode') }] : [];
  });
  if (tags.length === 0) return undefined;
  const native = tags.find(({ mode }) => mode === 'tagged' || mode === 'untagged');
  return {
    tags: tags.map(({ tag }) => tag),
    trunk: attribute(vlan, 'trunk') === 'yes' || tags.length > 1 || native !== undefined,
    ...(native ? { native: { tag: native.tag, mode: native.mode as 'tagged' | 'untagged' } } : {}),
  };
}

function targetOf(device: Element): string {
  return attribute(only(device, 'target'), 'dev') ?? '';
}

function readSource(source: Element | undefined): string | undefined {
  return attribute(source, 'file') ?? attribute(source, 'dev');
}

function readDiskType(type: string | undefined): DomainDisk['type'] {
  return type === 'file' || type === 'block' || type === 'network' ? type : 'other';
}

function readThrottle(tune: Element | undefined): DiskThrottle {
  const pairs = throttleKeys.map((key) => [key, whole(text(only(tune, throttleNames[key])))]);
  return canonicalThrottle(Object.fromEntries(pairs) as DiskThrottle);
}

function readBandwidth(bandwidth: Element | undefined): InterfaceBandwidth {
  const inbound = readRate(only(bandwidth, 'inbound'));
  const outbound = readRate(only(bandwidth, 'outbound'));
  return { ...(inbound ? { inbound } : {}), ...(outbound ? { outbound } : {}) };
}

/** An <inbound floor=…> without an average limits nothing, and is a setting of the domain all the same. */
function readRate(direction: Element | undefined): InterfaceRate | undefined {
  return rateFrom((name) => whole(attribute(direction, name) ?? ''));
}

/** A whole number; 0 for what is none. */
function whole(written: string): number {
  const value = Number(written.trim());
  return Number.isSafeInteger(value) && value > 0 ? value : 0;
}
