// Original file: proto/drover/v1/placement.proto

import type { PlacementRequestInput as _drover_v1_PlacementRequestInput, PlacementRequest as _drover_v1_PlacementRequest } from '../../drover/v1/PlacementRequest.js';
import type { Long } from '@grpc/proto-loader';

export interface ClaimRequestInput {
  'request'?: (_drover_v1_PlacementRequestInput | null);
  'idempotencyKey'?: (string);
  'seed'?: (number | string | Long);
}

export interface ClaimRequest {
  'request': (_drover_v1_PlacementRequest | null);
  'idempotencyKey': (string);
  'seed': (number);
}
