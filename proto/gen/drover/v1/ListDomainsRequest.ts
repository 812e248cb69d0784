// Original file: proto/drover/v1/fleet.proto


export interface ListDomainsRequestInput {
  'host'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListDomainsRequest {
  'host': (string);
  'pageSize': (number);
  'pageToken': (string);
}
