/**
 * What a fault domain has left without one of its hosts: the host's load on the others, by the numbers that placement counts
 * with (capacity with ratios, less reservations; allocations and domains that no allocation covers). Pure.
 */
import type { CapacityOutlook } from '../../proto/gen/drover/v1/CapacityOutlook.js';
import { hasBit, rowsOf } from '../fleet/registry-columns.js';
import type { Columns, ResourceColumns } from '../fleet/registry-resources.js';

/** Label of a host that names its rack. */
export const rackLabel = 'rack';

const resources = [
  ['vcpus', 'vcpus'],
  ['memory', 'memoryMb'],
  ['disk', 'diskMb'],
] as const;

/** Of each fault domain that the host in `row` is in: the fleet, its zones, its rack. */
export function capacityWithout(columns: Columns, row: number): CapacityOutlook[] {
  const rack = columns.records[row]?.labels[rackLabel];
  const zones = (columns.zonesByRow[row] ?? []).map((zone) => {
    const inZone = columns.zones.get(zone);
    return [`zone ${zone}`, (other: number) => inZone !== undefined && hasBit(inZone, other)] as const;
  });
  const scopes: (readonly [string, (other: number) => boolean])[] = [
    ['fleet', () => true],
    ...zones,
    ...(rack === undefined
      ? []
      : [[`rack ${rack}`, (other: number) => columns.records[other]?.labels[rackLabel] === rack] as const]),
  ];
  const others = rowsOf(columns.inService).filter((other) => other !== row);
  return scopes.map(([scope, isIn]) => outlook(columns, scope, row, others.filter(isIn)));
}

function outlook(columns: Columns, scope: string, row: number, others: readonly number[]): CapacityOutlook {
  const each = resources.flatMap(([resource, key]) => {
    const headroomPercent = headroom(columns[key], row, others);
    return headroomPercent === undefined ? [] : [{ resource, headroomPercent }];
  });
  const tightest = each.toSorted((a, b) => a.headroomPercent - b.headroomPercent)[0];
  const { resource = '', headroomPercent = 0 } = tightest ?? {};
  return { scope, resource, headroomPercent, hosts: others.length };
}

/** undefined: nothing is used of it and nothing is there, as where no disk is told. −100 stands for a load that has nowhere to go. */
function headroom(column: ResourceColumns, row: number, others: readonly number[]): number | undefined {
  const load = takenOf(column, row);
  let left = -load;
  let capacity = 0;
  for (const other of others) {
    left += column.room(other);
    capacity += column.room(other) + takenOf(column, other);
  }
  if (capacity <= 0) return load > 0 ? -100 : undefined;
  return (left / capacity) * 100;
}

function takenOf({ allocated, unmanaged }: ResourceColumns, row: number): number {
  return (allocated[row] as number) + (unmanaged[row] as number);
}

/** True where the others cannot take the host's load. */
export function isShort({ headroomPercent }: CapacityOutlook): boolean {
  return headroomPercent < 0;
}

/** `leaves 2.1 % headroom in rack 7 (memory, 3 other hosts)`. */
export function capacityWords({ scope, resource, headroomPercent, hosts }: CapacityOutlook): string {
  const where = scope === 'fleet' ? 'the fleet' : scope;
  const others = `${hosts} other ${hosts === 1 ? 'host' : 'hosts'}`;
  if (hosts === 0) return `leaves no host in service in ${where}`;
  return `leaves ${headroomPercent.toFixed(1)} % headroom in ${where} (${resource ? `${resource}, ` : ''}${others})`;
}
