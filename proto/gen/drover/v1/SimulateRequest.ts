// Original file: proto/drover/v1/placement.proto

import type { SimulatedChangeInput as _drover_v1_SimulatedChangeInput, SimulatedChange as _drover_v1_SimulatedChange } from '../../drover/v1/SimulatedChange.js';
import type { SimulatedPlacementInput as _drover_v1_SimulatedPlacementInput, SimulatedPlacement as _drover_v1_SimulatedPlacement } from '../../drover/v1/SimulatedPlacement.js';
import type { Long } from '@grpc/proto-loader';

export interface SimulateRequestInput {
  'changes'?: (_drover_v1_SimulatedChangeInput)[];
  'placements'?: (_drover_v1_SimulatedPlacementInput)[];
  'seed'?: (number | string | Long);
}

export interface SimulateRequest {
  'changes': (_drover_v1_SimulatedChange)[];
  'placements': (_drover_v1_SimulatedPlacement)[];
  'seed': (number);
}
