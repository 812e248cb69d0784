/** What systemd and logind really go by, read from them and not from files: limits, states and order of units. */
import { DroverError } from '../../proto/wire/errors.js';
import type { BusOptions } from './bus.js';
import { connectBus, type BusConnection } from './bus-connection.js';
import { logindObject, propertyCall, propertyValue } from './logind.js';
import { managerObject } from './units.js';

export interface EffectiveLimits {
  /** How long logind waits for delay locks (InhibitDelayMaxUSec); undefined: no logind answers. */
  readonly inhibitDelayMaxMs: number | undefined;
  /** Of units that say nothing themselves (DefaultTimeoutStopUSec); undefined: no systemd answers. */
  readonly defaultTimeoutStopMs: number | undefined;
  /** Units that are installed, by name. */
  readonly units: Readonly<Record<string, EffectiveUnit>>;
}

export interface EffectiveUnit {
  readonly activeState: string;
  /** enabled, disabled, masked, static, …; empty: made at run time. */
  readonly fileState: string;
  /** Units that start before this one and stop after it: its own After=, and those whose Before= names it. Sorted. */
  readonly after: readonly string[];
  /** Services alone. Infinity: no limit. */
  readonly timeoutStopMs: number | undefined;
  /** Services alone: a command that runs when it is stopped. */
  readonly hasStopCommand: boolean;
}

export interface LimitsOptions extends BusOptions {
  /** At most 64. */
  readonly units: readonly string[];
}

const mostUnits = 64;

/**
 * Limits, states and order that are in force. A unit that is not installed is absent; without systemd, bus or logind the
 * fields are undefined and there are no units. Source: org.freedesktop.systemd1(5), org.freedesktop.login1(5).
 * Errors: `invalid-argument` for over 64 units; those of `callBus` but `unavailable`.
 */
export async function readLimits(options: LimitsOptions): Promise<EffectiveLimits> {
  const { units } = options;
  if (units.length > mostUnits)
    throw new DroverError('invalid-argument', `units: got ${units.length} names; want at most ${mostUnits}`);
  const nothing = { inhibitDelayMaxMs: undefined, defaultTimeoutStopMs: undefined, units: {} };
  const connection = await orNothing(
    connectBus({ ...options, onSignal: () => undefined, onLost: () => undefined }),
  );
  if (!connection) return nothing;
  try {
    const read = (object: BusObject, property: string) => readOn(connection, object, property);
    const logind = await orNothing(read(logindObject, 'InhibitDelayMaxUSec'));
    const stop = await orNothing(read(managerObject, 'DefaultTimeoutStopUSec'));
    return {
      inhibitDelayMaxMs: logind === undefined ? undefined : milliseconds(logind),
      defaultTimeoutStopMs: stop === undefined ? undefined : milliseconds(stop),
      units: stop === undefined ? {} : await readUnits(connection, units),
    };
  } finally {
    connection.close();
  }
}

type BusObject = { readonly destination: string; readonly path: string; readonly interface: string };

/** One unit after another: some milliseconds each, and never many questions at once. */
async function readUnits(
  connection: BusConnection,
  names: readonly string[],
): Promise<Record<string, EffectiveUnit>> {
  const [rows] = await connection.call({
    ...managerObject,
    member: 'ListUnitsByNames',
    signature: 'as',
    body: [[...names]],
  });
  const found: Record<string, EffectiveUnit> = {};
  for (const row of rows as readonly (readonly unknown[])[]) {
    const [name, , loadState, activeState] = row as readonly string[];
    if (name === undefined || loadState === 'not-found') continue;
    found[name] = await readUnit(connection, name, activeState ?? '', row[6] as string);
  }
  return found;
}

async function readUnit(
  connection: BusConnection,
  name: string,
  activeState: string,
  path: string,
): Promise<EffectiveUnit> {
  const unit = {
    destination: managerObject.destination,
    path,
    interface: `${managerObject.destination}.Unit`,
  };
  const service = { ...unit, interface: `${managerObject.destination}.Service` };
  const isService = name.endsWith('.service');
  const read = (object: BusObject, property: string) => readOn(connection, object, property);
  const [fileState, after, timeout, commands] = await Promise.all([
    read(unit, 'UnitFileState'),
    read(unit, 'After'),
    isService ? read(service, 'TimeoutStopUSec') : undefined,
    isService ? read(service, 'ExecStop') : [],
  ]);
  return {
    activeState,
    fileState: fileState as string,
    after: (after as string[]).toSorted(),
    timeoutStopMs: timeout === undefined ? undefined : milliseconds(timeout),
    hasStopCommand: (commands as unknown[]).length > 0,
  };
}

async function readOn(connection: BusConnection, object: BusObject, property: string): Promise<unknown> {
  return propertyValue(await connection.call(propertyCall(object, property)));
}

/** systemd's word for no limit is UINT64_MAX. */
function milliseconds(microseconds: unknown): number {
  const value = BigInt(microseconds as bigint | number);
  return value >= 2n ** 64n - 1n ? Number.POSITIVE_INFINITY : Number(value / 1000n);
}

/** Undefined where nobody answers. */
async function orNothing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (thrown) {
    const codes: readonly string[] = ['unavailable', 'internal', 'unsupported'];
    if (thrown instanceof DroverError && codes.includes(thrown.code)) return undefined;
    throw thrown;
  }
}
