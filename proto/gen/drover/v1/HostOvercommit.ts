// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface HostOvercommitInput {
  'cpuAllocationRatio'?: (number | string);
  'ramAllocationRatio'?: (number | string);
  'diskAllocationRatio'?: (number | string);
  'reservedHostCpus'?: (number);
  'reservedHostMemoryMb'?: (number | string | Long);
  'reservedHostDiskMb'?: (number | string | Long);
  '_cpuAllocationRatio'?: "cpuAllocationRatio";
  '_ramAllocationRatio'?: "ramAllocationRatio";
  '_diskAllocationRatio'?: "diskAllocationRatio";
  '_reservedHostCpus'?: "reservedHostCpus";
  '_reservedHostMemoryMb'?: "reservedHostMemoryMb";
  '_reservedHostDiskMb'?: "reservedHostDiskMb";
}

export interface HostOvercommit {
  'cpuAllocationRatio'?: (number);
  'ramAllocationRatio'?: (number);
  'diskAllocationRatio'?: (number);
  'reservedHostCpus'?: (number);
  'reservedHostMemoryMb'?: (number);
  'reservedHostDiskMb'?: (number);
  '_cpuAllocationRatio'?: "cpuAllocationRatio";
  '_ramAllocationRatio'?: "ramAllocationRatio";
  '_diskAllocationRatio'?: "diskAllocationRatio";
  '_reservedHostCpus'?: "reservedHostCpus";
  '_reservedHostMemoryMb'?: "reservedHostMemoryMb";
  '_reservedHostDiskMb'?: "reservedHostDiskMb";
}
