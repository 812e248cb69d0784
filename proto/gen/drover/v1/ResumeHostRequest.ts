// Original file: proto/drover/v1/fleet.proto


export interface ResumeHostRequestInput {
  'host'?: (string);
  'guests'?: (string);
}

export interface ResumeHostRequest {
  'host': (string);
  'guests': (string);
}
