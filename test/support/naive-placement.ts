/**
 * Placement in the plainest shape, kept apart from the product's columns: hosts are objects that the test itself changes,
 * and all ten weighers are lists of numbers. What the columns remember between searches is not remembered here.
 */
import type { Aggregate } from '../../controlplane/model/aggregate.js';
import type { HostDetails } from '../../controlplane/model/host-details.js';
import type { CheckedRequest } from '../../controlplane/model/request.js';
import type { SchedulerSettings } from '../../controlplane/model/scheduler-settings.js';

export interface PlainAmounts {
  vcpus: number;
  memoryMb: number;
  diskMb: number;
}

/** A host as the test knows it. */
export interface PlainHost {
  readonly id: string;
  row: number;
  zone: string;
  up: boolean;
  enabled: boolean;
  forcedDown: boolean;
  total: PlainAmounts;
  ratio: PlainAmounts;
  reserved: PlainAmounts;
  allocated: PlainAmounts;
  unmanaged: PlainAmounts;
  ioOps: number;
  failedBuilds: number;
  details: HostDetails;
  aggregates: readonly Aggregate[];
  instances: Set<string>;
}

const kinds = ['vcpus', 'memoryMb', 'diskMb'] as const;
type Kind = (typeof kinds)[number];

/** Ratio in force: the host's own here, as every host of these tests sets it. Zones of aggregates stand above the host's. */
function zonesOf({ zone, aggregates }: PlainHost): readonly string[] {
  const given = aggregates.flatMap(({ metadata }) => metadata['availability_zone'] ?? []);
  return given.length > 0 ? given : [zone || 'nova'];
}

const taken = (host: PlainHost, kind: Kind): number => host.allocated[kind] + host.unmanaged[kind];
const used = (host: PlainHost, kind: Kind): number =>
  host.reserved[kind] + host.allocated[kind] + host.unmanaged[kind];

/** By AvailabilityZoneFilter, ComputeFilter, RamFilter, CoreFilter and DiskFilter. */
export function passesPlainly(host: PlainHost, request: CheckedRequest): boolean {
  if (request.availabilityZone !== '' && !zonesOf(host).includes(request.availabilityZone)) return false;
  if (!host.up || !host.enabled || host.forcedDown) return false;
  return kinds.every((kind) => {
    const amount = request[kind];
    if (kind === 'vcpus' && host.total.vcpus === 0) return true;
    const room = (host.total[kind] - host.reserved[kind]) * host.ratio[kind] - taken(host, kind);
    return amount <= host.total[kind] && amount <= room;
  });
}

interface PlainWeigher {
  readonly key: string;
  readonly multiplier: number;
  readonly sign?: -1;
  readonly floor?: number;
  /** undefined: the weigher asks nothing for this request. */
  raws(
    hosts: readonly PlainHost[],
    request: CheckedRequest,
    settings: SchedulerSettings,
  ): number[] | undefined;
}

const each =
  (raw: (host: PlainHost) => number) =>
  (hosts: readonly PlainHost[]): number[] =>
    hosts.map(raw);

const ofGroup =
  (policy: string, sign: number) =>
  (hosts: readonly PlainHost[], { group }: CheckedRequest): number[] | undefined =>
    group?.policy === policy
      ? hosts.map(
          ({ instances }) => sign * [...new Set(group.members)].filter((uuid) => instances.has(uuid)).length,
        )
      : undefined;

function metricsOf(host: PlainHost, settings: SchedulerSettings): number {
  let sum = 0;
  const key = 'metrics_weight_multiplier';
  const multiplier = overrideOf(host, key) ?? settings.weightMultipliers[key] ?? 1;
  for (const { name, ratio } of settings.metricRatios) {
    const metric = host.details.metrics.findLast((one) => one.name === name);
    if (metric) sum += metric.value * ratio;
    else if (ratio * multiplier !== 0) return settings.weightOfUnavailable;
  }
  return sum;
}

const devicesOf = (host: PlainHost): number =>
  (host.details.pciPools ?? []).reduce((sum, { count }) => sum + count, 0);

const plainWeighers: readonly PlainWeigher[] = [
  { key: 'ram', multiplier: 1, floor: 0, raws: each((host) => host.total.memoryMb - used(host, 'memoryMb')) },
  {
    key: 'cpu',
    multiplier: 1,
    floor: 0,
    raws: each((host) => host.total.vcpus * host.ratio.vcpus - used(host, 'vcpus')),
  },
  { key: 'disk', multiplier: 1, floor: 0, raws: each((host) => host.total.diskMb - used(host, 'diskMb')) },
  { key: 'io_ops', multiplier: -1, floor: 0, raws: each(({ ioOps }) => ioOps) },
  {
    key: 'metrics',
    multiplier: 1,
    raws: (hosts, _request, settings) =>
      settings.metricRatios.length === 0 ? undefined : hosts.map((host) => metricsOf(host, settings)),
  },
  { key: 'pci', multiplier: 1, raws: each((host) => 100 - Math.min(devicesOf(host), 99)) },
  { key: 'soft_affinity', multiplier: 1, raws: ofGroup('soft-affinity', 1) },
  { key: 'soft_anti_affinity', multiplier: 1, raws: ofGroup('soft-anti-affinity', -1) },
  { key: 'build_failure', multiplier: 1_000_000, sign: -1, raws: each(({ failedBuilds }) => failedBuilds) },
  {
    key: 'cross_cell_move',
    multiplier: 1_000_000,
    raws: (hosts, { destination }) =>
      destination?.cellUuid && destination.allowCrossCellMove
        ? hosts.map(({ details }) => (details.cellUuid === destination.cellUuid ? 1 : -1))
        : undefined,
  },
];

/** The smallest number that the aggregates give; none where one of them is no number. */
function overrideOf({ aggregates }: PlainHost, key: string): number | undefined {
  const texts = aggregates.flatMap(({ metadata }) => metadata[key] ?? []);
  const numbers = texts.map(Number);
  return numbers.length > 0 && numbers.every(Number.isFinite) ? Math.min(...numbers) : undefined;
}

/** The best `count` hosts, equals by row. */
export function plainSearch(
  hosts: readonly PlainHost[],
  request: CheckedRequest,
  count: number,
  settings: SchedulerSettings,
): { row: number; weight: number }[] {
  const left = hosts.filter((host) => passesPlainly(host, request)).toSorted((a, b) => a.row - b.row);
  const weights = left.map(() => 0);
  for (const { key, multiplier, sign = 1, floor, raws } of left.length > 1 ? plainWeighers : []) {
    const name = `${key}_weight_multiplier`;
    const raw = raws(left, request, settings)?.map((one) => Math.max(one, floor ?? -Infinity));
    if (!raw) continue;
    const low = floor ?? Math.min(...raw);
    const high = Math.max(low, ...raw);
    if (high === low) continue;
    for (const [index, host] of left.entries()) {
      const own = overrideOf(host, name) ?? settings.weightMultipliers[name] ?? multiplier;
      weights[index] =
        (weights[index] as number) + sign * own * (((raw[index] as number) - low) / (high - low));
    }
  }
  return left
    .map(({ row }, index) => ({ row, weight: weights[index] as number }))
    .toSorted((a, b) => b.weight - a.weight || a.row - b.row)
    .slice(0, count);
}
