// Original file: proto/drover/v1/operation.proto


export interface ListOperationsRequestInput {
  'host'?: (string);
}

export interface ListOperationsRequest {
  'host': (string);
}
