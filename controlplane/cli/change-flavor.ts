/** Making a flavor, or changing what a command names of one. */
import type { Flavor } from '../../proto/gen/drover/v1/Flavor.js';
import type { FlavorInput } from '../../proto/gen/drover/v1/Flavor.js';
import { invalid } from '../../proto/wire/errors.js';
import { findFlavor } from './catalog-lists.js';
import type { FlavorCall } from './flavor-options.js';
import { keyValues, sizeIn, wholeNumber } from './options.js';

/** Stores the flavor and answers it. A new one needs vCPUs and memory. Errors: `invalid-argument`, `stale-revision`. */
export async function changeFlavor({ args: [name = ''], options, api }: FlavorCall): Promise<Flavor> {
  const amounts = amountsOf(options);
  const added = keyValues('--extra-spec', options.extraSpec);
  const control = await api();
  const before = await findFlavor(control, name);
  if (!before && amounts.vcpus === undefined)
    throw invalid('--vcpus', 'nothing', 'a whole number of vCPUs: there is no such flavor yet');
  if (!before && amounts.memoryMb === undefined)
    throw invalid('--memory', 'nothing', 'a size with its unit: there is no such flavor yet');
  const specs = { ...before?.extraSpecs, ...added };
  const extraSpecs = Object.fromEntries(
    Object.entries(specs).filter(([key]) => !options.unsetSpec.includes(key)),
  );
  const named = Object.entries(amounts).filter(([, value]) => value !== undefined);
  const flavor: FlavorInput = { ...before, ...Object.fromEntries(named), name, extraSpecs };
  return control.call('Catalog', 'PutFlavor', { flavor });
}

function amountsOf(options: FlavorCall['options']) {
  return {
    vcpus: wholeNumber('--vcpus', options.vcpus, 1, 65_536),
    memoryMb: sizeIn(2 ** 20, '--memory', options.memory, '8GiB or 512MiB'),
    rootGb:
      sizeIn(2 ** 30, '--disk', options.disk, '20GiB') ??
      wholeNumber('--root-gb', options.rootGb, 0, 2 ** 30),
    ephemeralGb: wholeNumber('--ephemeral-gb', options.ephemeralGb, 0, 2 ** 30),
    swapMb: wholeNumber('--swap-mb', options.swapMb, 0, 2 ** 40),
  };
}
