/** Claims as they come in, checked. Many of one call ask for the same: what is one object is checked once. */
import type { ClaimRequest } from '../../proto/gen/drover/v1/ClaimRequest.js';
import type { PlacementRequest } from '../../proto/gen/drover/v1/PlacementRequest.js';
import { asDroverError, type DroverError, invalid } from '../../proto/wire/errors.js';
import type { WantedClaim } from '../allocations/claims.js';
import { requestFrom } from '../catalog/request-from.js';
import type { CheckedRequest, KnownNames } from '../model/request.js';

interface Names {
  readonly names: KnownNames;
}

/** The claims of a call in their order; one that cannot be read is its error, which names it. `by`: who claims. */
export function wantedClaims(
  claims: readonly ClaimRequest[],
  by: string,
  catalog: Names,
): (WantedClaim | DroverError)[] {
  let given: PlacementRequest | null = null;
  let request: CheckedRequest | undefined;
  return claims.map((claim, index) => {
    try {
      if (request === undefined || claim.request !== given)
        request = requestFrom(claim.request, catalog, `claims[${index}].request`);
      given = claim.request;
      const seed = checkSeed(claim.seed, `claims[${index}].seed`);
      return { request, key: claim.idempotencyKey, by, seed };
    } catch (thrown) {
      return asDroverError(thrown);
    }
  });
}

/** Numbers beyond 2^53 are not what the client sent. Errors: `invalid-argument`. */
export function checkSeed(seed: number, field = 'seed'): number {
  if (Number.isSafeInteger(seed)) return seed;
  throw invalid(field, seed, 'a whole number below 2^53');
}
