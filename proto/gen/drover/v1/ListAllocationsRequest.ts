// Original file: proto/drover/v1/placement.proto


export interface ListAllocationsRequestInput {
  'host'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListAllocationsRequest {
  'host': (string);
  'pageSize': (number);
  'pageToken': (string);
}
