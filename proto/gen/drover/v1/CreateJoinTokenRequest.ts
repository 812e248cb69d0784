// Original file: proto/drover/v1/fleet.proto


export interface CreateJoinTokenRequestInput {
  'ttlSeconds'?: (number);
  'hostName'?: (string);
}

export interface CreateJoinTokenRequest {
  'ttlSeconds': (number);
  'hostName': (string);
}
