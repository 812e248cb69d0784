// Original file: proto/drover/v1/catalog.proto


export interface DeleteAggregateRequestInput {
  'name'?: (string);
}

export interface DeleteAggregateRequest {
  'name': (string);
}
