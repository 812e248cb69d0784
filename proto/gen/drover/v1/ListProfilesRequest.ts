// Original file: proto/drover/v1/tuning.proto


export interface ListProfilesRequestInput {
}

export interface ListProfilesRequest {
}
