/** The test that RamFilter, CoreFilter and DiskFilter share: a request fits what is left, and the whole host. */
import type { ResourceColumns } from '../../fleet/registry-resources.js';
import type { PreparedFilter } from './filter.js';

/**
 * Passes where `amount` is no more than the host's physical total, whatever its ratio, and no more than
 * total x ratio - used (Nova 18's filters). Reason 0: more than the host has; reason 1: more than is left.
 */
export function prepareResourceTest(resource: ResourceColumns, amount: number, unit: string): PreparedFilter {
  const tooLarge = (row: number) => amount > (resource.total[row] as number);
  return {
    atLeast: [{ column: resource.fit, minimum: amount }],
    reasonOf: (row) => (tooLarge(row) ? 0 : 1),
    wordsOf: (row) => ({
      observed: tooLarge(row)
        ? `${shown(resource.total[row])} ${unit} in all`
        : leftInWords(resource, row, unit),
      wanted: `${shown(amount)} ${unit}`,
    }),
  };
}

function leftInWords(resource: ResourceColumns, row: number, unit: string): string {
  const left = shown(resource.usable.values[row]);
  const parts = [
    `${shown(resource.total[row])} x ${resource.ratio[row]}`,
    `${shown(resource.used(row))} used`,
  ];
  const reserved = resource.reserved[row] as number;
  if (reserved > 0) parts.push(`of that ${shown(reserved)} reserved`);
  return `${left} ${unit} left (${parts.join(', ')})`;
}

/** At most three decimals, rounded down: what is left must not look larger than it is. */
function shown(amount: number | undefined): string {
  return String(Math.floor((amount ?? 0) * 1000) / 1000);
}
