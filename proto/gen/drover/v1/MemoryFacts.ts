// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface MemoryFactsInput {
  'totalBytes'?: (number | string | Long);
  'swapTotalBytes'?: (number | string | Long);
}

export interface MemoryFacts {
  'totalBytes': (number);
  'swapTotalBytes': (number);
}
