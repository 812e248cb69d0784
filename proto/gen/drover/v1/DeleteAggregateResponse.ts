// Original file: proto/drover/v1/catalog.proto


export interface DeleteAggregateResponseInput {
}

export interface DeleteAggregateResponse {
}
