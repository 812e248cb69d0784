/** Host aggregates: the list, and one with its hosts. */
import type { HostAggregate } from '../../../proto/gen/drover/v1/HostAggregate.js';
import { tableOf, type Column } from '../../../proto/output/table.js';
import type { View } from '../../../proto/output/view.js';
import { orNothing } from '../../../proto/output/words.js';
import { mapText, timestamp } from './cells.js';

const zoneKey = 'availability_zone';

const columns: readonly Column<HostAggregate>[] = [
  { heading: 'ID', align: 'right', cell: (one) => String(one.id) },
  { heading: 'NAME', cell: (one) => one.name, minimumWidth: 12 },
  { heading: 'ZONE', cell: (one) => orNothing(one.metadata[zoneKey] ?? '') },
  { heading: 'HOSTS', align: 'right', cell: (one) => String(one.hostIds.length) },
  { heading: 'METADATA', cell: (one) => mapText(otherThanZone(one)) },
];

/** The list of aggregates in the given order. */
export function aggregatesView(aggregates: readonly HostAggregate[]): View {
  return [{ kind: 'table', table: tableOf(columns, aggregates) }];
}

/** One aggregate, each piece of metadata and each host a line. */
export function aggregateView(aggregate: HostAggregate): View {
  const metadata = Object.entries(otherThanZone(aggregate)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const hosts = aggregate.hosts.toSorted();
  return [
    {
      kind: 'pairs',
      pairs: [
        ['Aggregate', aggregate.name],
        ['Id', String(aggregate.id)],
        ['Zone', orNothing(aggregate.metadata[zoneKey] ?? '')],
        ['Hosts', String(aggregate.hostIds.length)],
        ['Updated', timestamp(aggregate.updatedUnixMs)],
      ],
    },
    ...(metadata.length > 0 ? [{ kind: 'pairs', title: 'Metadata', pairs: metadata } as const] : []),
    { kind: 'list', title: 'Hosts', items: hosts },
  ];
}

function otherThanZone({ metadata }: HostAggregate): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== zoneKey));
}
