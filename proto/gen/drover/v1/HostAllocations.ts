// Original file: proto/drover/v1/placement.proto

import type { AllocationInput as _drover_v1_AllocationInput, Allocation as _drover_v1_Allocation } from '../../drover/v1/Allocation.js';
import type { Long } from '@grpc/proto-loader';

export interface HostAllocationsInput {
  'generation'?: (number | string | Long);
  'allocations'?: (_drover_v1_AllocationInput)[];
}

export interface HostAllocations {
  'generation': (number);
  'allocations': (_drover_v1_Allocation)[];
}
