// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface CpuCacheInput {
  'level'?: (number);
  'type'?: (string);
  'sizeBytes'?: (number | string | Long);
  'instances'?: (number);
}

export interface CpuCache {
  'level': (number);
  'type': (string);
  'sizeBytes': (number);
  'instances': (number);
}
