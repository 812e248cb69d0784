/** `passthrough` of agent.yaml: which PCI devices guests may have, in the words of Nova's `[pci] device_spec`. */
import { z } from 'zod';
import { normalAddress, type DeviceSpec } from './facts/device-spec.js';

const limits = { specs: 256, tags: 32, characters: 255 } as const;

const idWanted = 'four hexadecimal digits in quotes, such as "8086"';
const id = z
  .string({ error: idWanted })
  .regex(/^(?:0x)?[\da-f]{4}$/i, { error: idWanted })
  .transform((text) => text.slice(-4).toLowerCase());

const addressWanted = 'domain:bus:slot.function in hexadecimal, * for any, such as "0000:3b:*.*"';
const address = z
  .string({ error: addressWanted })
  .refine((text) => normalAddress(text) !== undefined, { error: addressWanted })
  .transform((text) => normalAddress(text) as string);

const tagWanted = `text of at most ${limits.characters} characters; a number needs quotes`;
const tags = z
  .record(z.string(), z.string({ error: tagWanted }).max(limits.characters, { error: tagWanted }))
  .refine((given) => Object.keys(given).length <= limits.tags, { error: `at most ${limits.tags} tags` })
  .refine((given) => Object.keys(given).every((key) => key !== '' && key.length <= limits.characters), {
    error: `tags with names of 1 to ${limits.characters} characters`,
  })
  .default({});

const keys = {
  vendor_id: id.optional(),
  product_id: id.optional(),
  address: address.optional(),
  tags,
};

const spec = z
  .object(keys)
  .catchall(z.undefined({ error: `no such key: known are ${Object.keys(keys).join(', ')}` }))
  .refine(({ vendor_id, product_id, address: where }) => Boolean(vendor_id ?? product_id ?? where), {
    error: 'a vendor_id, a product_id or an address',
  })
  .transform(({ vendor_id: vendorId, product_id: productId, address: where, tags: given }): DeviceSpec => ({
    ...{ vendorId, productId, address: where, tags: given },
  }));

/** At most 256 specs in normal form; a device belongs to the first that matches it. */
export const deviceSpecs = z.array(spec).max(limits.specs);
