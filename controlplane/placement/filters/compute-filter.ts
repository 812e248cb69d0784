import { hasBit } from '../../fleet/registry-columns.js';
import type { Columns } from '../../fleet/registry-resources.js';
import { maintenanceWords } from '../../model/out-of-placement.js';
import type { Filter } from './filter.js';

const reasons = [
  'host-disabled',
  'host-forced-down',
  'host-down',
  'host-not-controllable',
  'host-in-maintenance',
] as const;

/**
 * The host is enabled and up: not disabled, in no drain or maintenance, not forced down, and heard of within service_down_time. Whether it was heard
 * of is decided where the clock is; here it is a bit. Nova `compute_filter.py`. Beyond Nova, whose agent is down when its
 * libvirt is: libvirt answers there, and the host's domains are known, so that nothing is placed over them.
 */
export const computeFilter: Filter = {
  name: 'ComputeFilter',
  reasons,
  isOncePerRequest: true,
  prepare: (_request, columns) => ({
    within: [columns.inService],
    reasonOf: (row) => reasonOf(columns, row),
    wordsOf: (row) => wordsOf(columns, row),
  }),
};

function reasonOf(columns: Columns, row: number): number {
  if (!hasBit(columns.enabled, row)) return inMaintenance(columns, row) === undefined ? 0 : 4;
  if (hasBit(columns.forcedDown, row)) return 1;
  return hasBit(columns.up, row) ? 3 : 2;
}

function inMaintenance(columns: Columns, row: number): string | undefined {
  const record = columns.records[row];
  return record && maintenanceWords(record);
}

function wordsOf(columns: Columns, row: number) {
  const reason = reasonOf(columns, row);
  if (reason === 4)
    return { observed: inMaintenance(columns, row) ?? '', wanted: 'a host in no drain or maintenance' };
  if (reason === 0)
    return {
      observed: `disabled: ${columns.records[row]?.disabledReason || 'no reason given'}`,
      wanted: 'an enabled host',
    };
  if (reason === 1) return { observed: 'forced down', wanted: 'a host that is up' };
  if (reason === 3)
    return {
      observed: 'libvirt does not answer its agent, or its domains are not known yet',
      wanted: 'a host whose libvirt answers and whose domains are known',
    };
  const lastSeenMs = columns.lastSeenMs[row] as number;
  const observed =
    lastSeenMs === 0 ? 'never heard of' : `last heard of at ${new Date(lastSeenMs).toISOString()}`;
  return { observed, wanted: 'a host that is up' };
}
