// Original file: proto/drover/v1/catalog.proto


export interface DeleteFlavorRequestInput {
  'name'?: (string);
}

export interface DeleteFlavorRequest {
  'name': (string);
}
