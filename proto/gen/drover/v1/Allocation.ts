// Original file: proto/drover/v1/placement.proto

import type { Long } from '@grpc/proto-loader';

export interface AllocationInput {
  'id'?: (string);
  'hostId'?: (string);
  'hostName'?: (string);
  'vcpus'?: (number);
  'memoryMb'?: (number | string | Long);
  'diskMb'?: (number | string | Long);
  'idempotencyKey'?: (string);
  'createdUnixMs'?: (number | string | Long);
  'instanceUuid'?: (string);
  'extraSpecs'?: ({[key: string]: string});
  'createdBy'?: (string);
  'availabilityZone'?: (string);
}

export interface Allocation {
  'id': (string);
  'hostId': (string);
  'hostName': (string);
  'vcpus': (number);
  'memoryMb': (number);
  'diskMb': (number);
  'idempotencyKey': (string);
  'createdUnixMs': (number);
  'instanceUuid': (string);
  'extraSpecs': ({[key: string]: string});
  'createdBy': (string);
  'availabilityZone': (string);
}
