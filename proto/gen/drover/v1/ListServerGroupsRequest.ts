// Original file: proto/drover/v1/catalog.proto


export interface ListServerGroupsRequestInput {
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListServerGroupsRequest {
  'pageSize': (number);
  'pageToken': (string);
}
