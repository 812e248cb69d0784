// Original file: proto/drover/v1/placement.proto

import type { AllocationInput as _drover_v1_AllocationInput, Allocation as _drover_v1_Allocation } from '../../drover/v1/Allocation.js';

export interface PlaceResultInput {
  'allocation'?: (_drover_v1_AllocationInput | null);
  'errorCode'?: (string);
  'error'?: (string);
}

export interface PlaceResult {
  'allocation': (_drover_v1_Allocation | null);
  'errorCode': (string);
  'error': (string);
}
