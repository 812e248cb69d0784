// Original file: proto/drover/v1/fleet.proto


export interface ListHostsRequestInput {
  'availabilityZone'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListHostsRequest {
  'availabilityZone': (string);
  'pageSize': (number);
  'pageToken': (string);
}
