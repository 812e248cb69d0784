/** Any table of Open vSwitch's database, and transactions on it, through ovs-vsctl(8). */
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { ovsdbTransact, type Operation, type OperationResult } from './ovsdb-client.js';
import { parseTable } from './ovsdb-json.js';
import { ovsVsctl, type VsctlOptions } from './vsctl.js';

/** Errors of both calls as in `Vsctl`. */
export interface OvsDatabase {
  /** Rows of a table with these columns, decoded as `parseTable` does. */
  list(table: string, columns: readonly string[]): Promise<Record<string, unknown>[]>;
  /** One transaction: all commands or none. Waits until ovs-vswitchd has taken it over. */
  run(commands: readonly (readonly string[])[]): Promise<void>;
  /** See `ovsdbTransact`: one transaction with conditions, which waits for nobody. */
  transact(operations: readonly Operation[]): Promise<OperationResult[]>;
}

/** Most commands of one transaction, and most bytes of all their words: far below what a command line may have. */
export const maximumCommands = 256;
export const maximumCommandBytes = 128 * 1024;

/** Open vSwitch's configuration database. Errors: `invalid-argument` for a timeout that is no whole number of seconds. */
export function ovsDatabase(options: VsctlOptions = {}): OvsDatabase {
  const vsctl = ovsVsctl(options);
  return {
    transact: ovsdbTransact(options),
    list: async (table, columns) => {
      for (const word of [table, ...columns]) checkName(word);
      if (columns.length === 0) throw invalid('columns', '', 'at least one column');
      return parseTable(await vsctl(`--columns=${columns.join(',')}`, 'list', table));
    },
    run: async (commands) => {
      checkCommands(commands);
      if (commands.length > 0) await vsctl('--', ...commands.flatMap(withSeparator));
    },
  };
}

function withSeparator(command: readonly string[], index: number): string[] {
  return index === 0 ? [...command] : ['--', ...command];
}

/** Names of tables and columns in the database's schema. */
function checkName(word: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(word))
    throw invalid('openvswitch', word, 'the name of a table or column: letters, digits, "_"');
}

/** A word `--` would begin another command, and a NUL would end the word. */
function checkCommands(commands: readonly (readonly string[])[]): void {
  const words = commands.flat();
  if (commands.length > maximumCommands)
    throw new DroverError(
      'resource-exhausted',
      `${commands.length} commands in one transaction; at most ${maximumCommands}`,
    );
  if (words.reduce((sum, word) => sum + Buffer.byteLength(word), 0) > maximumCommandBytes)
    throw new DroverError('resource-exhausted', `a transaction of over ${maximumCommandBytes} bytes`);
  const bad =
    commands.find((command) => command.length === 0) ??
    words.find((word) => word === '--' || word.includes('\0'));
  if (bad !== undefined)
    throw invalid('openvswitch', String(bad), 'commands of at least one word, none of them "--"');
}
