/** Sets of rows that a request names: by host, by server. They cost what is named, not what the fleet has. */
import type { Bits } from '../../fleet/registry-columns.js';
import type { Columns } from '../../fleet/registry-resources.js';

/** The set of these rows. */
export function rowSet({ nobody }: Columns, rows: Iterable<number>): Bits {
  const bits = nobody.slice();
  for (const row of rows) bits[row >>> 5] = (bits[row >>> 5] as number) | (1 << (row & 31));
  return bits;
}

/** Rows of the hosts with these names; names that no host has are passed over. Names compare exactly. */
export function rowsOfHosts(columns: Columns, names: readonly string[]): Bits {
  return rowSet(
    columns,
    names.flatMap((name) => columns.rowsByHost.get(name) ?? []),
  );
}

/** Rows that hold one of these servers at least. UUIDs compare as they are written. */
export function rowsOfServers(columns: Columns, uuids: readonly string[]): Bits {
  return rowSet(
    columns,
    uuids.flatMap((uuid) => columns.instances.rowsOf(uuid)),
  );
}

/** A list for a person: the first five, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length - 5;
  return names.slice(0, 5).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
