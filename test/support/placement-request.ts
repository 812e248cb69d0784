/** Placement requests as the wire has them, with whatever is not given at its default. */
import type { PlacementRequest, PlacementRequestInput } from '../../proto/gen/drover/v1/PlacementRequest.js';
import { codec } from '../../proto/wire/load.js';

/** What a control plane reads of a request that says only this. */
export function placementRequest(given: PlacementRequestInput): PlacementRequest {
  const messages = codec('PlacementRequest');
  return messages.decode(messages.encode(given));
}
