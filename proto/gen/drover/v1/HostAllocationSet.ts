// Original file: proto/drover/v1/agent_session.proto

import type { DomainAllocationInput as _drover_v1_DomainAllocationInput, DomainAllocation as _drover_v1_DomainAllocation } from '../../drover/v1/DomainAllocation.js';
import type { Long } from '@grpc/proto-loader';

export interface HostAllocationSetInput {
  'generation'?: (number | string | Long);
  'allocations'?: (_drover_v1_DomainAllocationInput)[];
}

export interface HostAllocationSet {
  'generation': (number);
  'allocations': (_drover_v1_DomainAllocation)[];
}
