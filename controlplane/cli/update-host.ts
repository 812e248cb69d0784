/** Changing a host: only what the command names, in one request. */
import type { Host } from '../../proto/gen/drover/v1/Host.js';
import type { HostOvercommitInput } from '../../proto/gen/drover/v1/HostOvercommit.js';
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

function plainChange({
  zone,
  disable,
  enable,
  forcedDown,
  liftForcedDown,
}: UpdateCall['options']): Omit<UpdateHostRequestInput, 'host'> {
  const updateMask = [
    ...(zone === undefined ? [] : ['availability_zone']),
    ...(disable !== undefined || enable ? ['disabled'] : []),
    ...(forcedDown || liftForcedDown ? ['forced_down'] : []),
  ];
  return {
    updateMask,
    availabilityZone: zone ?? '',
    disabled: disable !== undefined,
    disabledReason: disable ?? '',
    forcedDown,
  };
}

/** The ratios and reservations that are named. One that is named without a value is no longer set on the host. */
function overcommitOf(options: UpdateCall['options']): HostOvercommitInput {
  const amount = (name: string, text: string | undefined, most: number) => wholeNumber(name, text, 0, most);
  const { cpuAllocationRatio: cpu, ramAllocationRatio: ram, diskAllocationRatio: disk } = options;
  const { reservedHostCpus, reservedHostMemoryMb, reservedHostDiskMb } = options;
  return {
    ...named('cpuAllocationRatio', cpu, (text) => ratio('--cpu-allocation-ratio', text)),
    ...named('ramAllocationRatio', ram, (text) => ratio('--ram-allocation-ratio', text)),
    ...named('diskAllocationRatio', disk, (text) => ratio('--disk-allocation-ratio', text)),
    ...named('reservedHostCpus', reservedHostCpus, (text) => amount('--reserved-host-cpus', text, 8192)),
    ...named('reservedHostMemoryMb', reservedHostMemoryMb, (text) =>
      amount('--reserved-host-memory-mb', text, 2 ** 40),
    ),
    ...named('reservedHostDiskMb', reservedHostDiskMb, (text) =>
      amount('--reserved-host-disk-mb', text, 2 ** 40),
    ),
  };
}

/** The field with its value; nothing when the option is not given; the bare field for the word `default`. */
function named(
  field: string,
  text: string | undefined,
  read: (text: string) => number | undefined,
): HostOvercommitInput {
  if (text === undefined) return {};
  return { [field]: text === 'default' ? undefined : read(text) };
}

function nothingNamed(): DroverError {
  const cure = 'name at least one change, such as --cpu-allocation-ratio 4 or --label rack=a7';
  return new DroverError('invalid-argument', 'host update: nothing to change', { field: 'options', cure });
}
