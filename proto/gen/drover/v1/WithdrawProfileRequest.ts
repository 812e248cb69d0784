// Original file: proto/drover/v1/tuning.proto


export interface WithdrawProfileRequestInput {
  'name'?: (string);
}

export interface WithdrawProfileRequest {
  'name': (string);
}
