/** Image properties that decide about NUMA and pinning, read as Nova's `ImageMetaProps` reads them. Pure. */
import { invalid } from '../../../proto/wire/errors.js';
import type { Image } from '../flavor.js';
import { parseCpuSpec } from './cpu-spec.js';
import { readInteger } from '../python-text.js';
import { isTrue } from './oslo-text.js';

/** Absent properties are undefined. */
export interface NumaImage {
  readonly cpuPolicy: string | undefined;
  readonly threadPolicy: string | undefined;
  readonly realtimeMask: string | undefined;
  readonly pageSize: string | undefined;
  readonly numaNodes: number | undefined;
  /** vCPUs and MiB of each guest cell. */
  readonly cellVcpus: readonly (readonly number[])[] | undefined;
  readonly cellMemoryMb: readonly number[] | undefined;
  readonly lockedMemory: boolean | undefined;
  readonly memoryEncryption: boolean | undefined;
  readonly pciPolicy: string | undefined;
  readonly requiredTraits: readonly string[];
}

export const cpuPolicies = ['dedicated', 'shared', 'mixed'];
export const threadPolicies = ['prefer', 'isolate', 'require'];
export const pciPolicies = ['required', 'legacy', 'preferred', 'socket'];

/** Guest cells that a flavor or an image can describe: Nova's `NUMA_NODES_MAX`. */
export const maximumCells = 128;

/** Field of an image property, as errors name it. */
export function imageField(name: string): string {
  return `image.properties.${name}`;
}

/** Errors: `invalid-argument` naming the property whose value Nova cannot read. */
export function readNumaImage(image: Image | null): NumaImage {
  const properties = image?.properties ?? {};
  const flag = (name: string) => (Object.hasOwn(properties, name) ? isTrue(properties[name]) : undefined);
  return {
    cpuPolicy: oneOf(properties, 'hw_cpu_policy', cpuPolicies),
    threadPolicy: oneOf(properties, 'hw_cpu_thread_policy', threadPolicies),
    realtimeMask: properties['hw_cpu_realtime_mask'],
    pageSize: properties['hw_mem_page_size'],
    numaNodes: wholeNumber(properties, 'hw_numa_nodes'),
    cellVcpus: byCell(properties, 'hw_numa_cpus', parseCpuSpec),
    cellMemoryMb: byCell(properties, 'hw_numa_mem', wholeText),
    lockedMemory: flag('hw_locked_memory'),
    memoryEncryption: flag('hw_mem_encryption'),
    pciPolicy: oneOf(properties, 'hw_pci_numa_affinity_policy', pciPolicies),
    requiredTraits: Object.keys(properties)
      .filter((key) => key.startsWith('trait:') && properties[key] === 'required')
      .map((key) => key.slice(6)),
  };
}

type Properties = Readonly<Record<string, string>>;

function oneOf(properties: Properties, name: string, choices: readonly string[]): string | undefined {
  const value = properties[name];
  if (value === undefined || choices.includes(value)) return value;
  throw invalid(imageField(name), value, choices.join(', '));
}

/** A whole number of an image; undefined where it has no such property. */
export function wholeNumber(properties: Properties, name: string): number | undefined {
  const value = properties[name];
  return value === undefined ? undefined : wholeText(value, imageField(name));
}

/** Errors: `invalid-argument` naming `field` for a text that is no whole number. */
export function wholeText(text: string, field: string): number {
  const value = readInteger(text);
  if (value === undefined) throw invalid(field, text, 'a whole number');
  return value;
}

/** The values of `key.0`, `key.1` and so on up to the first that is not there; undefined where there is no `key.0`. */
export function byCell<Value>(
  texts: Properties,
  key: string,
  read: (text: string, field: string) => Value,
  fieldOf: (name: string) => string = imageField,
): Value[] | undefined {
  const values: Value[] = [];
  for (let cell = 0; cell < maximumCells; cell++) {
    const text = texts[`${key}.${cell}`];
    if (text === undefined) break;
    values.push(read(text, fieldOf(`${key}.${cell}`)));
  }
  return values.length > 0 ? values : undefined;
}
