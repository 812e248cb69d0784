/** The test that the filters of memory, CPU and disk share: a request fits what is left, and the whole host. */
import type { Columns, ResourceColumns } from '../../fleet/registry-resources.js';
import { readFloat } from '../../model/python-text.js';
import { AggregateNumber } from '../requirements/aggregate-number.js';
import type { Limits, PreparedFilter } from './filter.js';

export interface ResourceTest {
  readonly resource: ResourceColumns;
  readonly amount: number;
  readonly unit: string;
  /** Nova's limit of `total x ratio`, in the resource's unit; asked of rows that pass, or of every row. */
  readonly limits: { readonly of: (most: number) => Limits | undefined; readonly evenRefused?: boolean };
}

/** A host's ratio by its row, and where it comes from, for words. */
interface Ratios {
  readonly of: (row: number) => number;
  readonly source: (row: number) => string;
}

/**
 * Passes where `amount` is no more than the host's physical total, whatever its ratio, and no more than is left: by
 * Placement's rule (total - reserved) x ratio - taken, which is Nova 18's total x ratio - used where nothing is reserved.
 * Reason 0: more than the host has; reason 1: more than is left.
 */
export function prepareResourceTest(test: ResourceTest): PreparedFilter {
  const { resource, amount } = test;
  const ratios: Ratios = { of: (row) => resource.ratio[row] as number, source: () => '' };
  return {
    atLeast: [{ column: resource.fit, minimum: amount }],
    ...told(test, ratios, (row) => (resource.fit.values[row] as number) >= amount),
  };
}

/**
 * The same with a ratio that the host's aggregates may give under `key`: the smallest of them; the host's own where none
 * does or one is no number. `unknownPasses`: a host that reports none of the resource takes any request.
 */
export function prepareAggregateResourceTest(
  test: ResourceTest,
  key: string,
  columns: Columns,
  unknownPasses = false,
): PreparedFilter {
  const { resource, amount } = test;
  const given = new AggregateNumber(key, readFloat);
  const ofAggregates = (row: number) => given.of(columns.aggregatesOf(row));
  const ratios: Ratios = {
    of: (row) => ofAggregates(row) ?? (resource.ratio[row] as number),
    source: (row) => (ofAggregates(row) === undefined ? '' : ' by aggregate'),
  };
  const passes = (row: number) => {
    const total = resource.total[row] as number;
    if (total === 0 && unknownPasses) return true;
    return amount <= total && amount <= resource.room(row, ratios.of(row));
  };
  return { passes, ...told(test, ratios, passes) };
}

/** Limits, reasons and words, whatever the ratio comes from. */
function told(
  { resource, amount, unit, limits }: ResourceTest,
  ratios: Ratios,
  passes: (row: number) => boolean,
): Pick<PreparedFilter, 'limitsOf' | 'reasonOf' | 'wordsOf'> {
  const tooLarge = (row: number) => amount > (resource.total[row] as number);
  return {
    limitsOf: (row) =>
      limits.evenRefused || passes(row)
        ? limits.of((resource.total[row] as number) * ratios.of(row))
        : undefined,
    reasonOf: (row) => (tooLarge(row) ? 0 : 1),
    wordsOf: (row) => ({
      observed: tooLarge(row)
        ? `${shown(resource.total[row])} ${unit} in all`
        : leftInWords(resource, ratios, row, unit),
      wanted: `${shown(amount)} ${unit}`,
    }),
  };
}

function leftInWords(resource: ResourceColumns, ratios: Ratios, row: number, unit: string): string {
  const reserved = resource.reserved[row] as number;
  const total = shown(resource.total[row]);
  const offered = reserved > 0 ? `(${total} - ${shown(reserved)} reserved)` : total;
  const taken = shown(resource.used(row) - reserved);
  const left = shown(resource.room(row, ratios.of(row)));
  return `${left} ${unit} left (${offered} x ${ratios.of(row)}${ratios.source(row)}, ${taken} used)`;
}

/** At most three decimals, rounded down: what is left must not look larger than it is. */
function shown(amount: number | undefined): string {
  return String(Math.floor((amount ?? 0) * 1000) / 1000);
}
