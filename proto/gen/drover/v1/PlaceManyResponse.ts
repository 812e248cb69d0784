// Original file: proto/drover/v1/placement.proto

import type { PlaceResultInput as _drover_v1_PlaceResultInput, PlaceResult as _drover_v1_PlaceResult } from '../../drover/v1/PlaceResult.js';

export interface PlaceManyResponseInput {
  'results'?: (_drover_v1_PlaceResultInput)[];
}

export interface PlaceManyResponse {
  'results': (_drover_v1_PlaceResult)[];
}
