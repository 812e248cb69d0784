// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface HugepagePoolInput {
  'sizeBytes'?: (number | string | Long);
  'total'?: (number | string | Long);
  'free'?: (number | string | Long);
}

export interface HugepagePool {
  'sizeBytes': (number);
  'total': (number);
  'free': (number);
}
