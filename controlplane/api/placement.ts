/** The Placement service: translate, call, answer. */
import type { ClaimRequest } from '../../proto/gen/drover/v1/ClaimRequest.js';
import type { ClaimResponseInput } from '../../proto/gen/drover/v1/ClaimResponse.js';
import type { ExplainRequest } from '../../proto/gen/drover/v1/ExplainRequest.js';
import type { ExplainResponseInput } from '../../proto/gen/drover/v1/ExplainResponse.js';
import type { ListAllocationsRequest } from '../../proto/gen/drover/v1/ListAllocationsRequest.js';
import type { ListAllocationsResponseInput } from '../../proto/gen/drover/v1/ListAllocationsResponse.js';
import type { PlaceManyRequest } from '../../proto/gen/drover/v1/PlaceManyRequest.js';
import type { PlaceManyResponseInput } from '../../proto/gen/drover/v1/PlaceManyResponse.js';
import type { PlaceResultInput } from '../../proto/gen/drover/v1/PlaceResult.js';
import type { ReleaseRequest } from '../../proto/gen/drover/v1/ReleaseRequest.js';
import type { ReleaseResponseInput } from '../../proto/gen/drover/v1/ReleaseResponse.js';
import type { SelectDestinationsRequest } from '../../proto/gen/drover/v1/SelectDestinationsRequest.js';
import type { SelectDestinationsResponseInput } from '../../proto/gen/drover/v1/SelectDestinationsResponse.js';
import { asDroverError, DroverError, invalid } from '../../proto/wire/errors.js';
import type { Claims, PlaceOutcome, WantedClaim } from '../allocations/claims.js';
import type { Registry } from '../fleet/registry.js';
import { checkRequest } from '../model/request.js';
import { explain } from '../placement/explain.js';
import { countFilters, defaultRules, type Rules, select } from '../placement/select.js';
import type { Caller } from './fleet.js';
import { page } from './page.js';

export interface PlacementParts {
  readonly registry: Registry;
  readonly claims: Claims;
  readonly rules?: Rules;
}

const mostAlternates = 100;
const explainLimits = { usual: 1_000, most: 10_000 } as const;

export function placementHandlers({ registry, claims, rules = defaultRules }: PlacementParts) {
  return {
    SelectDestinations: async (
      request: SelectDestinationsRequest,
    ): Promise<SelectDestinationsResponseInput> => {
      if (request.alternates > mostAlternates)
        throw invalid('alternates', request.alternates, `0 to ${mostAlternates}`);
      const wanted = checkRequest(request.request);
      const selection = select(registry, rules, wanted, request.alternates + 1);
      return {
        ...selection,
        destinations: [...selection.destinations],
        filters: countFilters(registry, rules, wanted),
      };
    },

    Claim: async (request: ClaimRequest, caller: Caller): Promise<ClaimResponseInput> =>
      claims.claim(checkRequest(request.request), request.idempotencyKey, caller.name),

    PlaceMany: async (request: PlaceManyRequest, caller: Caller): Promise<PlaceManyResponseInput> => {
      const wanted = request.claims.map((claim, index) => wantedOf(claim, index, caller));
      return { results: (await claims.placeMany(wanted, request.allOrNothing)).map(resultOf) };
    },

    Release: async (request: ReleaseRequest): Promise<ReleaseResponseInput> => ({
      allocation: await claims.release(request.allocationId),
    }),

    ListAllocations: async (request: ListAllocationsRequest): Promise<ListAllocationsResponseInput> => {
      const allocations = claims.list(request.host === '' ? undefined : hostIdOf(registry, request.host));
      const { items, nextPageToken, total } = page(
        allocations,
        request.pageSize,
        request.pageToken,
        ({ hostName, id }) => `${hostName}/${id}`,
      );
      return { allocations: items, nextPageToken, total };
    },

    Explain: async (request: ExplainRequest): Promise<ExplainResponseInput> => {
      if (request.limit > explainLimits.most)
        throw invalid('limit', request.limit, `1 to ${explainLimits.most}`);
      const explanation = explain(
        registry,
        rules,
        checkRequest(request.request),
        request.limit || explainLimits.usual,
      );
      const hosts = explanation.hosts.map((host) => ({ ...host, refusals: [...host.refusals] }));
      return {
        ...explanation,
        filters: [...explanation.filters],
        refusals: [...explanation.refusals],
        hosts,
      };
    },
  };
}

function wantedOf(
  { request, idempotencyKey }: ClaimRequest,
  index: number,
  caller: Caller,
): WantedClaim | DroverError {
  try {
    return {
      request: checkRequest(request, `claims[${index}].request`),
      key: idempotencyKey,
      by: caller.name,
    };
  } catch (thrown) {
    return asDroverError(thrown);
  }
}

function resultOf(outcome: PlaceOutcome): PlaceResultInput {
  return 'error' in outcome
    ? { errorCode: outcome.error.code, error: outcome.error.message }
    : { allocation: outcome.allocation };
}

/** Errors: `not-found`. */
function hostIdOf(registry: Registry, idOrName: string): string {
  const row = registry.rowOf(idOrName) ?? registry.rowOfName(idOrName);
  if (row === undefined)
    throw new DroverError('not-found', `host ${idOrName} is not known`, { field: 'host', value: idOrName });
  return registry.recordAt(row).id;
}
