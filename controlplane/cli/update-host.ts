/** Changing a host: only what the command names, in one request. */
import type { Host } from '../../proto/gen/drover/v1/Host.js';
import type { OvercommitInput } from '../../proto/gen/drover/v1/Overcommit.js';
import type { UpdateHostRequestInput } from '../../proto/gen/drover/v1/UpdateHostRequest.js';
import { snakeCase } from '../../proto/output/wire-names.js';
import { DroverError } from '../../proto/wire/errors.js';
import type { UpdateCall } from './host-options.js';
import { keyValues, ratio, wholeNumber } from './options.js';

/**
 * Sends the change that the options name, field by field, and answers the host after it. Errors: `invalid-argument` when nothing or something wrong is named.
 */
export async function updateHost(call: UpdateCall): Promise<Host> {
  const {
    args: [host = ''],
    options,
  } = call;
  const set = keyValues('--label', options.label);
  const overcommit = overcommitOf(options);
  const change = plainChange(options);
  const updateMask = [
    ...(change.updateMask ?? []),
    ...[...Object.keys(set), ...options.unlabel].map((key) => `labels.${key}`),
    ...Object.keys(overcommit).map((field) => `overcommit.${snakeCase(field)}`),
  ];
  if (updateMask.length === 0) throw nothingNamed();
  const labels = Object.fromEntries(Object.entries(set).filter(([key]) => !options.unlabel.includes(key)));
  return (await call.api()).call('Fleet', 'UpdateHost', { host, ...change, labels, overcommit, updateMask });
}

function plainChange({ zone, disable, enable }: UpdateCall['options']): Omit<UpdateHostRequestInput, 'host'> {
  const updateMask = [
    ...(zone === undefined ? [] : ['availability_zone']),
    ...(disable !== undefined || enable ? ['disabled'] : []),
  ];
  return {
    updateMask,
    availabilityZone: zone ?? '',
    disabled: disable !== undefined,
    disabledReason: disable ?? '',
  };
}

/** The ratios and reservations that are named. */
function overcommitOf(options: UpdateCall['options']): OvercommitInput {
  const named: [keyof OvercommitInput, number | undefined][] = [
    ['cpuAllocationRatio', ratio('--cpu-allocation-ratio', options.cpuAllocationRatio)],
    ['ramAllocationRatio', ratio('--ram-allocation-ratio', options.ramAllocationRatio)],
    ['diskAllocationRatio', ratio('--disk-allocation-ratio', options.diskAllocationRatio)],
    ['reservedHostCpus', wholeNumber('--reserved-host-cpus', options.reservedHostCpus, 0, 8192)],
    [
      'reservedHostMemoryMb',
      wholeNumber('--reserved-host-memory-mb', options.reservedHostMemoryMb, 0, 2 ** 40),
    ],
    ['reservedHostDiskMb', wholeNumber('--reserved-host-disk-mb', options.reservedHostDiskMb, 0, 2 ** 40)],
  ];
  return Object.fromEntries(named.filter(([, value]) => value !== undefined)) as OvercommitInput;
}

function nothingNamed(): DroverError {
  const cure = 'name at least one change, such as --cpu-allocation-ratio 4 or --label rack=a7';
  return new DroverError('invalid-argument', 'host update: nothing to change', { field: 'options', cure });
}
