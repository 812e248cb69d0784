/** The state of systemd units. */
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { BusOptions } from './bus.js';
import { callBus } from './bus.js';

/** Units asked for at once. */
const maximumUnits = 256;

/** A unit as ListUnitsByNames gives it: name, description, LoadState, ActiveState, and more that is not used. */
type UnitRow = readonly [
  name: string,
  description: string,
  loadState: string,
  activeState: string,
  ...rest: unknown[],
];

/**
 * Unit name to its ActiveState (active, reloading, inactive, failed, activating, deactivating). Units that are not installed
 * are left out; empty where no systemd answers on the bus. Source: org.freedesktop.systemd1(5), ListUnitsByNames.
 * Errors: `invalid-argument` for over 256 names; those of `callBus` other than `unavailable`.
 */
export async function unitStates(
  names: readonly string[],
  options: BusOptions = {},
): Promise<Record<string, string>> {
  if (names.length > maximumUnits) throw invalid('units', `${names.length} names`, `at most ${maximumUnits}`);
  if (names.length === 0) return {};
  const rows = await listUnits(names, options);
  return Object.fromEntries(rows.filter((row) => row[2] !== 'not-found').map((row) => [row[0], row[3]]));
}

async function listUnits(names: readonly string[], options: BusOptions): Promise<readonly UnitRow[]> {
  const manager = {
    destination: 'org.freedesktop.systemd1',
    path: '/org/freedesktop/systemd1',
    interface: 'org.freedesktop.systemd1.Manager',
  };
  try {
    const [rows] = await callBus(
      { ...manager, member: 'ListUnitsByNames', signature: 'as', body: [[...names]] },
      options,
    );
    return rows as readonly UnitRow[];
  } catch (thrown) {
    if (thrown instanceof DroverError && thrown.code === 'unavailable') return [];
    throw thrown;
  }
}
