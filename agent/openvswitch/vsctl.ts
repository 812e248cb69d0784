/** Open vSwitch's configuration database, through ovs-vsctl(8). */
import { execFile } from 'node:child_process';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { parseTable } from './ovsdb-json.js';

export interface VsctlOptions {
  /** The program; ovs-vsctl from the path. */
  readonly program?: string;
  /** The program for transactions with conditions; ovsdb-client from the path. */
  readonly client?: string;
  /** The database server, such as unix:/run/openvswitch/db.sock; absent: ovs-vsctl's own default. */
  readonly database?: string;
  /** How long ovs-vsctl may take; whole seconds, 5. */
  readonly timeoutSeconds?: number;
}

export type Datapath = 'system' | 'netdev';

export interface Bridge {
  readonly name: string;
  /** Empty: the default, `system`. */
  readonly datapath: string;
}

export interface OvsInterface {
  readonly name: string;
  /** Undefined: not assigned yet. -1: the device could not be opened. */
  readonly ofport: number | undefined;
  /** What is wrong with it, in Open vSwitch's words; empty: nothing. */
  readonly error: string;
  readonly externalIds: Readonly<Record<string, string>>;
}

/**
 * Every call is one run of ovs-vsctl. Errors: `unavailable` (not installed, or no database server), `deadline-exceeded`,
 * `failed-precondition` with ovs-vsctl's own words, `invalid-argument`.
 */
export interface Vsctl {
  /** Version of the installed Open vSwitch, `3.1.0`. Needs no database server. */
  version(): Promise<string>;
  bridges(): Promise<Bridge[]>;
  /** Makes a bridge, or leaves the one that is there with this datapath. Waits for ovs-vswitchd. */
  addBridge(name: string, datapath: Datapath): Promise<void>;
  /** Takes a bridge away; done when there is none. */
  deleteBridge(name: string): Promise<void>;
  interfaces(): Promise<OvsInterface[]>;
}

/** More than 40,000 interfaces as JSON. */
const maximumOutputBytes = 64 * 1024 * 1024;

/** One run of ovs-vsctl with these words; answers what it prints, tables as JSON. Errors: those of `Vsctl`. */
export type RunVsctl = (...words: string[]) => Promise<string>;

/** ovs-vsctl with its bounds. Errors: `invalid-argument` for a timeout that is no whole number of seconds. */
export function ovsVsctl(options: VsctlOptions = {}): RunVsctl {
  const { program = 'ovs-vsctl', database, timeoutSeconds = 5 } = options;
  checkTimeout(timeoutSeconds);
  const common = [
    `--timeout=${timeoutSeconds}`,
    '--format=json',
    ...(database === undefined ? [] : [`--db=${database}`]),
  ];
  return (...words) => execute(program, [...common, ...words], timeoutSeconds);
}

/** Errors: `invalid-argument` for what is no whole number of seconds. */
export function checkTimeout(timeoutSeconds: number): void {
  if (!Number.isInteger(timeoutSeconds) || timeoutSeconds < 1)
    throw invalid('timeoutSeconds', timeoutSeconds, 'whole seconds from 1');
}

/** ovs-vsctl behind `Vsctl`. Errors: `invalid-argument` for a timeout that is no whole number of seconds. */
export function vsctl(options: VsctlOptions = {}): Vsctl {
  const run = ovsVsctl(options);
  const list = async (table: string, columns: string) =>
    parseTable(await run(`--columns=${columns}`, 'list', table));
  return {
    version: async () => readVersion(await run('--version')),
    bridges: async () =>
      (await list('Bridge', 'name,datapath_type')).map((row) => ({
        name: String(row['name']),
        datapath: String(row['datapath_type']),
      })),
    addBridge: async (name, datapath) => {
      checkBridgeName(name);
      await run('--may-exist', 'add-br', name, '--', 'set', 'Bridge', name, `datapath_type=${datapath}`);
    },
    deleteBridge: async (name) => {
      checkBridgeName(name);
      await run('--if-exists', 'del-br', name);
    },
    interfaces: async () => (await list('Interface', 'name,ofport,error,external_ids')).map(toInterface),
  };
}

function toInterface(row: Record<string, unknown>): OvsInterface {
  const { name, ofport, error, external_ids: externalIds } = row;
  return {
    name: String(name),
    ofport: typeof ofport === 'number' ? ofport : undefined,
    error: typeof error === 'string' ? error : '',
    externalIds: externalIds as Record<string, string>,
  };
}

function readVersion(output: string): string {
  const version = /\(Open vSwitch\) (\S+)/.exec(output)?.[1];
  if (version === undefined)
    throw new DroverError('failed-precondition', `ovs-vsctl --version gave ${output.slice(0, 80)}`, {
      field: 'openvswitch',
    });
  return version;
}

/** A bridge is a network device too: at most 15 bytes (IFNAMSIZ), and never something that looks like an option. */
function checkBridgeName(name: string): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,14}$/.test(name))
    throw invalid('bridge', name, '1 to 15 letters, digits, ".", "_", "-"');
}

/** The second bound, for an ovs-vsctl that its own alarm does not end. */
const graceMs = 1_000;

/** What an error names: the tool, and what it was to do. */
export interface Errand {
  readonly tool: string;
  readonly what: string;
}

/** One run of one of Open vSwitch's programs, which ends itself after `timeoutSeconds`. Errors: those of `Vsctl`. */
export function execute(
  program: string,
  words: string[],
  timeoutSeconds: number,
  errand: Errand = { tool: 'ovs-vsctl', what: plainWords(words) },
): Promise<string> {
  const limits = {
    timeout: timeoutSeconds * 1_000 + graceMs,
    killSignal: 'SIGKILL',
    maxBuffer: maximumOutputBytes,
  } as const;
  return new Promise((resolve, reject) => {
    execFile(program, words, limits, (error, stdout, stderr) =>
      error ? reject(asVsctlError(program, errand, error, stderr)) : resolve(stdout),
    );
  });
}

function plainWords(words: readonly string[]): string {
  return words.filter((word) => !word.startsWith('--')).join(' ') || 'version';
}

function asVsctlError(
  program: string,
  { tool, what }: Errand,
  error: Error & { code?: unknown; signal?: unknown },
  stderr: string,
): DroverError {
  const said = stderr.trim().replace(/^(?:\S+\|)?(?:ovs-vsctl|ovsdb-client): /, '');
  const detail = { field: 'openvswitch', value: what, cause: error };
  if (error.code === 'ENOENT') {
    return new DroverError('unavailable', `${program} is not installed; install openvswitch-switch`, {
      ...detail,
      cure: 'the package openvswitch-switch',
    });
  }
  // Its own alarm ends ovs-vsctl with SIGALRM, which it may turn into the words "fatal signal 14".
  const late = error.signal === 'SIGALRM' || error.signal === 'SIGKILL' || said.includes('fatal signal 14');
  if (late) return new DroverError('deadline-exceeded', `${tool} ${what}: no answer in time`, detail);
  const isAway = /database connection failed|failed to connect to|connection (reset|refused|closed)/i.test(
    said,
  );
  const code = isAway ? 'unavailable' : 'failed-precondition';
  return new DroverError(code, `${tool} ${what}: ${said || error.message}`, detail);
}
