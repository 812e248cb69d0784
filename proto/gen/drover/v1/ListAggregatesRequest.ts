// Original file: proto/drover/v1/catalog.proto


export interface ListAggregatesRequestInput {
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListAggregatesRequest {
  'pageSize': (number);
  'pageToken': (string);
}
