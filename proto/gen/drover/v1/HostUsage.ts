// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface HostUsageInput {
  'vcpus'?: (number | string);
  'memoryBytes'?: (number | string | Long);
  'diskBytes'?: (number | string | Long);
  'allocations'?: (number);
  'unmanagedDomains'?: (number);
  'devices'?: (number);
  'devicesTaken'?: (number);
}

export interface HostUsage {
  'vcpus': (number);
  'memoryBytes': (number);
  'diskBytes': (number);
  'allocations': (number);
  'unmanagedDomains': (number);
  'devices': (number);
  'devicesTaken': (number);
}
