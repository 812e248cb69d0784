// Original file: proto/drover/v1/fleet.proto

import type { HugepagePoolInput as _drover_v1_HugepagePoolInput, HugepagePool as _drover_v1_HugepagePool } from '../../drover/v1/HugepagePool.js';
import type { Long } from '@grpc/proto-loader';

export interface NumaCellInput {
  'id'?: (number);
  'cpus'?: (string);
  'memoryBytes'?: (number | string | Long);
  'hugepages'?: (_drover_v1_HugepagePoolInput)[];
  'distances'?: ({[key: number]: number});
}

export interface NumaCell {
  'id': (number);
  'cpus': (string);
  'memoryBytes': (number);
  'hugepages': (_drover_v1_HugepagePool)[];
  'distances': ({[key: number]: number});
}
