// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface DomainInput {
  'uuid'?: (string);
  'name'?: (string);
  'hostId'?: (string);
  'hostName'?: (string);
  'state'?: (string);
  'vcpus'?: (number);
  'memoryBytes'?: (number | string | Long);
  'allocationId'?: (string);
  'diskBytes'?: (number | string | Long);
  'pciAddresses'?: (string)[];
}

export interface Domain {
  'uuid': (string);
  'name': (string);
  'hostId': (string);
  'hostName': (string);
  'state': (string);
  'vcpus': (number);
  'memoryBytes': (number);
  'allocationId': (string);
  'diskBytes': (number);
  'pciAddresses': (string)[];
}
