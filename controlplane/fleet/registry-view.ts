/** A host as listings show it: bytes, ratios in force, what is taken. Pure. */
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import type { HostUsage } from '../../proto/gen/drover/v1/HostUsage.js';
import type { Overcommit } from '../../proto/gen/drover/v1/Overcommit.js';
import type { HostDetails } from '../model/host-details.js';
import { hasBit } from './registry-columns.js';
import type { Columns, ResourceColumns } from './registry-resources.js';

export interface HostView {
  readonly record: HostRecord;
  /** As in force, defaults filled in. */
  readonly overcommit: Overcommit;
  /** Taken by allocations and by domains that no allocation covers; reservations are not in it. */
  readonly usage: HostUsage;
  readonly liveness: 'up' | 'down' | 'never-seen';
  /** Unix ms; 0: never. */
  readonly lastSeenUnixMs: number;
  /** Names of the host aggregates that it is in. */
  readonly aggregates: readonly string[];
}

/** The view of a row. `counts`: how many allocations and unmanaged domains it has. */
export function hostView(
  columns: Columns,
  row: number,
  record: HostRecord,
  overcommit: Overcommit,
  counts: Pick<HostUsage, 'allocations' | 'unmanagedDomains'>,
): HostView {
  const lastSeenUnixMs = columns.lastSeenMs[row] as number;
  const usage = {
    vcpus: takenOf(columns.vcpus, row),
    memoryBytes: takenOf(columns.memoryMb, row) * 2 ** 20,
    diskBytes: takenOf(columns.diskMb, row) * 2 ** 20,
    ...counts,
    ...deviceCounts(columns.detailsOf(row)),
  };
  return {
    record,
    overcommit,
    usage,
    liveness: livenessOf(columns, row, lastSeenUnixMs),
    lastSeenUnixMs,
    aggregates: columns.aggregatesOf(row).map(({ name }) => name),
  };
}

function takenOf(resource: ResourceColumns, row: number): number {
  return (resource.allocated[row] as number) + (resource.unmanaged[row] as number);
}

function deviceCounts({ devices }: HostDetails): Pick<HostUsage, 'devices' | 'devicesTaken'> {
  const { all, free } = devices ?? { all: [], free: [] };
  return { devices: all.length, devicesTaken: all.length - free.length };
}

function livenessOf(columns: Columns, row: number, lastSeenMs: number): HostView['liveness'] {
  if (hasBit(columns.up, row) && !hasBit(columns.forcedDown, row)) return 'up';
  return lastSeenMs === 0 ? 'never-seen' : 'down';
}
