/** Servers of a group by host, as a column. It is made for one request, at the cost of its members and not of every host. */
import { blockRows, Column } from '../../fleet/registry-columns.js';
import type { Columns } from '../../fleet/registry-resources.js';
import type { GroupOfRequest } from '../../model/request.js';

/**
 * `sign` times the group's servers on each row, 0 where it has none. Blocks without a host are bounded by 0 as well: no
 * search looks into those. undefined: the group has no server on any host.
 */
export function groupColumn(
  { members }: Pick<GroupOfRequest, 'members'>,
  { rows, instances }: Columns,
  sign: 1 | -1,
): Column | undefined {
  const servers = instances.countsByRow(members);
  if (servers.size === 0) return undefined;
  const column = zeros(rows);
  for (const [row, count] of servers) column.set(row, sign * count);
  return column;
}

function zeros(rows: number): Column {
  const column = new Column();
  column.values = new Float64Array(rows);
  column.low = new Float64Array(rows / blockRows);
  column.high = new Float64Array(rows / blockRows);
  return column;
}
