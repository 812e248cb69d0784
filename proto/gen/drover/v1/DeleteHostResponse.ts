// Original file: proto/drover/v1/fleet.proto


export interface DeleteHostResponseInput {
}

export interface DeleteHostResponse {
}
