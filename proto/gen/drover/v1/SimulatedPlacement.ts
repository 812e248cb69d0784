// Original file: proto/drover/v1/placement.proto

import type { PlacementRequestInput as _drover_v1_PlacementRequestInput, PlacementRequest as _drover_v1_PlacementRequest } from '../../drover/v1/PlacementRequest.js';

export interface SimulatedPlacementInput {
  'request'?: (_drover_v1_PlacementRequestInput | null);
  'count'?: (number);
}

export interface SimulatedPlacement {
  'request': (_drover_v1_PlacementRequest | null);
  'count': (number);
}
