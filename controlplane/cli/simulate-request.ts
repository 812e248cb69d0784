/** What is to be simulated, from options. A file says more: simulate-file.ts. */
import type { PlacementRequestInput } from '../../proto/gen/drover/v1/PlacementRequest.js';
import type { SimulatedChangeInput } from '../../proto/gen/drover/v1/SimulatedChange.js';
import type { SimulatedPlacementInput } from '../../proto/gen/drover/v1/SimulatedPlacement.js';
import type { SimulateRequestInput } from '../../proto/gen/drover/v1/SimulateRequest.js';
import { invalid } from '../../proto/wire/errors.js';
import { keyValues, ratio, sizeIn, wholeNumber } from './options.js';
import type { SimulateCall } from './simulate-options.js';

type Options = SimulateCall['options'];

const ratios = { cpu: 'cpuAllocationRatio', ram: 'ramAllocationRatio', disk: 'diskAllocationRatio' } as const;

/** Changes in the order ratios, hosts, settings, drains: what drained hosts held finds the rest as it will be. */
export function simulationOf(options: Options): SimulateRequestInput {
  const changes = [
    ...ratioChanges(options),
    ...addedHosts(options),
    ...settingChanges(options),
    ...drains(options),
  ];
  const placements = placementsOf(options);
  const seed = wholeNumber('--seed', options.seed, 1, Number.MAX_SAFE_INTEGER) ?? 0;
  return { changes, placements, seed };
}

function ratioChanges({ ratio: pairs, ratioZone, ratioAggregate }: Options): SimulatedChangeInput[] {
  const named = keyValues('--ratio', pairs);
  const wrong = Object.keys(named).find((key) => !Object.hasOwn(ratios, key));
  if (wrong !== undefined) throw invalid('--ratio', wrong, 'cpu, ram or disk with its ratio, such as cpu=6');
  const isNarrowed = ratioZone !== undefined || ratioAggregate !== undefined;
  if (pairs.length === 0 && isNarrowed)
    throw invalid('--ratio', 'nothing', 'a ratio for the hosts that are named, such as --ratio cpu=6');
  if (pairs.length === 0) return [];
  const overcommit: Partial<Record<(typeof ratios)[keyof typeof ratios], number>> = {};
  for (const [key, text] of Object.entries(named))
    overcommit[ratios[key as keyof typeof ratios]] = ratio('--ratio', text) ?? 0;
  const hosts = { availabilityZone: ratioZone ?? '', aggregate: ratioAggregate ?? '' };
  return [{ overcommit: { hosts, ...overcommit } }];
}

function addedHosts({ addHosts, like }: Options): SimulatedChangeInput[] {
  const count = wholeNumber('--add-hosts', addHosts, 1, 10_000);
  if (count === undefined && like === undefined) return [];
  if (count === undefined) throw invalid('--add-hosts', 'nothing', 'how many hosts, beside --like');
  if (like === undefined) throw invalid('--like', 'nothing', 'the host that they are like');
  return [{ addHosts: { count, likeHost: like } }];
}

function settingChanges({ setting }: Options): SimulatedChangeInput[] {
  return setting.length === 0 ? [] : [{ settings: keyValues('--setting', setting) }];
}

function drains({ drainZone, drainAggregate, drainHost }: Options): SimulatedChangeInput[] {
  return [
    ...drainZone.map((availabilityZone) => ({ drain: { availabilityZone } })),
    ...drainAggregate.map((aggregate) => ({ drain: { aggregate } })),
    ...(drainHost.length === 0 ? [] : [{ drain: { hosts: drainHost } }]),
  ];
}

function placementsOf(options: Options): SimulatedPlacementInput[] {
  const count = wholeNumber('--count', options.count, 1, 10_000);
  const request = requestOf(options);
  if (request) return [{ request, count: count ?? 1 }];
  if (count !== undefined || options.zone !== undefined)
    throw invalid('--flavor', 'nothing', 'what to place: --flavor, or --vcpus and --memory');
  return [];
}

function requestOf({ flavor, vcpus, memory, zone }: Options): PlacementRequestInput | undefined {
  const availabilityZone = zone ?? '';
  if (flavor !== undefined) return { flavor, availabilityZone };
  if (vcpus === undefined && memory === undefined) return undefined;
  return {
    vcpus: wholeNumber('--vcpus', vcpus ?? '', 1, 65_536) ?? 0,
    memoryMb: sizeIn(2 ** 20, '--memory', memory ?? '', '8GiB or 512MiB') ?? 0,
    availabilityZone,
  };
}
