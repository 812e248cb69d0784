// Original file: proto/drover/v1/fleet.proto


export interface GetHostRequestInput {
  'host'?: (string);
}

export interface GetHostRequest {
  'host': (string);
}
