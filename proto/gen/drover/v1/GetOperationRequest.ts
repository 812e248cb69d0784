// Original file: proto/drover/v1/operation.proto


export interface GetOperationRequestInput {
  'id'?: (string);
}

export interface GetOperationRequest {
  'id': (string);
}
