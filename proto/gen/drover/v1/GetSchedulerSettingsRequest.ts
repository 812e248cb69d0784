// Original file: proto/drover/v1/catalog.proto


export interface GetSchedulerSettingsRequestInput {
}

export interface GetSchedulerSettingsRequest {
}
