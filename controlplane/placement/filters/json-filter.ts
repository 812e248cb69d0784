import { invalid } from '../../../proto/wire/errors.js';
import { countRows } from '../../fleet/registry-columns.js';
import type { Columns } from '../../fleet/registry-resources.js';
import { hostVariable } from '../requirements/host-variables.js';
import { type Answer, type JsonQuery, raised, readJsonQuery } from '../requirements/json-query.js';
import { isList, isTruthy } from '../requirements/json-values.js';
import { valueText } from '../../model/python-text.js';
import { asksNothing, type Filter } from './filter.js';

const field = 'scheduler_hints.query';

/**
 * Terms that one query may ask of the whole fleet, terms times hosts: 200 terms over 10,000 hosts, 20 over 100,000. Nobody
 * else is answered meanwhile; a term takes 40 ns where other programs share the core, so that is below 0.1 s.
 */
export const mostTermsAsked = 2_000_000;

/** The host meets the JSON query of the hint `query`. Nova `json_filter.py`. */
export const jsonFilter: Filter = {
  name: 'JsonFilter',
  reasons: ['query-false', 'query-failed'],
  prepare: ({ hints }, columns) => {
    const text = textOf(hints['query'] ?? []);
    if (text === '') return asksNothing;
    const query = readJsonQuery(text, (path) => hostVariable(columns, path));
    checkBudget(query, columns);
    const isRaised = (row: number) => query.ask(row) === raised;
    return {
      passes: (row) => isMet(query.ask(row)),
      reasonOf: (row) => (isRaised(row) ? 1 : 0),
      wordsOf: (row) => ({
        observed: `${variablesInWords(query, columns, row)}${isRaised(row) ? ', which cannot be compared' : ''}`,
        wanted: shortened(text),
      }),
    };
  },
};

function textOf(values: readonly string[]): string {
  if (values.length > 1) throw invalid(field, `${values.length} values`, 'one JSON text');
  return values[0] ?? '';
}

function checkBudget({ terms }: JsonQuery, { present }: Columns): void {
  const hosts = countRows(present);
  if (terms * hosts <= mostTermsAsked) return;
  const most = Math.floor(mostTermsAsked / hosts);
  throw invalid(
    field,
    `${terms} terms for each of ${hosts} hosts`,
    `at most ${most} terms for so many hosts`,
  );
}

/** A list is met when one of its values is true. */
function isMet(answer: Answer): boolean {
  if (answer === raised) return false;
  return isList(answer) ? answer.some(isTruthy) : isTruthy(answer);
}

function variablesInWords({ variables }: JsonQuery, columns: Columns, row: number): string {
  const shown = variables.slice(0, 8).map((name) => {
    const value = hostVariable(columns, name.split('.'))(row);
    const isTold = value !== raised && value !== null && value !== undefined;
    return `${name || 'a variable without a name'} ${isTold ? shortened(valueText(value)) : 'not told'}`;
  });
  return shown.length > 0 ? shown.join(', ') : 'nothing of the host is asked';
}

function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}
