// Original file: proto/drover/v1/placement.proto

import type { Long } from '@grpc/proto-loader';

export interface PlacementRequestInput {
  'vcpus'?: (number);
  'memoryMb'?: (number | string | Long);
  'rootGb'?: (number | string | Long);
  'ephemeralGb'?: (number | string | Long);
  'swapMb'?: (number | string | Long);
  'availabilityZone'?: (string);
  'instanceUuid'?: (string);
  'extraSpecs'?: ({[key: string]: string});
}

export interface PlacementRequest {
  'vcpus': (number);
  'memoryMb': (number);
  'rootGb': (number);
  'ephemeralGb': (number);
  'swapMb': (number);
  'availabilityZone': (string);
  'instanceUuid': (string);
  'extraSpecs': ({[key: string]: string});
}
