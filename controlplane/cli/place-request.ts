/** The request that options describe. */
import type { PlacementRequestInput } from '../../proto/gen/drover/v1/PlacementRequest.js';
import { invalid } from '../../proto/wire/errors.js';
import { keyValues, sizeIn, valuesByKey, wholeNumber } from './options.js';
import type { RequestValues } from './place-options.js';

const gib = 2 ** 30;

/** A placement request. Errors: `invalid-argument` naming the option. */
export function requestOf(options: RequestValues): PlacementRequestInput {
  return {
    ...(options.flavor === undefined ? amountsOf(options) : { flavor: options.flavor }),
    availabilityZone: options.zone ?? '',
    instanceUuid: options.instance ?? '',
    extraSpecs: keyValues('--extra-spec', options.extraSpec),
    projectId: options.project ?? '',
    serverGroup: options.group ?? '',
    schedulerHints: hintsOf(options.hint),
    ignoreHosts: options.ignoreHost,
    forceHosts: options.forceHost,
    bootsFromVolume: options.bootFromVolume,
    image: imageOf(options),
  };
}

function amountsOf(options: RequestValues): PlacementRequestInput {
  if (options.vcpus === undefined)
    throw invalid('--vcpus', 'nothing', 'a whole number of vCPUs, such as --vcpus 4, or --flavor');
  if (options.memory === undefined)
    throw invalid('--memory', 'nothing', 'a size with its unit, such as --memory 8GiB, or --flavor');
  return {
    vcpus: wholeNumber('--vcpus', options.vcpus, 1, 65_536) ?? 0,
    memoryMb: sizeIn(2 ** 20, '--memory', options.memory, '8GiB or 512MiB') ?? 0,
    ...disksOf(options),
  };
}

/** Disks in the units of a flavor; absent: 0. Errors: `invalid-argument` naming the option. */
export function disksOf(options: Pick<RequestValues, 'disk' | 'rootGb' | 'ephemeralGb' | 'swapMb'>) {
  const root = sizeIn(gib, '--disk', options.disk, '20GiB');
  return {
    rootGb: root ?? wholeNumber('--root-gb', options.rootGb, 0, 2 ** 30) ?? 0,
    ephemeralGb: wholeNumber('--ephemeral-gb', options.ephemeralGb, 0, 2 ** 30) ?? 0,
    swapMb: wholeNumber('--swap-mb', options.swapMb, 0, 2 ** 40) ?? 0,
  };
}

function hintsOf(pairs: readonly string[]): PlacementRequestInput['schedulerHints'] & object {
  const hints = Object.entries(valuesByKey('--hint', pairs));
  return Object.fromEntries(hints.map(([name, values]) => [name, { values }]));
}

function imageOf({ image, imageProperty }: RequestValues): (PlacementRequestInput['image'] & object) | null {
  if (image === undefined && imageProperty.length === 0) return null;
  return { id: image ?? '', properties: keyValues('--image-property', imageProperty) };
}
