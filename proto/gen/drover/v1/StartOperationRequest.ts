// Original file: proto/drover/v1/operation.proto


export interface StartOperationRequestInput {
  'host'?: (string);
  'kind'?: (string);
  'tuners'?: ({[key: string]: string});
  'deadlineSeconds'?: (number);
}

export interface StartOperationRequest {
  'host': (string);
  'kind': (string);
  'tuners': ({[key: string]: string});
  'deadlineSeconds': (number);
}
