// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface HostCapacityInput {
  'vcpus'?: (number);
  'memoryBytes'?: (number | string | Long);
  'diskBytes'?: (number | string | Long);
}

export interface HostCapacity {
  'vcpus': (number);
  'memoryBytes': (number);
  'diskBytes': (number);
}
