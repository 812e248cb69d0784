/** The state of systemd units. */
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { BusOptions } from './bus.js';
import { callBus } from './bus.js';

/** Units asked for at once. */
const maximumUnits = 256;

/** A unit as ListUnitsByNames gives it (org.freedesktop.systemd1(5)). */
type UnitRow = readonly [
  name: string,
  description: string,
  loadState: string,
  activeState: string,
  subState: string,
  following: string,
  path: string,
  jobId: number,
  ...rest: unknown[],
];

export interface Unit {
  /** active, reloading, inactive, failed, activating, deactivating */
  readonly activeState: string;
  /** A job of systemd for it is queued or runs. */
  readonly isBusy: boolean;
}

/** The object of systemd that lists and drives units. */
export const managerObject = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
} as const;

/**
 * Unit name to its ActiveState (active, reloading, inactive, failed, activating, deactivating). Units that are not installed
 * are left out; empty where no systemd answers on the bus. Source: org.freedesktop.systemd1(5), ListUnitsByNames.
 * Errors: `invalid-argument` for over 256 names; those of `callBus` other than `unavailable`.
 */
export async function unitStates(
  names: readonly string[],
  options: BusOptions = {},
): Promise<Record<string, string>> {
  const units = await listUnits(names, options).catch((thrown: unknown) => {
    if (thrown instanceof DroverError && thrown.code === 'unavailable') return new Map<string, Unit>();
    throw thrown;
  });
  return Object.fromEntries([...units].map(([name, { activeState }]) => [name, activeState]));
}

/**
 * Units that are installed, by name, and whether systemd is at work on them. Errors: `invalid-argument` for over 256
 * names; those of `callBus`.
 */
export async function listUnits(
  names: readonly string[],
  options: BusOptions = {},
): Promise<Map<string, Unit>> {
  if (names.length > maximumUnits) throw invalid('units', `${names.length} names`, `at most ${maximumUnits}`);
  if (names.length === 0) return new Map();
  const [rows] = await callBus(
    { ...managerObject, member: 'ListUnitsByNames', signature: 'as', body: [[...names]] },
    options,
  );
  const installed = (rows as readonly UnitRow[]).filter((row) => row[2] !== 'not-found');
  return new Map(installed.map((row) => [row[0], { activeState: row[3], isBusy: row[7] !== 0 }]));
}
