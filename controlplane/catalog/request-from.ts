/** A wire request against the catalog: flavor, server group and zone by name become what they stand for. */
import type { PlacementRequest } from '../../proto/gen/drover/v1/PlacementRequest.js';
import { type CheckedRequest, checkRequest, type KnownNames } from '../model/request.js';

/**
 * The checked form of a request, every limit kept and every name known. `field` is what errors call the request. Errors:
 * `invalid-argument`; `not-found` for a flavor, a server group, a zone or a PCI alias, with the nearest name.
 */
export function requestFrom(
  given: PlacementRequest | null,
  catalog: { readonly names: KnownNames },
  field = 'request',
): CheckedRequest {
  return checkRequest(given, field, catalog.names);
}
