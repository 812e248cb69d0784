/** Simulations for whoever asks: a few at once, in turns with everything else, each within a budget. */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { SimulateRequest } from '../../proto/gen/drover/v1/SimulateRequest.js';
import type { SimulateResponseInput } from '../../proto/gen/drover/v1/SimulateResponse.js';
import { DroverError } from '../../proto/wire/errors.js';
import type { Claims } from '../allocations/claims.js';
import type { Catalog } from '../catalog/catalog.js';
import { aliasNamed } from '../catalog/pci-aliases.js';
import { requestFrom } from '../catalog/request-from.js';
import type { Registry } from '../fleet/registry.js';
import type { AllocationsOf } from '../placement/simulate/changes.js';
import { simulateInTurns, type Turns } from '../placement/simulate/turns.js';

/** Simulations that run at once: each has a copy of the fleet, about 10 MB for 10,000 hosts. */
export const maximumSimulations = 4;

/** Others get their turn after 10 ms of work; 5 s of work are half of a call's deadline. */
export const simulationTurns: Turns = {
  now: () => performance.now(),
  pause: () => new Promise((resolve) => setImmediate(resolve)),
  turnMs: 10,
  budgetMs: 5_000,
};

export interface SimulatorParts {
  readonly registry: Registry;
  readonly claims: Pick<Claims, 'list'>;
  readonly catalog: Pick<Catalog, 'names' | 'rules' | 'rulesWith'>;
  readonly turns?: Turns;
}

/** The handler of Simulate, for requests that bring a seed. Errors: those of simulations; `resource-exhausted` over 4 at once. */
export function simulator(
  parts: SimulatorParts,
): (request: SimulateRequest) => Promise<SimulateResponseInput> {
  const { registry, claims, catalog, turns = simulationTurns } = parts;
  let running = 0;
  return async (request) => {
    if (running >= maximumSimulations) throw busy();
    running++;
    try {
      const known = namesAfter(catalog, request);
      const work = {
        registry,
        rules: catalog.rules(),
        allocationsOf: allocationsNow(claims, request),
        settingsWith: (changes: Readonly<Record<string, string>>, field: string) =>
          catalog.rulesWith(changes, field).settings,
        requestFrom: (given: Parameters<typeof requestFrom>[0], field: string) =>
          requestFrom(given, known, field),
      };
      return await simulateInTurns(work, request, turns);
    } finally {
      running--;
    }
  };
}

/** Allocations as they are now, where a drain is not in the first turn: by then the fleet has gone on. */
function allocationsNow(claims: Pick<Claims, 'list'>, { changes }: SimulateRequest): AllocationsOf {
  if (!changes.some(({ drain }, index) => drain !== null && index > 0)) return (id) => claims.list(id);
  const byHost = new Map<string, Allocation[]>();
  for (const allocation of claims.list()) {
    const own = byHost.get(allocation.hostId);
    if (own) own.push(allocation);
    else byHost.set(allocation.hostId, [allocation]);
  }
  return (id) => byHost.get(id) ?? [];
}

/** What requests may name: also the zones of hosts that are added, and PCI aliases as the changes have them. */
function namesAfter(catalog: SimulatorParts['catalog'], { changes }: SimulateRequest) {
  const { names } = catalog;
  const zones = new Set(changes.map(({ addHosts }) => addHosts?.availabilityZone ?? ''));
  const checkZone = (zone: string, field: string): void => {
    if (!zones.has(zone)) names.checkZone(zone, field);
  };
  const index = changes.findLastIndex(({ settings }) => settings['pci.alias'] !== undefined);
  const alias: typeof names.alias = (name, field) => {
    const text = changes[index]?.settings['pci.alias'];
    if (text === undefined) return names.alias(name, field);
    const rules = catalog.rulesWith({ 'pci.alias': text }, `changes[${index}].settings`);
    return aliasNamed(rules.settings, name, field);
  };
  return { names: { ...names, checkZone, alias } };
}

function busy(): DroverError {
  const cure = 'try again in a moment';
  return new DroverError('resource-exhausted', `${maximumSimulations} simulations are running; ${cure}`, {
    field: 'simulations',
    cure,
  });
}
