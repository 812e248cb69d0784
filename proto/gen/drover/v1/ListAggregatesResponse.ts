// Original file: proto/drover/v1/catalog.proto

import type { HostAggregateInput as _drover_v1_HostAggregateInput, HostAggregate as _drover_v1_HostAggregate } from '../../drover/v1/HostAggregate.js';

export interface ListAggregatesResponseInput {
  'aggregates'?: (_drover_v1_HostAggregateInput)[];
  'nextPageToken'?: (string);
  'total'?: (number);
}

export interface ListAggregatesResponse {
  'aggregates': (_drover_v1_HostAggregate)[];
  'nextPageToken': (string);
  'total': (number);
}
