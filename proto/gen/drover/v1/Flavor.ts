// Original file: proto/drover/v1/catalog.proto

import type { Long } from '@grpc/proto-loader';

export interface FlavorInput {
  'name'?: (string);
  'vcpus'?: (number);
  'memoryMb'?: (number | string | Long);
  'rootGb'?: (number | string | Long);
  'ephemeralGb'?: (number | string | Long);
  'swapMb'?: (number | string | Long);
  'extraSpecs'?: ({[key: string]: string});
  'updatedUnixMs'?: (number | string | Long);
}

export interface Flavor {
  'name': (string);
  'vcpus': (number);
  'memoryMb': (number);
  'rootGb': (number);
  'ephemeralGb': (number);
  'swapMb': (number);
  'extraSpecs': ({[key: string]: string});
  'updatedUnixMs': (number);
}
