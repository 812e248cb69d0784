/** Other programs that write the same knobs. While one is active, its knobs are held: two writers would fight for ever. */
import type { TunerName, TunerSettings } from '../../proto/wire/tuner-settings.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { ownersFound, type Owned, type OwnerProcess } from '../tuners/common/owner-table.js';

/** One program and one family of settings that it writes too. */
export interface OwnerFinding {
  readonly tuner: Owned;
  /** systemd unit or program. */
  readonly owner: string;
  /** `owns`: its knobs are held. `taken-over`: the profile says that it is to stop. `respected`: domain by domain. */
  readonly state: 'owns' | 'taken-over' | 'respected';
  readonly evidence: string;
}

export type Owners = readonly OwnerFinding[];

/**
 * Who else writes settings, from systemd's units (`HostFacts.services`: name to ActiveState), or else from processes that
 * run. `tunedProfile`: what `tunedProfileFile` holds. Pure.
 */
export function ownersOf(
  services: Readonly<Record<string, string>>,
  processes: readonly OwnerProcess[] = [],
  tunedProfile = '',
): OwnerFinding[] {
  const found = ownersFound(services, processes, tunedProfile);
  return Object.entries(found).map(([tuner, { owner, evidence }]) => ({
    ...{ tuner: tuner as Owned, owner, evidence },
    state: 'owns' as const,
  }));
}

/** Pinning that Nova put into the XML of its domains: respected domain by domain, unless the profile overrides. */
export function novaPinning(domains: readonly DomainView[]): OwnerFinding[] {
  const pinned = domains.filter(({ isNovas, explicit }) => isNovas && explicit.vcpuPins.length > 0);
  if (pinned.length === 0) return [];
  const evidence = `${pinned.length} of ${domains.length} domains are pinned by Nova in their XML`;
  return [{ tuner: 'vcpu-pinning', owner: 'nova-compute', state: 'respected', evidence }];
}

/** The findings with those that the profile takes over marked: they stop in the same pass, before anything else. Pure. */
export function withTakeOver(findings: Owners, settings: TunerSettings): OwnerFinding[] {
  const taken = new Set<string>(settings.owners?.take_over ?? []);
  return findings.map((finding) =>
    finding.state === 'owns' && taken.has(finding.owner)
      ? { ...finding, state: 'taken-over' as const }
      : finding,
  );
}

/** Who owns a tuner's knobs; undefined: nobody else. */
export function ownerOf(findings: Owners, tuner: TunerName): string | undefined {
  return findings.find((finding) => finding.tuner === tuner && finding.state === 'owns')?.owner;
}
