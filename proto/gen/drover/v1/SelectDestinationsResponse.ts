// Original file: proto/drover/v1/placement.proto

import type { DestinationInput as _drover_v1_DestinationInput, Destination as _drover_v1_Destination } from '../../drover/v1/Destination.js';
import type { FilterCountInput as _drover_v1_FilterCountInput, FilterCount as _drover_v1_FilterCount } from '../../drover/v1/FilterCount.js';
import type { Long } from '@grpc/proto-loader';

export interface SelectDestinationsResponseInput {
  'destinations'?: (_drover_v1_DestinationInput)[];
  'revision'?: (number | string | Long);
  'hostsConsidered'?: (number);
  'filters'?: (_drover_v1_FilterCountInput)[];
  'seed'?: (number | string | Long);
  'warnings'?: (string)[];
}

export interface SelectDestinationsResponse {
  'destinations': (_drover_v1_Destination)[];
  'revision': (number);
  'hostsConsidered': (number);
  'filters': (_drover_v1_FilterCount)[];
  'seed': (number);
  'warnings': (string)[];
}
