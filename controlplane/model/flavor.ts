/** Flavors and images, as a request and its filters see them. Pure. */
import { requestLimits } from './request-limits.js';
import { textMap, whole } from './request-values.js';

/** What a flavor says of a virtual machine, in the flavor's own units. */
export interface Flavor {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly rootGb: number;
  readonly ephemeralGb: number;
  readonly swapMb: number;
  readonly extraSpecs: Readonly<Record<string, string>>;
}

export interface Image {
  readonly id: string;
  readonly name: string;
  /** As Glance holds them. */
  readonly properties: Readonly<Record<string, string>>;
}

/** Fields of a flavor that are amounts, with their names on the wire. */
export const amountFields = [
  ['vcpus', 'vcpus'],
  ['memoryMb', 'memory_mb'],
  ['rootGb', 'root_gb'],
  ['ephemeralGb', 'ephemeral_gb'],
  ['swapMb', 'swap_mb'],
] as const;

/** The amounts and extra specs of a flavor, under `name`. Errors: `invalid-argument` naming `field.vcpus` and so on. */
export function checkFlavor(given: Omit<Flavor, 'name'>, field: string, name: string): Flavor {
  const { vcpus, memoryMb, diskGb, swapMb } = requestLimits;
  return {
    name,
    vcpus: whole(given.vcpus, `${field}.vcpus`, 1, vcpus, 'vCPUs'),
    memoryMb: whole(given.memoryMb, `${field}.memory_mb`, 1, memoryMb, 'MiB'),
    rootGb: whole(given.rootGb, `${field}.root_gb`, 0, diskGb, 'GiB'),
    ephemeralGb: whole(given.ephemeralGb, `${field}.ephemeral_gb`, 0, diskGb, 'GiB'),
    swapMb: whole(given.swapMb, `${field}.swap_mb`, 0, swapMb, 'MiB'),
    extraSpecs: checkExtraSpecs(given.extraSpecs, `${field}.extra_specs`),
  };
}

/** Extra specs within Nova's limits. Errors: `invalid-argument` naming `field.KEY`. */
export function checkExtraSpecs(
  specs: Readonly<Record<string, string>>,
  field: string,
): Readonly<Record<string, string>> {
  return textMap(specs, field, requestLimits.extraSpecs, requestLimits.extraSpecChars);
}
