// Original file: proto/drover/v1/agent_session.proto

import type { RejectedAllocationInput as _drover_v1_RejectedAllocationInput, RejectedAllocation as _drover_v1_RejectedAllocation } from '../../drover/v1/RejectedAllocation.js';
import type { Long } from '@grpc/proto-loader';

export interface AllocationReportInput {
  'generation'?: (number | string | Long);
  'confirmedIds'?: (string)[];
  'rejected'?: (_drover_v1_RejectedAllocationInput)[];
}

export interface AllocationReport {
  'generation': (number);
  'confirmedIds': (string)[];
  'rejected': (_drover_v1_RejectedAllocation)[];
}
