/** Flavors: the list, and one with its extra specs. */
import type { Flavor } from '../../../proto/gen/drover/v1/Flavor.js';
import { tableOf, type Column } from '../../../proto/output/table.js';
import type { View } from '../../../proto/output/view.js';
import { formatBytes } from '../../../proto/wire/units.js';
import { mapText, timestamp } from './cells.js';

const mib = 2 ** 20;
const gib = 2 ** 30;

const columns: readonly Column<Flavor>[] = [
  { heading: 'NAME', cell: (one) => one.name, minimumWidth: 12 },
  { heading: 'VCPUS', align: 'right', cell: (one) => String(one.vcpus) },
  { heading: 'MEMORY', align: 'right', cell: (one) => formatBytes(one.memoryMb * mib) },
  { heading: 'ROOT', align: 'right', cell: (one) => formatBytes(one.rootGb * gib) },
  { heading: 'EPHEMERAL', align: 'right', cell: (one) => formatBytes(one.ephemeralGb * gib) },
  { heading: 'SWAP', align: 'right', cell: (one) => formatBytes(one.swapMb * mib) },
  { heading: 'EXTRA SPECS', cell: (one) => mapText(one.extraSpecs) },
];

/** The list of flavors in the given order. */
export function flavorsView(flavors: readonly Flavor[]): View {
  return [{ kind: 'table', table: tableOf(columns, flavors) }];
}

/** One flavor, each extra spec a line. */
export function flavorView(flavor: Flavor): View {
  const specs = Object.entries(flavor.extraSpecs).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    {
      kind: 'pairs',
      pairs: [
        ['Flavor', flavor.name],
        ['vCPUs', String(flavor.vcpus)],
        ['Memory', formatBytes(flavor.memoryMb * mib)],
        ['Root disk', formatBytes(flavor.rootGb * gib)],
        ['Ephemeral', formatBytes(flavor.ephemeralGb * gib)],
        ['Swap', formatBytes(flavor.swapMb * mib)],
        ['Updated', timestamp(flavor.updatedUnixMs)],
      ],
    },
    ...(specs.length > 0 ? [{ kind: 'pairs', title: 'Extra specs', pairs: specs } as const] : []),
  ];
}
