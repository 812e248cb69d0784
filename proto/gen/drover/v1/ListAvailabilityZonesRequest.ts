// Original file: proto/drover/v1/catalog.proto


export interface ListAvailabilityZonesRequestInput {
}

export interface ListAvailabilityZonesRequest {
}
