/** Reads the tables that ovs-vsctl --format=json prints, with values as in RFC 7047, section 5.1. */
import { DroverError } from '../../proto/wire/errors.js';

/**
 * One record for each row, by column name. A set of one is that value, an empty set undefined, a longer one an array; a map
 * is a record; a UUID its text. Errors: `failed-precondition` when the text is no such table.
 */
export function parseTable(text: string): Record<string, unknown>[] {
  if (text.trim() === '') return []; // ovs-vsctl prints nothing for a table without rows
  try {
    const { headings, data } = JSON.parse(text) as { headings: string[]; data: unknown[][] };
    return data.map((row) =>
      Object.fromEntries(headings.map((heading, index) => [heading, parseValue(row[index])])),
    );
  } catch (cause) {
    throw new DroverError('failed-precondition', `ovs-vsctl gave no table: ${text.slice(0, 80)}`, {
      field: 'openvswitch',
      cause,
    });
  }
}

/** A row as a `select` gives it, column by name, with values as `parseTable` has them. */
export function parseRow(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, parseValue(value)]));
}

function parseValue(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const [kind, content] = value as [string, unknown];
  if (kind === 'map')
    return Object.fromEntries(
      (content as [unknown, unknown][]).map(([key, item]) => [String(parseValue(key)), parseValue(item)]),
    );
  if (kind === 'set') return parseSet(content as unknown[]);
  return content; // uuid, named-uuid
}

function parseSet(items: unknown[]): unknown {
  return items.length > 1 ? items.map(parseValue) : parseValue(items[0]);
}
