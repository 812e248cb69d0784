/** Ports that are not as the running domains say. Pure: what Open vSwitch, the kernel and libvirt showed comes in. */
import type { DomainInterface, DomainView } from '../../libvirt/hypervisor.js';
import type { PortRow, PortTable } from '../../openvswitch/ports.js';
import { faultOf, interfaceOf, vifOf, type Vif } from './vif.js';
import { noVlan, vlanFault, vlanText } from './vlan.js';

/** One look at a host. */
export interface PortLook {
  readonly table: PortTable;
  /** Network devices of the host. */
  readonly devices: ReadonlySet<string>;
  /** Active domains. */
  readonly domains: readonly DomainView[];
}

export interface Fault {
  /** stale: a port without a guest. missing: a guest without a port. wrong: a guest's port that is not as it should be. */
  readonly kind: 'stale' | 'missing' | 'wrong';
  readonly port: string;
  readonly bridge: string;
  readonly reason: string;
  readonly act: 'delete' | 'add' | 'set-vlan';
  /** Equal in two looks that show the same fault on the same row. */
  readonly evidence: string;
  /** The row that is meant; undefined: there is none. */
  readonly row?: PortRow;
  /** Whose port it is, or is not. */
  readonly domain?: DomainView;
  readonly device?: DomainInterface;
  /** Why nothing may be done. */
  readonly held?: string;
}

/** Finds all faults of a look. `isInherited`: see `RowHistory`. A guest that does not run its vCPUs has none. */
export function findFaults(look: PortLook, isInherited: (port: PortRow) => boolean = () => false): Fault[] {
  const seen = { look, isInherited, ...index(look) };
  return [...seen.vifs.flatMap((vif) => rowFault(seen, vif)), ...guestFaults(seen)];
}

interface Seen {
  readonly look: PortLook;
  readonly isInherited: (port: PortRow) => boolean;
  readonly vifs: readonly Vif[];
  readonly portOf: ReadonlyMap<string, PortRow>;
  readonly guestAt: ReadonlyMap<string, { readonly domain: DomainView; readonly device: DomainInterface }>;
  readonly domainOf: ReadonlyMap<string, DomainView>;
}

function index({ table, domains }: PortLook): Omit<Seen, 'look' | 'isInherited'> {
  const guests = domains.flatMap((domain) => domain.interfaces.map((device) => ({ domain, device })));
  return {
    vifs: table.ports.flatMap((port) => vifOf(port) ?? []),
    portOf: new Map(table.ports.map((port) => [port.name, port])),
    guestAt: new Map(guests.flatMap((guest) => (guest.device.target ? [[guest.device.target, guest]] : []))),
    domainOf: new Map(domains.map((domain) => [domain.uuid, domain])),
  };
}

/** A row without work: of no guest, or a second one beside the port that a guest has now. */
function rowFault(seen: Seen, vif: Vif): Fault[] {
  const fault = faultOf(vif, seen.look.devices);
  if (fault === undefined || seen.guestAt.has(vif.port.name)) return [];
  const owners = seen.look.domains.flatMap((domain) => {
    const device = interfaceOf(vif, domain);
    return device ? [{ domain, device }] : [];
  });
  const base = { port: vif.port.name, bridge: vif.port.bridge, act: 'delete', row: vif.port } as const;
  const evidence = `${vif.port.uuid} ${vif.vmId} ${vif.interfaceId}`;
  const [owner] = owners;
  if (owner) return owners.length === 1 ? secondRow(seen, owner, fault, base, evidence) : [];
  if (isUnreadable(seen, vif)) return [];
  return [
    { ...base, kind: 'stale', reason: `${fault}, and no guest runs with it`, evidence: `stale ${evidence}` },
  ];
}

/** A domain whose XML could not be read may have any port that names it, or none. */
function isUnreadable({ look, domainOf }: Seen, { vmId }: Vif): boolean {
  const named = domainOf.get(vmId);
  if (named) return named.xmlUnknown !== undefined;
  return vmId === '' && look.domains.some((domain) => domain.xmlUnknown !== undefined);
}

/** Two rows carry one interface id: the one without work goes when the guest's own port works. */
function secondRow(
  seen: Seen,
  { domain, device }: Guest,
  fault: string,
  base: Pick<Fault, 'port' | 'bridge' | 'act' | 'row'>,
  evidence: string,
): Fault[] {
  const own = seen.portOf.get(device.target);
  const ownVif = own && vifOf(own);
  const works = ownVif && faultOf(ownVif, seen.look.devices) === undefined && (ownVif.row.ofport ?? 0) > 0;
  if (!works || !runs(domain)) return [];
  const reason = `${fault}; the guest's port is ${device.target}, and both carry its interface id`;
  return [{ ...base, kind: 'wrong', reason, domain, device, evidence: `second ${evidence} ${domain.id}` }];
}

/** Its vCPUs run: neither paused (as while it comes in by a migration) nor about to start or to end. */
function runs({ state }: DomainView): boolean {
  return state === 'running' || state === 'blocked';
}

function guestFaults(seen: Seen): Fault[] {
  return [...seen.guestAt.values()]
    .filter(({ domain, device }) => runs(domain) && isOurs(seen.look, device))
    .flatMap((guest) => missing(seen, guest) ?? wrongVlan(seen, guest) ?? []);
}

/** libvirt makes the port itself: an interface on a bridge of Open vSwitch. */
function isOurs({ table }: PortLook, device: DomainInterface): boolean {
  return (
    (device.type === 'bridge' || device.type === 'network') &&
    device.virtualPort === 'openvswitch' &&
    table.bridges.includes(device.bridge)
  );
}

type Guest = Readonly<{ domain: DomainView; device: DomainInterface }>;

function missing(seen: Seen, { domain, device }: Guest): Fault | undefined {
  const row = seen.portOf.get(device.target);
  const isGone = !seen.look.devices.has(device.target);
  const reason = isGone ? "the guest's network device is gone" : whyMissing(device, row);
  if (reason === undefined) return undefined;
  const held = whyHeld(seen, device, row);
  const evidence = `missing ${domain.uuid} ${domain.id} ${device.target} ${device.bridge} ${row?.uuid ?? 'none'}`;
  const base = { kind: 'missing', act: 'add', port: device.target, bridge: device.bridge } as const;
  return { ...base, reason, evidence, domain, device, ...(row ? { row } : {}), ...(held ? { held } : {}) };
}

function whyMissing({ bridge }: DomainInterface, row: PortRow | undefined): string | undefined {
  if (!row) return `no port on ${bridge}`;
  if (row.bridge !== bridge) return `the port is on ${row.bridge}, the domain's XML names ${bridge}`;
  const ofport = row.interfaces[0]?.ofport ?? -1;
  if (ofport > 0) return undefined;
  return `the port has no OpenFlow port: ${row.interfaces[0]?.error || 'Open vSwitch gave it none'}`;
}

function whyHeld({ look }: Seen, device: DomainInterface, row: PortRow | undefined): string | undefined {
  if (!look.devices.has(device.target)) return 'only plugging the interface anew, or a start, makes a device';
  if (row && (row.interfaces.length !== 1 || row.interfaces[0]?.type !== ''))
    return `${row.name} is a bond or another kind of port`;
  const own = look.table.ports.find(({ name, bridge }) => name === device.bridge && bridge === device.bridge);
  return own && (own.interfaces[0]?.ofport ?? -1) < 0
    ? `${device.bridge} itself does not work, so no port on it can`
    : undefined;
}

function wrongVlan(seen: Seen, guest: Guest): Fault | undefined {
  const { domain, device } = guest;
  const row = seen.portOf.get(device.target);
  if (!row || !vifOf(row)) return undefined;
  const signs = { isInherited: seen.isInherited(row), othersToo: othersHaveVlans(seen, guest) };
  const fault = vlanFault(row, domain, device, signs);
  if (!fault) return undefined;
  const evidence = `vlan ${row.uuid} ${domain.uuid} ${domain.id} ${vlanText(row.vlan)}`;
  return {
    kind: 'wrong',
    act: 'set-vlan',
    port: row.name,
    bridge: row.bridge,
    row,
    domain,
    device,
    evidence,
    ...fault,
  };
}

/** Some other running guest's port has VLANs that neither its XML nor an earlier owner accounts for. */
function othersHaveVlans({ guestAt, portOf, isInherited }: Seen, { domain }: Guest): boolean {
  return [...guestAt.values()].some((other) => {
    const row = portOf.get(other.device.target);
    if (!row || other.domain === domain || other.device.vlan || isInherited(row)) return false;
    return vlanText(row.vlan) !== vlanText(noVlan);
  });
}
