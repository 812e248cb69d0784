// Original file: proto/drover/v1/placement.proto

import type { AllocationInput as _drover_v1_AllocationInput, Allocation as _drover_v1_Allocation } from '../../drover/v1/Allocation.js';

export interface MoveResponseInput {
  'allocation'?: (_drover_v1_AllocationInput | null);
  'fromHostName'?: (string);
}

export interface MoveResponse {
  'allocation': (_drover_v1_Allocation | null);
  'fromHostName': (string);
}
