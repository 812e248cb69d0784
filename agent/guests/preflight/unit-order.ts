/** Guests, agent, libvirt, Open vSwitch, network: in this order they stop, in the reverse order they start. Pure. */
import type { PreflightFinding } from '../../../proto/gen/drover/v1/PreflightFinding.js';
import type { EffectiveLimits, EffectiveUnit } from '../../systemd/effective-limits.js';
import { finding, installCure } from './finding.js';
import { guestUnit } from './time-limits.js';

const agentUnit = 'drover-agent.service';
const portsUnit = 'drover-ports.service';
/** libvirt puts every scope of a virtual machine before it. */
const scopesTarget = 'virt-guest-shutdown.target';
const libvirtUnits = ['libvirtd.service', 'virtqemud.service'];
const switchUnits = [
  'openvswitch-switch.service',
  'openvswitch.service',
  'ovs-vswitchd.service',
  'ovsdb-server.service',
];
const busUnits = ['dbus.service', 'systemd-logind.service'];

/** What `readLimits` must be asked for. */
export const orderedUnits: readonly string[] = [
  guestUnit,
  agentUnit,
  portsUnit,
  scopesTarget,
  ...libvirtUnits,
  ...switchUnits,
  ...busUnits,
];

/** Unit, and those it must start after, thus stop before. Only what is installed counts. */
const edges: readonly (readonly [unit: string, after: readonly string[]])[] = [
  [guestUnit, [agentUnit, scopesTarget, ...libvirtUnits, ...switchUnits, ...busUnits, 'network.target']],
  [agentUnit, [...libvirtUnits, ...switchUnits, ...busUnits]],
  ...libvirtUnits.map((unit) => [unit, [...switchUnits, portsUnit]] as const),
];

/** Every edge that is missing, in one finding; and whether the scopes' target takes part in a shutdown at all. */
export function checkUnitOrder({ units }: Pick<EffectiveLimits, 'units'>): PreflightFinding[] {
  const missing = edges.flatMap(([name, after]) => missingEdges(name, after, units));
  const found: PreflightFinding[] = [];
  if (missing.length > 0)
    found.push(
      finding(
        'unit-order',
        'refused',
        `systemd does not keep this order: ${missing.join('; ')}`,
        `${installCure}; systemctl show -p After UNIT shows what is in force`,
      ),
    );
  if (units[scopesTarget] && units[scopesTarget].activeState !== 'active')
    found.push(
      finding(
        'unit-order',
        'refused',
        `${scopesTarget} is not active: the scopes of virtual machines are killed while ${guestUnit} still stops them`,
        `systemctl start ${scopesTarget}`,
      ),
    );
  if (hasAny(units, switchUnits) && hasAny(units, libvirtUnits) && !isEnabled(units[portsUnit]))
    found.push(
      finding(
        'unit-order',
        'warning',
        `${portsUnit} is not enabled: after a loss of power libvirt finds stale ports`,
        `systemctl enable ${portsUnit}`,
      ),
    );
  return found.length > 0
    ? found
    : [finding('unit-order', 'ok', 'guests stop first, then the agent, libvirt, Open vSwitch, the network')];
}

type Units = EffectiveLimits['units'];

function missingEdges(name: string, after: readonly string[], units: Units): string[] {
  const unit = units[name];
  if (!unit || isMasked(unit)) return [];
  // A target of systemd's own is there without being asked for.
  const wanted = after.filter((other) => other === 'network.target' || takesPart(units[other]));
  const lacking = wanted.filter((other) => !unit.after.includes(other));
  return lacking.length > 0 ? [`${name} has no After=${lacking.join(' ')}`] : [];
}

function hasAny(units: Units, names: readonly string[]): boolean {
  return names.some((name) => takesPart(units[name]));
}

/** A masked unit has no order and never runs: libvirtd where virtqemud took its place. */
function isMasked({ fileState }: EffectiveUnit): boolean {
  return fileState.startsWith('masked');
}

function takesPart(unit: EffectiveUnit | undefined): boolean {
  return unit !== undefined && !isMasked(unit);
}

function isEnabled(unit: EffectiveUnit | undefined): boolean {
  return unit !== undefined && (unit.activeState === 'active' || unit.fileState.startsWith('enabled'));
}
