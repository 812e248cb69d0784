// Original file: proto/drover/v1/catalog.proto


export interface DeleteFlavorResponseInput {
}

export interface DeleteFlavorResponse {
}
