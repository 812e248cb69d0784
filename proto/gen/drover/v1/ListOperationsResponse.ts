// Original file: proto/drover/v1/operation.proto

import type { OperationInput as _drover_v1_OperationInput, Operation as _drover_v1_Operation } from '../../drover/v1/Operation.js';

export interface ListOperationsResponseInput {
  'operations'?: (_drover_v1_OperationInput)[];
}

export interface ListOperationsResponse {
  'operations': (_drover_v1_Operation)[];
}
