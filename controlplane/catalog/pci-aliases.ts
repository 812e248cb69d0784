/** The setting `pci.alias`: Nova's `[pci] alias`, several of them as a JSON array. Pure. */
import { z } from 'zod';
import { invalid } from '../../proto/wire/errors.js';
import { describeIssue, unknownKey } from '../../proto/wire/profile.js';
import type { PciAlias } from '../model/pci-alias.js';
import type { SchedulerSettings } from '../model/scheduler-settings.js';
import { unknownName } from './unknown-name.js';
import type { ValueKind } from './setting-values.js';

/** Entries of the setting. */
export const mostAliases = 64;

const forId = { error: 'four hexadecimal digits as text, such as "8086"' };
const forName = { error: 'a name of 1 to 256 characters, no comma and no colon' };
const id = z.string(forId).regex(/^[\da-fA-F]{4}$/, forId);
/** Nova's `_ALIAS_SCHEMA`. A flavor cannot name an alias with a comma or a colon in it. */
const entry = z.strictObject({
  name: z
    .string(forName)
    .trim()
    .regex(/^[^,:]{1,256}$/, forName),
  vendor_id: id.optional(),
  product_id: id.optional(),
  device_type: z.enum(['type-PCI', 'type-PF', 'type-VF']).optional(),
  numa_policy: z.enum(['required', 'preferred', 'legacy', 'socket']).default('legacy'),
  /** Says nothing. Nova keeps it, and then no device matches, since none has the key. */
  capability_type: z.literal('pci').optional(),
});
type Entry = z.infer<typeof entry>;

const cure =
  'a JSON object or an array of them, such as {"name":"nic","vendor_id":"8086","product_id":"154c","device_type":"type-VF"}';

/** Errors: `invalid-argument` naming the setting, and the entry and key in it. */
export const pciAliases: ValueKind<readonly PciAlias[]> = {
  parse(text, name) {
    if (text.trim() === '') return [];
    const given = jsonOf(text, name);
    const list = Array.isArray(given) ? given : [given];
    if (list.length > mostAliases) throw invalid(name, `${list.length} aliases`, `at most ${mostAliases}`);
    return grouped(
      list.map((one, index) => entryOf(one, `${name}[${index}]`)),
      name,
    );
  },
  print: (aliases) => (aliases.length === 0 ? '' : JSON.stringify(aliases.flatMap(entriesOf))),
};

/** The alias of a name. Errors: `not-found` with the nearest one. */
export function aliasNamed(
  { pciAliases: aliases }: Pick<SchedulerSettings, 'pciAliases'>,
  name: string,
  field: string,
): PciAlias {
  const known = aliases.map((one) => one.name);
  const alias = aliases[known.indexOf(name)];
  if (!alias) throw unknownName('PCI alias', name, field, known, 'the setting pci.alias');
  return alias;
}

function jsonOf(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(name, text, cure);
  }
}

function entryOf(given: unknown, name: string): Entry {
  const result = entry.safeParse(given, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  const { path, input } = issue;
  if (issue.code === 'unrecognized_keys')
    throw unknownKey([name, String(issue.keys[0])], Object.keys(entry.shape));
  throw invalid([name, ...path].join('.'), input, path.length === 0 ? cure : describeIssue(issue));
}

/**
 * Entries of one name are one alias of several kinds, which agree in affinity and type, as Nova wants it. Where none of them
 * says a type, Nova fails over the missing key; here they agree.
 */
function grouped(entries: readonly Entry[], setting: string): PciAlias[] {
  const aliases = new Map<string, PciAlias>();
  for (const [index, { name, numa_policy: numaPolicy, ...kind }] of entries.entries()) {
    const spec = specOf(kind);
    const known = aliases.get(name);
    if (known && known.numaPolicy !== numaPolicy)
      throw invalid(
        `${setting}[${index}].numa_policy`,
        numaPolicy,
        `${known.numaPolicy}, as before for ${name}`,
      );
    const type = known?.specs[0]?.['dev_type'];
    if (known && type !== spec['dev_type'])
      throw invalid(
        `${setting}[${index}].device_type`,
        spec['dev_type'],
        `${type ?? 'none'}, as before for ${name}`,
      );
    aliases.set(name, { name, numaPolicy, specs: [...(known?.specs ?? []), spec] });
  }
  return [...aliases.values()];
}

function specOf({ vendor_id, product_id, device_type }: Partial<Entry>): Record<string, string> {
  return {
    ...(vendor_id && { vendor_id }),
    ...(product_id && { product_id }),
    ...(device_type && { dev_type: device_type }),
  };
}

function entriesOf({ name, numaPolicy, specs }: PciAlias): object[] {
  return specs.map(({ dev_type, ...ids }) => ({
    ...{ name, ...ids },
    ...(dev_type && { device_type: dev_type }),
    numa_policy: numaPolicy,
  }));
}
