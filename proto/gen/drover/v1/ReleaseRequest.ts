// Original file: proto/drover/v1/placement.proto


export interface ReleaseRequestInput {
  'allocationId'?: (string);
}

export interface ReleaseRequest {
  'allocationId': (string);
}
