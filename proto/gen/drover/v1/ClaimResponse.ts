// Original file: proto/drover/v1/placement.proto

import type { AllocationInput as _drover_v1_AllocationInput, Allocation as _drover_v1_Allocation } from '../../drover/v1/Allocation.js';
import type { Long } from '@grpc/proto-loader';

export interface ClaimResponseInput {
  'allocation'?: (_drover_v1_AllocationInput | null);
  'hostGeneration'?: (number | string | Long);
  'existed'?: (boolean);
}

export interface ClaimResponse {
  'allocation': (_drover_v1_Allocation | null);
  'hostGeneration': (number);
  'existed': (boolean);
}
