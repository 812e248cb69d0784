// Original file: proto/drover/v1/placement.proto

import type { AllocationInput as _drover_v1_AllocationInput, Allocation as _drover_v1_Allocation } from '../../drover/v1/Allocation.js';

export interface ListAllocationsResponseInput {
  'allocations'?: (_drover_v1_AllocationInput)[];
  'nextPageToken'?: (string);
  'total'?: (number);
}

export interface ListAllocationsResponse {
  'allocations': (_drover_v1_Allocation)[];
  'nextPageToken': (string);
  'total': (number);
}
