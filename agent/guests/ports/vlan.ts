/** VLANs of a port: what the domain's XML wants, and whether something else is a fault or another owner's will. */
import type { DomainInterface, DomainView } from '../../libvirt/hypervisor.js';
import type { PortRow, PortVlan } from '../../openvswitch/ports.js';

export const noVlan: PortVlan = { tag: undefined, trunks: [], mode: '' };

/** The columns that libvirt sets from <vlan> (virNetDevOpenvswitchConstructVlans). */
export function wantedVlan({ vlan }: DomainInterface): PortVlan {
  if (!vlan) return noVlan;
  const { tags, trunk, native } = vlan;
  if (!trunk) return { ...noVlan, tag: tags[0] };
  const trunks = [...new Set(tags)].toSorted((a, b) => a - b);
  return { tag: native?.tag, trunks, mode: native ? `native-${native.mode}` : '' };
}

/** Equal for columns that mean the same: an empty mode is access with a tag, trunk without one; access has no trunks. */
export function vlanText({ tag, trunks, mode }: PortVlan): string {
  const real = mode || (tag === undefined ? 'trunk' : 'access');
  const listed = real === 'access' ? [] : trunks;
  if (real === 'trunk' && listed.length === 0) return 'no VLAN';
  const parts = [
    tag !== undefined && real !== 'trunk' ? `tag ${tag}` : '',
    listed.length > 0 ? `trunks ${listed.join(',')}` : '',
  ].filter((part) => part !== '');
  return [...parts, real].join(' ');
}

export interface VlanFault {
  readonly reason: string;
  /** Why it may be meant so; undefined: it is not. */
  readonly held?: string;
}

export interface VlanSigns {
  /** The row was seen with these VLANs while it was another guest's, or without a device. */
  readonly isInherited: boolean;
  /** Other guests' ports have VLANs that no XML names: somebody sets them. */
  readonly othersToo: boolean;
}

/** What is wrong with the VLANs of a running domain's port; undefined: nothing. */
export function vlanFault(
  port: PortRow,
  domain: DomainView,
  device: DomainInterface,
  signs: VlanSigns,
): VlanFault | undefined {
  const [is, wants] = [vlanText(port.vlan), vlanText(wantedVlan(device))];
  if (is === wants) return undefined;
  const reason = `the port has ${is}; the domain's XML wants ${wants}`;
  if (signs.isInherited) return { reason: `${reason}: left by the port's earlier owner` };
  const held = otherOwner(port, domain) ?? (device.vlan ? undefined : ofOthers(signs));
  return held === undefined ? { reason } : { reason, held };
}

/** Who else sets VLANs on ports behind libvirt's back. */
function otherOwner({ otherConfig }: PortRow, domain: DomainView): string | undefined {
  if (['tag', 'net_uuid', 'segmentation_id', 'network_type'].some((key) => otherConfig[key] !== undefined))
    return "Neutron's Open vSwitch agent sets the VLANs of this port";
  if (domain.isNovas) return "a domain of Nova's: Neutron sets the VLANs of its ports";
  if (/^one-\d+$/.test(domain.name)) return 'OpenNebula sets the VLANs of its ports';
  return undefined;
}

function ofOthers({ othersToo }: VlanSigns): string | undefined {
  return othersToo
    ? 'other guests here have VLANs that their XML does not name: somebody sets them'
    : undefined;
}
