/** A host as the API shows it, put together from its record, its columns and what its agent says. Pure. */
import type { DesiredStateInput } from '../../proto/gen/drover/v1/DesiredState.js';
import type { Host } from '../../proto/gen/drover/v1/Host.js';
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import type { Liveness } from './liveness.js';
import type { HostView } from './registry-view.js';
import type { HostSession } from './sessions.js';

export interface HostParts {
  readonly record: HostRecord;
  readonly view: HostView;
  readonly session: HostSession | undefined;
  readonly alive: Liveness;
  /** Of its allocations. */
  readonly generation: number;
  readonly desired: Pick<DesiredStateInput, 'profileName' | 'profileRevision' | 'digest'>;
}

export function hostMessage({ record, view, session, alive, desired, generation }: HostParts): Host {
  return {
    id: record.id,
    name: record.name,
    availabilityZone: record.availabilityZone,
    labels: record.labels,
    disabled: record.disabled,
    disabledReason: record.disabledReason,
    capacity: record.capacity,
    usage: view.usage,
    overcommit: view.overcommit,
    liveness: alive,
    lastSeenUnixMs: session?.lastSeenMs ?? 0,
    profileName: desired.profileName ?? '',
    profileRevision: desired.profileRevision ?? 0,
    tuningState: tuningState(session, desired.digest),
    activeDomains: session?.heartbeat?.activeDomains ?? 0,
    agentVersion: session?.agentVersion ?? '',
    generation,
    simulated: record.simulated,
    forcedDown: record.forcedDown,
    aggregates: [...view.aggregates],
    maintenance: record.maintenance,
    lock: record.lock,
  };
}

/** What the agent says of the wanted revision; of an older one it is still `applying`. */
function tuningState(session: HostSession | undefined, wantedDigest: string | undefined): string {
  const tuning = session?.tuning;
  if (!tuning) return 'unknown';
  const current = tuning.digest === wantedDigest || (tuning.digest === '' && tuning.state === 'unmanaged');
  return current ? tuning.state : 'applying';
}
