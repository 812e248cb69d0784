// Original file: proto/drover/v1/operation.proto


export interface OperationRequestInput {
  'id'?: (string);
  'kind'?: (string);
  'tuners'?: ({[key: string]: string});
  'deadlineSeconds'?: (number);
}

export interface OperationRequest {
  'id': (string);
  'kind': (string);
  'tuners': ({[key: string]: string});
  'deadlineSeconds': (number);
}
