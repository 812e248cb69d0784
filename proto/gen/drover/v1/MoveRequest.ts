// Original file: proto/drover/v1/placement.proto


export interface MoveRequestInput {
  'allocationId'?: (string);
  'host'?: (string);
  'idempotencyKey'?: (string);
  'reason'?: (string);
}

export interface MoveRequest {
  'allocationId': (string);
  'host': (string);
  'idempotencyKey': (string);
  'reason': (string);
}
