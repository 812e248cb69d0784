/** The test of the filters that cap a count: fewer than so many on a host before one more comes. */
import type { Column } from '../../fleet/registry-columns.js';
import type { Columns } from '../../fleet/registry-resources.js';
import { readInteger } from '../../model/python-text.js';
import { AggregateNumber } from '../requirements/aggregate-number.js';
import type { PreparedFilter } from './filter.js';

/** Passes where `column` is below `limit`. `what`: what is counted, in the plural. */
export function prepareCountTest(column: Column, limit: number, what: string): PreparedFilter {
  return told(
    column,
    () => limit,
    what,
    () => '',
  );
}

/**
 * The same with a limit that the host's aggregates may give under `key`: the smallest of them; the option where none does
 * or one is no whole number.
 */
export function prepareAggregateCountTest(
  column: Column,
  option: number,
  what: string,
  key: string,
  columns: Columns,
): PreparedFilter {
  const given = new AggregateNumber(key, readInteger);
  const ofAggregates = (row: number) => given.of(columns.aggregatesOf(row));
  return told(
    column,
    (row) => ofAggregates(row) ?? option,
    what,
    (row) => (ofAggregates(row) === undefined ? '' : ' by aggregate'),
  );
}

function told(
  { values }: Column,
  limitOf: (row: number) => number,
  what: string,
  source: (row: number) => string,
): PreparedFilter {
  return {
    passes: (row) => (values[row] as number) < limitOf(row),
    reasonOf: () => 0,
    wordsOf: (row) => ({
      observed: `${values[row]} ${what}`,
      wanted: `fewer than ${limitOf(row)}${source(row)}`,
    }),
  };
}
