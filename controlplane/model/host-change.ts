/** What an UpdateHost request makes of a host's record. Pure, so that it can be worked out when its turn comes. */
import type { HostOvercommitInput } from '../../proto/gen/drover/v1/HostOvercommit.js';
import type { HostRecord, HostRecordInput } from '../../proto/gen/drover/v1/HostRecord.js';
import type { UpdateHostRequest } from '../../proto/gen/drover/v1/UpdateHostRequest.js';
import { invalid } from '../../proto/wire/errors.js';
import { checkLabels, checkSimpleName } from '../../proto/wire/names.js';
import { checkOvercommit } from './host.js';

type OvercommitField = Exclude<keyof HostOvercommitInput, `_${string}`>;

const overcommitFields: Readonly<Record<string, OvercommitField>> = {
  cpu_allocation_ratio: 'cpuAllocationRatio',
  ram_allocation_ratio: 'ramAllocationRatio',
  disk_allocation_ratio: 'diskAllocationRatio',
  reserved_host_cpus: 'reservedHostCpus',
  reserved_host_memory_mb: 'reservedHostMemoryMb',
  reserved_host_disk_mb: 'reservedHostDiskMb',
};

const cure = `labels, labels.KEY, availability_zone, disabled, forced_down, overcommit or overcommit.FIELD (${Object.keys(overcommitFields).join(', ')})`;

/**
 * The fields of the record that the mask names, with their new values. `labels.KEY` and `overcommit.FIELD` change that one
 * and keep its neighbours; a label or an overcommit that the request lacks is removed.
 * Errors: `invalid-argument` naming the mask entry or the value.
 */
export function hostChange(before: HostRecord, request: UpdateHostRequest): HostRecordInput {
  if (request.updateMask.length === 0) throw invalid('update_mask', 'nothing', cure);
  const change: HostRecordInput = {};
  for (const entry of request.updateMask) applyEntry(change, before, request, entry);
  checkLabels(change.labels ?? {});
  if (change.overcommit) checkOvercommit(change.overcommit);
  return change;
}

function applyEntry(
  change: HostRecordInput,
  before: HostRecord,
  request: UpdateHostRequest,
  entry: string,
): void {
  const [field = '', ...rest] = entry.split('.');
  const part = rest.join('.');
  if (field === 'labels')
    change.labels =
      part === '' ? request.labels : withLabel(change.labels ?? before.labels, part, request.labels[part]);
  else if (field === 'overcommit')
    change.overcommit =
      part === ''
        ? (request.overcommit ?? {})
        : withOvercommit(change.overcommit ?? before.overcommit, part, request.overcommit);
  else if (entry === 'availability_zone')
    change.availabilityZone =
      request.availabilityZone && checkSimpleName(request.availabilityZone, 'availability_zone');
  else if (entry === 'disabled')
    Object.assign(change, {
      disabled: request.disabled,
      disabledReason: request.disabled ? request.disabledReason : '',
    });
  else if (entry === 'forced_down') change.forcedDown = request.forcedDown;
  else throw invalid('update_mask', entry, cure);
}

function withLabel(
  labels: Record<string, string>,
  key: string,
  value: string | undefined,
): Record<string, string> {
  const others = Object.entries(labels).filter(([each]) => each !== key);
  return Object.fromEntries(value === undefined ? others : [...others, [key, value]]);
}

function withOvercommit(
  before: HostOvercommitInput | null,
  part: string,
  given: HostOvercommitInput | null,
): HostOvercommitInput {
  const field = Object.hasOwn(overcommitFields, part) ? overcommitFields[part] : undefined;
  if (field === undefined) throw invalid('update_mask', `overcommit.${part}`, cure);
  const value = given?.[field];
  const others = Object.entries(before ?? {}).filter(([key]) => key !== field && !key.startsWith('_'));
  return Object.fromEntries(value === undefined || value === null ? others : [...others, [field, value]]);
}
