/** Guests have one owner when the host goes down and comes up. Pure. */
import type { PreflightFinding } from '../../../proto/gen/drover/v1/PreflightFinding.js';
import type { EffectiveLimits, EffectiveUnit } from '../../systemd/effective-limits.js';
import { finding, type StopBudget } from './finding.js';
import type { OwnerFiles } from './owner-files.js';

/** Units that stop or start all guests by themselves. */
interface Owner {
  readonly unit: string;
  /** Refused: it stops the same guests. Warning: whether it does, only its own configuration says. */
  readonly status: 'refused' | 'warning';
  readonly does: string;
  readonly cure: string;
}

/** systemctl stop or disable --now of libvirt-guests would stop every guest, so its commands go first. */
const handOver =
  'run /usr/lib/drover/scripts/setup/install-units.sh --hand-over: it takes its commands away, disables it and stops no guest. ' +
  'Never systemctl stop or disable --now before: that stops all guests';

const owners: readonly Owner[] = [
  {
    unit: 'libvirt-guests.service',
    status: 'refused',
    does: 'stops or suspends every guest when the host goes down',
    cure: handOver,
  },
  {
    unit: 'pve-guests.service',
    status: 'refused',
    does: 'starts and stops the guests of Proxmox VE',
    cure: 'leave the section guests out of the profile of this host: Proxmox VE orders its guests itself',
  },
  {
    unit: 'xendomains.service',
    status: 'refused',
    does: 'saves or stops the guests of Xen',
    cure: 'systemctl disable xendomains.service, and restart the host',
  },
  {
    unit: 'pacemaker.service',
    status: 'warning',
    does: 'stops the domains that are resources of its cluster (VirtualDomain) when the host goes down',
    cure: 'take those domains out of the cluster, or leave the section guests out of the profile of this host',
  },
  {
    unit: 'ganeti-noded.service',
    status: 'warning',
    does: 'belongs to Ganeti, which starts instances that are down',
    cure: 'leave the section guests out of the profile of this host if Ganeti owns its guests',
  },
];

const novaUnits = ['nova-compute.service', 'openstack-nova-compute.service'];

/** What `readLimits` must be asked for. */
export const ownerUnits: readonly string[] = [...owners.map(({ unit }) => unit), ...novaUnits];

/** One finding for each other owner, or one that there is none. */
export function checkOwners(
  { units }: Pick<EffectiveLimits, 'units'>,
  files: OwnerFiles,
  { resumes }: Pick<StopBudget, 'resumes'>,
): PreflightFinding[] {
  const found = [
    ...owners.flatMap((owner) => actingOwner(owner, units[owner.unit], files)),
    ...autoShutdown(files),
    ...(resumes && novaUnits.some((unit) => acts(units[unit])) ? novaResume(files) : []),
  ];
  return found.length > 0 ? found : [finding('owners', 'ok', 'no other program stops or starts guests')];
}

/** Now, or after the next boot. */
function acts(unit: EffectiveUnit | undefined): boolean {
  return unit !== undefined && (unit.activeState === 'active' || unit.fileState.startsWith('enabled'));
}

function actingOwner(owner: Owner, unit: EffectiveUnit | undefined, files: OwnerFiles): PreflightFinding[] {
  const { status, does, cure } = owner;
  // Without a stop command it is an empty shell: handed over, or masked.
  if (!unit || !acts(unit) || (status === 'refused' && !unit.hasStopCommand)) return [];
  const says = owner.unit === 'libvirt-guests.service' ? files.libvirtGuests : [];
  const evidence = says.map(({ file, key, value }) => `, ${key}=${value} in ${file}`).join('');
  const how = `${unit.activeState}, ${unit.fileState || 'made at run time'}${evidence}`;
  return [finding('owners', status, `${owner.unit} (${how}) ${does}`, cure)];
}

function autoShutdown({ autoShutdown: settings }: OwnerFiles): PreflightFinding[] {
  return settings.map(({ file, key, value }) =>
    finding(
      'owners',
      'refused',
      `libvirt itself stops guests when the host goes down: ${key} = "${value}" in ${file}`,
      `set ${key} = "none" in ${file} and run systemctl try-restart virtqemud.service libvirtd.service; guests run on`,
    ),
  );
}

function novaResume({ novaResume: setting }: OwnerFiles): PreflightFinding[] {
  if (!setting) return [];
  const { file, key } = setting;
  return [
    finding(
      'owners',
      'warning',
      `Nova starts guests after a boot too, in no order: ${key} = true in ${file}`,
      `set ${key} = false in ${file} and restart nova-compute, or leave starting to Nova with the same key of the profile`,
    ),
  ];
}
