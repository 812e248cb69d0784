/** Which rows of Open vSwitch are ports of guests, and whose. */
import type { DomainInterface, DomainView } from '../../libvirt/hypervisor.js';
import type { InterfaceRow, PortRow } from '../../openvswitch/ports.js';

/** A port that libvirt (or os-vif) made for a guest's interface. */
export interface Vif {
  readonly port: PortRow;
  readonly row: InterfaceRow;
  readonly interfaceId: string;
  readonly mac: string;
  /** libvirt writes `vm-id`, os-vif `vm-uuid`; empty: neither. */
  readonly vmId: string;
}

/**
 * The port as a guest's, undefined for every other: one interface that is a device of the system, not the bridge's own, with
 * the external ids that libvirt writes (virNetDevOpenvswitchAddPort). Uplinks, bonds, internal, patch, tunnel, DPDK and
 * vhost-user ports are none.
 */
export function vifOf(port: PortRow): Vif | undefined {
  const [row, ...others] = port.interfaces;
  if (!row || others.length > 0 || row.type !== '' || row.name !== port.name || port.name === port.bridge)
    return undefined;
  const ids = row.externalIds;
  const interfaceId = ids['iface-id'] ?? '';
  const mac = (ids['attached-mac'] ?? '').toLowerCase();
  const vmId = (ids['vm-id'] ?? ids['vm-uuid'] ?? '').toLowerCase();
  const isVif = interfaceId !== '' && (mac !== '' || vmId !== '');
  return isVif ? { port, row, interfaceId, mac, vmId } : undefined;
}

/** Why the row does no work: its device is missing, or Open vSwitch could not open it. Undefined: nothing wrong. */
export function faultOf({ row }: Vif, devices: ReadonlySet<string>): string | undefined {
  if (!devices.has(row.name)) return 'no such network device';
  if (row.error !== '') return `Open vSwitch says: ${row.error}`;
  return row.ofport === -1 ? 'Open vSwitch could not open the device' : undefined;
}

/** The interface of this domain that the row is a port of, by interface id, or by domain and MAC; its target is another matter. */
export function interfaceOf(vif: Vif, domain: DomainView): DomainInterface | undefined {
  const isDomains = vif.vmId === '' || vif.vmId === domain.uuid;
  return domain.interfaces.find(
    ({ interfaceId, mac }) =>
      (interfaceId !== '' && interfaceId === vif.interfaceId) || (isDomains && mac !== '' && mac === vif.mac),
  );
}

/** External ids as libvirt writes them at a start (virNetDevOpenvswitchAddPort). */
export function wantedIds(domain: DomainView, device: DomainInterface): Record<string, string> {
  return {
    'attached-mac': device.mac,
    'iface-id': device.interfaceId,
    'vm-id': domain.uuid,
    'iface-status': 'active',
    ...(device.profileId === undefined ? {} : { 'port-profile': device.profileId }),
  };
}
