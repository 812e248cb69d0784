/** What is left to hand out, and of how much, on hosts in service. Pure. */
import type { ResourceHeadroomInput } from '../../../proto/gen/drover/v1/ResourceHeadroom.js';
import { rowsOf } from '../../fleet/registry-columns.js';
import type { Columns, ResourceColumns } from '../../fleet/registry-resources.js';

const resources = [
  ['vcpus', 'vcpus'],
  ['memory_mb', 'memoryMb'],
  ['disk_mb', 'diskMb'],
] as const;

/** By resource, vCPUs and MiB. A host that has promised too much counts as 0 left, never as less. */
export interface Headroom {
  readonly left: number;
  readonly capacity: number;
}

/** In the order vcpus, memory, disk. */
export function headroomOf(columns: Columns): Headroom[] {
  const rows = rowsOf(columns.inService);
  return resources.map(([, key]) => sum(columns[key], rows));
}

function sum(resource: ResourceColumns, rows: readonly number[]): Headroom {
  let left = 0;
  let capacity = 0;
  for (const row of rows) {
    const room = resource.room(row);
    const taken = (resource.allocated[row] as number) + (resource.unmanaged[row] as number);
    left += Math.max(0, room);
    capacity += room + taken;
  }
  return { left, capacity };
}

/** Before and after as the wire has them; the capacity is that after the changes. */
export function headroomMessage(
  before: readonly Headroom[],
  after: readonly Headroom[],
): ResourceHeadroomInput[] {
  return resources.map(([resource], index) => ({
    resource,
    before: before[index]?.left ?? 0,
    after: after[index]?.left ?? 0,
    capacity: after[index]?.capacity ?? 0,
  }));
}
