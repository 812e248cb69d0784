// Original file: proto/drover/v1/placement.proto

import type { SimulatedResultInput as _drover_v1_SimulatedResultInput, SimulatedResult as _drover_v1_SimulatedResult } from '../../drover/v1/SimulatedResult.js';
import type { ResourceHeadroomInput as _drover_v1_ResourceHeadroomInput, ResourceHeadroom as _drover_v1_ResourceHeadroom } from '../../drover/v1/ResourceHeadroom.js';
import type { Long } from '@grpc/proto-loader';

export interface SimulateResponseInput {
  'revision'?: (number | string | Long);
  'seed'?: (number | string | Long);
  'hosts'?: (number);
  'placed'?: (number);
  'refused'?: (number);
  'results'?: (_drover_v1_SimulatedResultInput)[];
  'headroom'?: (_drover_v1_ResourceHeadroomInput)[];
  'drained'?: (number);
  'stranded'?: (number);
}

export interface SimulateResponse {
  'revision': (number);
  'seed': (number);
  'hosts': (number);
  'placed': (number);
  'refused': (number);
  'results': (_drover_v1_SimulatedResult)[];
  'headroom': (_drover_v1_ResourceHeadroom)[];
  'drained': (number);
  'stranded': (number);
}
