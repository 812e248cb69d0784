/** Messages under the names of the contract: `availability_zone`, not the `availabilityZone` of the code. */

/**
 * Fields of the contract that are maps: their keys are data (labels, kernel files, tuner names) and stay as they are. Where
 * a list elsewhere has the name of a map, it is read as the list that it is. A test compares this with `proto/drover/v1`.
 */
export const mapFields: ReadonlySet<string> = new Set([
  'controllers',
  'distances',
  'extra_specs',
  'hosts',
  'inventory',
  'keys',
  'ksm',
  'labels',
  'metadata',
  'pinning',
  'properties',
  'scheduler_hints',
  'services',
  'settings',
  'tags',
  'transparent_hugepages',
  'tuners',
  'versions',
  'weights',
]);

/** `lastSeenUnixMs` as `last_seen_unix_ms`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * A decoded message with every field under its name in the `.proto` file. An absent message stays null, bytes become
 * base64, values of maps are left alone. `_name`, with which the decoder says that the optional field `name` is there, is no field.
 */
export function wireNames(message: unknown): unknown {
  if (Array.isArray(message)) return message.map(wireNames);
  if (message instanceof Uint8Array) return Buffer.from(message).toString('base64');
  if (message === null || typeof message !== 'object') return message;
  const fields = Object.entries(message).filter(([key]) => !key.startsWith('_'));
  return Object.fromEntries(
    fields.map(([key, value]) => {
      const name = snakeCase(key);
      return [name, mapFields.has(name) && !Array.isArray(value) ? value : wireNames(value)];
    }),
  );
}
