// Original file: proto/drover/v1/catalog.proto

import type { HostAggregateInput as _drover_v1_HostAggregateInput, HostAggregate as _drover_v1_HostAggregate } from '../../drover/v1/HostAggregate.js';

export interface PutAggregateRequestInput {
  'aggregate'?: (_drover_v1_HostAggregateInput | null);
}

export interface PutAggregateRequest {
  'aggregate': (_drover_v1_HostAggregate | null);
}
