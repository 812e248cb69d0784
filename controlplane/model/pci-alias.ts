/**
 * Nova's PCI aliases: names for kinds of passthrough device (`[pci] alias`), which flavors ask for with the extra spec
 * `pci_passthrough:alias`. Nova `pci/request.py`. Pure.
 */
import { invalid } from '../../proto/wire/errors.js';
import type { PciRequest } from './pci-request.js';

/** What a name stands for: any of these kinds. */
export interface PciAlias {
  readonly name: string;
  /** required, preferred, legacy, socket. */
  readonly numaPolicy: string;
  /** Of `vendor_id`, `product_id` and `dev_type` those that are given. */
  readonly specs: readonly Readonly<Record<string, string>>[];
}

/** The extra spec: `a1:2,a2:1` asks for two devices of the alias a1 and one of a2. */
export const aliasKey = 'pci_passthrough:alias';

/**
 * The requests that extra specs make. `aliasOf` throws for a name that is not known. `policy`: NUMA affinity of flavor or
 * image, which goes before that of the alias. `field`: of the extra specs. Errors: `invalid-argument` for what is no list of
 * NAME:COUNT; those of `aliasOf`.
 */
export function aliasRequests(
  extraSpecs: Readonly<Record<string, string>>,
  field: string,
  aliasOf: (name: string, field: string) => PciAlias,
  policy: string | undefined,
): readonly PciRequest[] {
  const text = extraSpecs[aliasKey];
  if (text === undefined) return [];
  return text.split(',').map((part) => {
    const [, name, count] = /^\s*([^:]*[^:\s])\s*:\s*(\d{1,9})\s*$/.exec(part) ?? [];
    if (name === undefined || Number(count) < 1)
      throw invalid(`${field}.${aliasKey}`, part, 'names of aliases, each with how many: nic:2,gpu:1');
    const { specs, numaPolicy } = aliasOf(name, `${field}.${aliasKey}`);
    return { count: Number(count), specs, numaPolicy: policy ?? numaPolicy };
  });
}
