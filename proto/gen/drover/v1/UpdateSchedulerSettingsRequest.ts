// Original file: proto/drover/v1/catalog.proto


export interface UpdateSchedulerSettingsRequestInput {
  'settings'?: ({[key: string]: string});
}

export interface UpdateSchedulerSettingsRequest {
  'settings': ({[key: string]: string});
}
