// Original file: proto/drover/v1/placement.proto

import type { ClaimRequestInput as _drover_v1_ClaimRequestInput, ClaimRequest as _drover_v1_ClaimRequest } from '../../drover/v1/ClaimRequest.js';

export interface PlaceManyRequestInput {
  'claims'?: (_drover_v1_ClaimRequestInput)[];
  'allOrNothing'?: (boolean);
}

export interface PlaceManyRequest {
  'claims': (_drover_v1_ClaimRequest)[];
  'allOrNothing': (boolean);
}
