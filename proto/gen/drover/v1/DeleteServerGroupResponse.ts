// Original file: proto/drover/v1/catalog.proto


export interface DeleteServerGroupResponseInput {
}

export interface DeleteServerGroupResponse {
}
