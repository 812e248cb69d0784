// Original file: proto/drover/v1/tuning.proto


export interface GetProfileRequestInput {
  'name'?: (string);
  'revision'?: (number);
}

export interface GetProfileRequest {
  'name': (string);
  'revision': (number);
}
