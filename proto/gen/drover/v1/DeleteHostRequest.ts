// Original file: proto/drover/v1/fleet.proto


export interface DeleteHostRequestInput {
  'host'?: (string);
}

export interface DeleteHostRequest {
  'host': (string);
}
