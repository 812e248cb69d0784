// Original file: proto/drover/v1/agent_session.proto

import type { Long } from '@grpc/proto-loader';

export interface DomainAllocationInput {
  'id'?: (string);
  'instanceUuid'?: (string);
  'extraSpecs'?: ({[key: string]: string});
  'vcpus'?: (number);
  'memoryMb'?: (number | string | Long);
  'pciAddresses'?: (string)[];
}

export interface DomainAllocation {
  'id': (string);
  'instanceUuid': (string);
  'extraSpecs': ({[key: string]: string});
  'vcpus': (number);
  'memoryMb': (number);
  'pciAddresses': (string)[];
}
