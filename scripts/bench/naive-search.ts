/**
 * The same search in the shape that schedulers usually have, Nova among them: a list of host objects, a closure for each
 * filter, a list of weights for each weigher, normalised from lowest to highest, added up and sorted. For comparison.
 */
import { hasBit, rowsOf } from '../../controlplane/fleet/registry-columns.js';
import type { Registry } from '../../controlplane/fleet/registry.js';
import type { CheckedRequest } from '../../controlplane/model/request.js';
import type { SchedulerSettings } from '../../controlplane/model/scheduler-settings.js';

/** A host with what the default filters and weighers ask for. */
export interface HostState {
  readonly row: number;
  readonly name: string;
  readonly zones: readonly string[];
  readonly isUp: boolean;
  readonly isEnabled: boolean;
  readonly total: Amounts;
  readonly ratio: Amounts;
  readonly reserved: Amounts;
  readonly taken: Amounts;
  readonly ioOps: number;
  readonly failedBuilds: number;
  readonly multipliers: Readonly<Record<string, number>>;
}

interface Amounts {
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly diskMb: number;
}

const resources = ['vcpus', 'memoryMb', 'diskMb'] as const;

/** Every host of a registry as an object, by row. */
export function hostStates({ columns }: Registry): HostState[] {
  const amounts = (of: (resource: (typeof resources)[number]) => number): Amounts => ({
    vcpus: of('vcpus'),
    memoryMb: of('memoryMb'),
    diskMb: of('diskMb'),
  });
  return rowsOf(columns.present).map((row) => ({
    row,
    name: columns.records[row]?.name ?? '',
    zones: columns.zonesByRow[row] ?? [],
    isUp: hasBit(columns.up, row) && hasBit(columns.controllable, row) && !hasBit(columns.forcedDown, row),
    isEnabled: hasBit(columns.enabled, row),
    total: amounts((resource) => columns[resource].total[row] as number),
    ratio: amounts((resource) => columns[resource].ratio[row] as number),
    reserved: amounts((resource) => columns[resource].reserved[row] as number),
    taken: amounts(
      (resource) =>
        (columns[resource].allocated[row] as number) + (columns[resource].unmanaged[row] as number),
    ),
    ioOps: columns.ioOps.values[row] as number,
    failedBuilds: columns.failedBuilds.values[row] as number,
    multipliers: Object.fromEntries(
      [...columns.multipliers]
        .map(([key, values]): [string, number] => [key, values[row] as number])
        .filter(([, value]) => !Number.isNaN(value)),
    ),
  }));
}

type Test = (host: HostState, request: CheckedRequest) => boolean;

function fits(resource: (typeof resources)[number], unknownPasses: boolean): Test {
  return ({ total, ratio, reserved, taken }, request) => {
    const amount = request[resource];
    if (total[resource] === 0 && unknownPasses) return true;
    if (amount > total[resource]) return false;
    return (total[resource] - reserved[resource]) * ratio[resource] - taken[resource] >= amount;
  };
}

const tests: readonly Test[] = [
  ({ zones }, { availabilityZone }) => availabilityZone === '' || zones.includes(availabilityZone),
  ({ isUp, isEnabled }) => isUp && isEnabled,
  fits('memoryMb', false),
  fits('vcpus', true),
  fits('diskMb', false),
];

interface NaiveWeigher {
  readonly key: string;
  readonly multiplier: number;
  readonly sign: 1 | -1;
  readonly floor: number | undefined;
  readonly raw: (host: HostState) => number;
}

const used = (host: HostState, resource: (typeof resources)[number]): number =>
  host.reserved[resource] + host.taken[resource];
const free = (host: HostState, resource: (typeof resources)[number]): number =>
  host.total[resource] - used(host, resource);

const weighers: readonly NaiveWeigher[] = [
  { key: 'ram', multiplier: 1, sign: 1, floor: 0, raw: (host) => free(host, 'memoryMb') },
  {
    key: 'cpu',
    multiplier: 1,
    sign: 1,
    floor: 0,
    raw: (host) => host.total.vcpus * host.ratio.vcpus - used(host, 'vcpus'),
  },
  { key: 'disk', multiplier: 1, sign: 1, floor: 0, raw: (host) => free(host, 'diskMb') },
  { key: 'io_ops', multiplier: -1, sign: 1, floor: 0, raw: (host) => host.ioOps },
  {
    key: 'build_failure',
    multiplier: 1_000_000,
    sign: -1,
    floor: undefined,
    raw: (host) => host.failedBuilds,
  },
];

export interface WeighedHost {
  readonly row: number;
  readonly weight: number;
}

/** The best `count` hosts by Nova's default filters and weighers, equals by row. */
export function naiveSearch(
  hosts: readonly HostState[],
  request: CheckedRequest,
  count: number,
  { weightMultipliers }: Pick<SchedulerSettings, 'weightMultipliers'>,
): WeighedHost[] {
  const left = tests.reduce((some, test) => some.filter((host) => test(host, request)), hosts);
  const weighed = left.map((host) => ({ row: host.row, weight: 0, host }));
  for (const weigher of left.length > 1 ? weighers : []) {
    const normal = normalised(left.map(weigher.raw), weigher.floor);
    const key = `${weigher.key}_weight_multiplier`;
    const option = weightMultipliers[key] ?? weigher.multiplier;
    for (const [index, one] of weighed.entries())
      one.weight += weigher.sign * (one.host.multipliers[key] ?? option) * (normal[index] as number);
  }
  return weighed
    .toSorted((a, b) => b.weight - a.weight || a.row - b.row)
    .slice(0, count)
    .map(({ row, weight }) => ({ row, weight }));
}

/** From the floor, or the lowest, to the highest: 0 to 1. */
function normalised(raw: readonly number[], floor: number | undefined): number[] {
  const clamped = floor === undefined ? raw : raw.map((value) => Math.max(value, floor));
  let [low, high] = [floor ?? Infinity, floor ?? -Infinity];
  for (const value of clamped) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return clamped.map((value) => (high === low ? 0 : (value - low) / (high - low)));
}
