/**
 * What would be where, if: the changes are made on a fork of the registry, and machines are placed there by the same search
 * as claims. The registry itself stays as it is.
 */
import type { Allocation } from '../../../proto/gen/drover/v1/Allocation.js';
import type { SimulatedPlacement } from '../../../proto/gen/drover/v1/SimulatedPlacement.js';
import type { SimulatedResultInput } from '../../../proto/gen/drover/v1/SimulatedResult.js';
import type { SimulateRequest } from '../../../proto/gen/drover/v1/SimulateRequest.js';
import type { SimulateResponseInput } from '../../../proto/gen/drover/v1/SimulateResponse.js';
import type { PlacementRequest } from '../../../proto/gen/drover/v1/PlacementRequest.js';
import { forkRegistry } from '../../fleet/registry-fork.js';
import type { Registry } from '../../fleet/registry.js';
import { type CheckedRequest, checkRequest } from '../../model/request.js';
import type { SchedulerSettings } from '../../model/scheduler-settings.js';
import { type Rules, rulesOf } from '../select.js';
import { type AllocationsOf, applyChange } from './changes.js';
import { checkSimulation } from './check.js';
import { requestOf } from './drained.js';
import { headroomMessage, headroomOf } from './headroom.js';
import { Placer } from './placer.js';
import { Reasons } from './reasons.js';

export interface SimulationParts {
  readonly registry: Registry;
  readonly rules: Rules;
  readonly allocationsOf: AllocationsOf;
  /** The settings in force with some others. Errors: `invalid-argument` naming the setting below `field`. */
  readonly settingsWith: (changes: Readonly<Record<string, string>>, field: string) => SchedulerSettings;
  /** The checked form of a request; amounts only where not given. */
  readonly requestFrom?: (request: PlacementRequest | null, field: string) => CheckedRequest;
}

/** Names of hosts in a result. */
const mostHosts = 100;
/**
 * The simulation, which stops after each machine that was placed or refused, so that whoever runs it can let others have
 * their turn. Errors: `invalid-argument` and `not-found` naming the field, before anything is placed.
 */
export function* simulation(
  parts: SimulationParts,
  request: SimulateRequest,
): Generator<void, SimulateResponseInput, void> {
  checkSimulation(request);
  const wanted = request.placements.map((placement, index) => wantedOf(parts, placement, index));
  const fork = forkRegistry(parts.registry);
  const { revision } = fork;
  const rules = rulesAfter(parts, request);
  const before = headroomOf(fork.columns);
  const displaced = yield* changeAll(fork, request, parts);
  const placer = new Placer(fork, rules, request.seed);
  let drained = 0;
  for (const allocation of displaced) {
    if (placer.place(requestOf(allocation)) !== undefined) drained++;
    yield;
  }
  const results: SimulatedResultInput[] = [];
  const why = new Reasons(fork, rules);
  for (const each of wanted) results.push(yield* placeEach(placer, each, why));
  return {
    revision,
    seed: request.seed,
    hosts: fork.size,
    placed: sumOf(results, 'placed'),
    refused: sumOf(results, 'refused'),
    results,
    headroom: headroomMessage(before, headroomOf(fork.columns)),
    drained,
    stranded: displaced.length - drained,
  };
}

/** Every change, each in a turn of its own: one may touch every host. Answers the allocations that lost their host. */
function* changeAll(
  fork: Registry,
  { changes }: SimulateRequest,
  { allocationsOf }: SimulationParts,
): Generator<void, Allocation[], void> {
  const displaced: Allocation[] = [];
  for (const [index, change] of changes.entries()) {
    for (const allocation of applyChange(fork, change, `changes[${index}]`, allocationsOf))
      displaced.push(allocation);
    yield;
  }
  return displaced;
}

/** The simulation in one go. */
export function simulate(parts: SimulationParts, request: SimulateRequest): SimulateResponseInput {
  const running = simulation(parts, request);
  for (;;) {
    const { done, value } = running.next();
    if (done) return value;
  }
}

/** Every setting of every change, the later ones over the earlier. */
function rulesAfter({ rules, settingsWith }: SimulationParts, { changes }: SimulateRequest): Rules {
  let settings: Record<string, string> = {};
  let after = rules;
  for (const [index, change] of changes.entries()) {
    if (Object.keys(change.settings).length === 0) continue;
    settings = { ...settings, ...change.settings };
    after = rulesOf(settingsWith(settings, `changes[${index}].settings`));
  }
  return after;
}

interface Wanted {
  readonly request: CheckedRequest;
  readonly count: number;
}

function wantedOf(
  { requestFrom }: SimulationParts,
  { request, count }: SimulatedPlacement,
  index: number,
): Wanted {
  const field = `placements[${index}].request`;
  const checked = requestFrom ? requestFrom(request, field) : checkRequest(request, field);
  return { request: checked, count: count || 1 };
}

/** A refused request is not tried again: what is left does not grow. */
function* placeEach(
  placer: Placer,
  { request, count }: Wanted,
  why: Reasons,
): Generator<void, SimulatedResultInput, void> {
  const hosts = new Map<string, number>();
  let placed = 0;
  for (; placed < count; placed++) {
    const host = placer.place(request);
    yield;
    if (host === undefined) break;
    hosts.set(host, (hosts.get(host) ?? 0) + 1);
  }
  const refused = count - placed;
  const text = refused === 0 ? '' : why.of(placer.asIsNow(request));
  const busiest = [...hosts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, mostHosts);
  return { placed, refused, why: text, hosts: Object.fromEntries(busiest) };
}

function sumOf(results: readonly SimulatedResultInput[], key: 'placed' | 'refused'): number {
  let sum = 0;
  for (const result of results) sum += result[key] ?? 0;
  return sum;
}
