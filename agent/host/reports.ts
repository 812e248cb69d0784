/** What an agent tells of its host, in the form of the wire. Pure. */
import type { DesiredState } from '../../proto/gen/drover/v1/DesiredState.js';
import type { DomainInput } from '../../proto/gen/drover/v1/Domain.js';
import type { HostTuningInput } from '../../proto/gen/drover/v1/HostTuning.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { toSettingStatus } from '../reconcile/plan.js';
import type { ReconcilerStatus } from '../reconcile/reconciler.js';

/** Most domains in one report: about 1 MiB of message. A host that has more reports the first by name. */
export const maximumReportedDomains = 4_096;

/** Every domain by name, at most `limit`; `left` is how many more there are. `diskBytes`: what a domain takes of storage. */
export function domainReport(
  domains: readonly DomainView[],
  diskBytes: (domain: DomainView) => number,
  limit = maximumReportedDomains,
): { domains: DomainInput[]; left: number } {
  const sorted = domains.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const toWire = (domain: DomainView): DomainInput => {
    const { uuid, name, state, vcpus, memoryBytes, allocationId } = domain;
    return { uuid, name, state, vcpus, memoryBytes, allocationId, diskBytes: diskBytes(domain) };
  };
  return { domains: sorted.slice(0, limit).map(toWire), left: Math.max(0, sorted.length - limit) };
}

/** How the host stands to what it should be. `held`: the desired state on disk; undefined or without a name: unmanaged. */
export function tuningReport(
  status: ReconcilerStatus,
  held: DesiredState | undefined,
  verifiedUnixMs: number,
): HostTuningInput {
  return {
    state: held && held.profileName !== '' ? status.state : 'unmanaged',
    profileName: held?.profileName ?? '',
    profileRevision: held?.profileRevision ?? 0,
    digest: held?.digest ?? '',
    settings: status.entries.map(toSettingStatus),
    verifiedUnixMs,
    ledgerEntries: status.ledgerEntries,
  };
}
