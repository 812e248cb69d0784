/** Whether a host's drain or maintenance keeps it out of placement, and the words for it. Pure. */
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';

type Maintained = Pick<HostRecord, 'maintenance'>;

/** True in drain and in maintenance. A host that resumes takes placements again. */
export function isOutOfPlacement({ maintenance }: Maintained): boolean {
  return maintenance !== null && maintenance.state !== 'resuming';
}

/** `in maintenance: REASON`, `draining: REASON`; undefined where the host is in neither. */
export function maintenanceWords(record: Maintained): string | undefined {
  if (!isOutOfPlacement(record)) return undefined;
  const { state, reason } = record.maintenance as NonNullable<Maintained['maintenance']>;
  return `${state === 'drain' ? 'draining' : 'in maintenance'}: ${reason || 'no reason given'}`;
}
