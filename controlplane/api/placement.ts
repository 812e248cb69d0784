/** The Placement service: translate, call, answer. */
import type { ClaimRequest } from '../../proto/gen/drover/v1/ClaimRequest.js';
import type { ClaimResponseInput } from '../../proto/gen/drover/v1/ClaimResponse.js';
import type { ExplainRequest } from '../../proto/gen/drover/v1/ExplainRequest.js';
import type { ExplainResponseInput } from '../../proto/gen/drover/v1/ExplainResponse.js';
import type { ListAllocationsRequest } from '../../proto/gen/drover/v1/ListAllocationsRequest.js';
import type { ListAllocationsResponseInput } from '../../proto/gen/drover/v1/ListAllocationsResponse.js';
import type { MoveRequest } from '../../proto/gen/drover/v1/MoveRequest.js';
import type { MoveResponseInput } from '../../proto/gen/drover/v1/MoveResponse.js';
import type { PlaceManyRequest } from '../../proto/gen/drover/v1/PlaceManyRequest.js';
import type { PlaceManyResponseInput } from '../../proto/gen/drover/v1/PlaceManyResponse.js';
import type { PlaceResultInput } from '../../proto/gen/drover/v1/PlaceResult.js';
import type { ReleaseRequest } from '../../proto/gen/drover/v1/ReleaseRequest.js';
import type { ReleaseResponseInput } from '../../proto/gen/drover/v1/ReleaseResponse.js';
import type { SelectDestinationsRequest } from '../../proto/gen/drover/v1/SelectDestinationsRequest.js';
import type { SelectDestinationsResponseInput } from '../../proto/gen/drover/v1/SelectDestinationsResponse.js';
import type { SimulateRequest } from '../../proto/gen/drover/v1/SimulateRequest.js';
import type { SimulateResponseInput } from '../../proto/gen/drover/v1/SimulateResponse.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { encoded } from '../../proto/wire/plain-encoder.js';
import type { Claimed, Claims, PlaceOutcome } from '../allocations/claims.js';
import type { Catalog } from '../catalog/catalog.js';
import { requestFrom } from '../catalog/request-from.js';
import type { Registry } from '../fleet/registry.js';
import { allocationBytes } from '../model/allocation-size.js';
import { text } from '../model/request-values.js';
import { explain } from '../placement/explain.js';
import { countFilters, select } from '../placement/select.js';
import { warningsOf } from '../placement/unfiltered.js';
import type { Caller } from './fleet.js';
import { page } from './page.js';
import { placeInTurns } from './place-many.js';
import { simulator } from './simulate.js';
import { checkSeed, wantedClaims } from './wanted-claims.js';

/** What requests may name, and the rules in force. */
export type PlacementCatalog = Pick<Catalog, 'names' | 'rules' | 'rulesWith'>;

export interface PlacementParts {
  readonly registry: Registry;
  readonly claims: Claims;
  readonly catalog: PlacementCatalog;
  /** Seeds of requests that bring none: whole numbers from 1. Absent: 1. */
  newSeed?(): number;
}

const mostAlternates = 100;
const explainLimits = { usual: 1_000, most: 10_000 } as const;

export function placementHandlers({ registry, claims, catalog, newSeed = () => 1 }: PlacementParts) {
  const simulate = simulator({ registry, claims, catalog });
  return {
    SelectDestinations: async (
      request: SelectDestinationsRequest,
    ): Promise<SelectDestinationsResponseInput> => {
      if (request.alternates > mostAlternates)
        throw invalid('alternates', request.alternates, `0 to ${mostAlternates}`);
      const wanted = requestFrom(request.request, catalog);
      const rules = catalog.rules();
      const seed = checkSeed(request.seed) || newSeed();
      const selection = select(registry, rules, wanted, request.alternates + 1, seed);
      return {
        ...selection,
        seed,
        destinations: [...selection.destinations],
        filters: countFilters(registry, rules, wanted),
        warnings: warningsOf(wanted, rules.settings),
      };
    },

    Claim: async (request: ClaimRequest, caller: Caller): Promise<ClaimResponseInput> => {
      const claimed = await claims.claim(
        requestFrom(request.request, catalog),
        request.idempotencyKey,
        caller.name,
        checkSeed(request.seed),
      );
      const { allocation, hostGeneration, existed } = claimed;
      return { allocation, hostGeneration, existed, ...encodedOf(claimed) };
    },

    PlaceMany: async (request: PlaceManyRequest, caller: Caller): Promise<PlaceManyResponseInput> => {
      const wanted = wantedClaims(request.claims, caller.name, catalog);
      const outcomes = await placeInTurns(claims, wanted, request.allOrNothing, registry.size);
      return { results: outcomes.map(resultOf) };
    },

    Release: async (request: ReleaseRequest): Promise<ReleaseResponseInput> => ({
      allocation: await claims.release(request.allocationId),
    }),

    Move: async (request: MoveRequest, caller: Caller): Promise<MoveResponseInput> =>
      claims.move({
        allocationId: request.allocationId,
        hostId: request.host === '' ? '' : hostIdOf(registry, request.host),
        key: request.idempotencyKey,
        by: caller.name,
        reason: text(request.reason, 'reason', 255),
      }),

    ListAllocations: async (request: ListAllocationsRequest): Promise<ListAllocationsResponseInput> => {
      const allocations = claims.list(request.host === '' ? undefined : hostIdOf(registry, request.host));
      const { items, nextPageToken, total } = page(
        allocations,
        request.pageSize,
        request.pageToken,
        ({ hostName, id }) => `${hostName}/${id}`,
        allocationBytes,
      );
      return { allocations: items, nextPageToken, total };
    },

    Explain: async (request: ExplainRequest): Promise<ExplainResponseInput> => {
      if (request.limit > explainLimits.most)
        throw invalid('limit', request.limit, `1 to ${explainLimits.most}`);
      const wanted = requestFrom(request.request, catalog);
      const rules = catalog.rules();
      const explanation = explain(registry, rules, wanted, request.limit || explainLimits.usual);
      const hosts = explanation.hosts.map((host) => ({ ...host, refusals: [...host.refusals] }));
      return {
        ...explanation,
        filters: [...explanation.filters],
        refusals: [...explanation.refusals],
        relaxations: [...explanation.relaxations],
        warnings: warningsOf(wanted, rules.settings),
        hosts,
      };
    },

    Simulate: async (request: SimulateRequest): Promise<SimulateResponseInput> =>
      simulate({ ...request, seed: checkSeed(request.seed) || newSeed() }),
  };
}

function resultOf(outcome: PlaceOutcome): PlaceResultInput & ReturnType<typeof encodedOf> {
  if ('error' in outcome) return { errorCode: outcome.error.code, error: outcome.error.message };
  const { allocation, stored } = outcome;
  return stored ? { allocation, [encoded]: { allocation: stored } } : { allocation };
}

/** The allocation's bytes as they were made for the store, which plain answers take as they are. */
function encodedOf({ stored }: Claimed): { readonly [encoded]?: { readonly allocation: Uint8Array } } {
  return stored ? { [encoded]: { allocation: stored } } : {};
}

/** Errors: `not-found`. */
function hostIdOf(registry: Registry, idOrName: string): string {
  const row = registry.rowOf(idOrName) ?? registry.rowOfName(idOrName);
  if (row === undefined)
    throw new DroverError('not-found', `host ${idOrName} is not known`, { field: 'host', value: idOrName });
  return registry.recordAt(row).id;
}
