// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface OvercommitInput {
  'cpuAllocationRatio'?: (number | string);
  'ramAllocationRatio'?: (number | string);
  'diskAllocationRatio'?: (number | string);
  'reservedHostCpus'?: (number);
  'reservedHostMemoryMb'?: (number | string | Long);
  'reservedHostDiskMb'?: (number | string | Long);
}

export interface Overcommit {
  'cpuAllocationRatio': (number);
  'ramAllocationRatio': (number);
  'diskAllocationRatio': (number);
  'reservedHostCpus': (number);
  'reservedHostMemoryMb': (number);
  'reservedHostDiskMb': (number);
}
