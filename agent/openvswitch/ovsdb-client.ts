/** Transactions on Open vSwitch's database with conditions (RFC 7047, section 5.2), through ovsdb-client(1). */
import { DroverError } from '../../proto/wire/errors.js';
import { parseRow } from './ovsdb-json.js';
import { checkTimeout, execute, type VsctlOptions } from './vsctl.js';

/** One operation as RFC 7047 writes it: `{ op: 'select', table, where, columns }`. */
export type Operation = Readonly<Record<string, unknown>>;

export interface OperationResult {
  /** Rows of a `select`, with values as `parseTable` has them. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Rows that an `update`, `mutate` or `delete` met. */
  readonly count: number;
}

/** Most bytes of one transaction: the kernel takes no longer word of a command line (MAX_ARG_STRLEN, 128 KiB). */
export const maximumTransactionBytes = 120 * 1024;

/**
 * Runs all operations or none, and answers one result for each. Unlike ovs-vsctl it gives up at once when a condition does
 * not hold, and does not wait for ovs-vswitchd. Errors: `stale-revision` when a `wait` did not hold, so nothing was changed;
 * `failed-precondition` with the database's own words; `resource-exhausted` over the limit; else those of `Vsctl`.
 */
export function ovsdbTransact(
  options: VsctlOptions = {},
): (operations: readonly Operation[]) => Promise<OperationResult[]> {
  const { client = 'ovsdb-client', database, timeoutSeconds = 5 } = options;
  checkTimeout(timeoutSeconds);
  const words = [`--timeout=${timeoutSeconds}`, 'transact', ...(database === undefined ? [] : [database])];
  return async (operations) => {
    const text = JSON.stringify(['Open_vSwitch', ...operations]);
    checkLength(text);
    const errand = { tool: 'ovsdb-client', what: summary(operations) };
    return readResults(await execute(client, [...words, text], timeoutSeconds, errand), errand.what);
  };
}

function checkLength(text: string): void {
  if (Buffer.byteLength(text) > maximumTransactionBytes)
    throw new DroverError('resource-exhausted', `a transaction of over ${maximumTransactionBytes} bytes`);
}

function summary(operations: readonly Operation[]): string {
  return [...new Set(operations.map(({ op, table }) => `${String(op)} ${String(table)}`))].join(', ');
}

function readResults(text: string, what: string): OperationResult[] {
  const results = parseResults(text);
  const failed = results.find((result) => result?.['error'] !== undefined);
  if (failed?.['error'] === 'timed out')
    throw new DroverError('stale-revision', `${what}: the rows have changed meanwhile`, {
      field: 'openvswitch',
    });
  if (failed)
    throw new DroverError(
      'failed-precondition',
      `${what}: ${wordsOf(failed['error'])}: ${wordsOf(failed['details'])}`,
      { field: 'openvswitch' },
    );
  return results.map((result) => ({
    rows: ((result?.['rows'] ?? []) as Record<string, unknown>[]).map(parseRow),
    count: Number(result?.['count'] ?? 0),
  }));
}

function wordsOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

/** Operations after one that failed have null. */
function parseResults(text: string): (Record<string, unknown> | null)[] {
  try {
    const results: unknown = JSON.parse(text);
    if (Array.isArray(results)) return results as (Record<string, unknown> | null)[];
  } catch {
    // said below
  }
  throw new DroverError('failed-precondition', `ovsdb-client gave no results: ${text.slice(0, 80)}`, {
    field: 'openvswitch',
  });
}
