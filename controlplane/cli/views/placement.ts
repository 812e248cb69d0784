/** Where a virtual machine fits: the summary first, then the best hosts. */
import type { Destination } from '../../../proto/gen/drover/v1/Destination.js';
import type { FilterCount } from '../../../proto/gen/drover/v1/FilterCount.js';
import type { SelectDestinationsResponse } from '../../../proto/gen/drover/v1/SelectDestinationsResponse.js';
import { tableOf, type Column } from '../../../proto/output/table.js';
import type { View } from '../../../proto/output/view.js';
import { count } from './cells.js';
import { warningsBlocks } from './warnings.js';

/** The hosts found, best first, each weigher a column; without any, where the hosts were lost. */
export function destinationsView({
  destinations,
  filters,
  hostsConsidered,
  revision,
  seed,
  warnings,
}: SelectDestinationsResponse): View {
  const [best] = destinations;
  if (!best)
    return [
      { kind: 'text', text: `No host fits: ${funnelText(hostsConsidered, filters)}.`, tone: 'bad' },
      ...warningsBlocks(warnings),
    ];
  const summary = `${best.hostName} is the best host: ${funnelText(hostsConsidered, filters)}.`;
  return [
    { kind: 'text', text: summary },
    ...warningsBlocks(warnings),
    { kind: 'table', table: tableOf(weightColumns(destinations), destinations) },
    { kind: 'text', text: `Revision ${revision}, seed ${seed}.`, tone: 'faint' },
  ];
}

function weightColumns(destinations: readonly Destination[]): Column<Destination>[] {
  const weighers = [...new Set(destinations.flatMap((one) => Object.keys(one.weights)))].toSorted();
  return [
    { heading: 'HOST', cell: (one) => one.hostName, minimumWidth: 12 },
    { heading: 'WEIGHT', align: 'right', cell: (one) => weightText(one.weight) },
    ...weighers.map((name): Column<Destination> => ({
      heading: name,
      align: 'right',
      cell: (one) => weightText(one.weights[name] ?? 0),
    })),
  ];
}

/** A weight with three decimals; what rounds to 0 has no sign. */
export function weightText(weight: number): string {
  return weight.toFixed(3).replace(/^-(0\.0+)$/, '$1');
}

/** How many hosts each filter left: `51 hosts considered, RamFilter leaves 9, ComputeFilter 3`. Filters that refuse none are left out. */
export function funnelText(considered: number, filters: readonly FilterCount[]): string {
  const steps = filters.filter(
    (each, index) =>
      each.hostsLeft < (index === 0 ? considered : (filters[index - 1] as FilterCount).hostsLeft),
  );
  const told = steps.map(
    ({ filter, hostsLeft }, index) => `${filter}${index === 0 ? ' leaves' : ''} ${hostsLeft}`,
  );
  return [`${count(considered, 'host')} considered`, ...told].join(', ');
}
