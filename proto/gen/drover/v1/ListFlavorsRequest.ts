// Original file: proto/drover/v1/catalog.proto


export interface ListFlavorsRequestInput {
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListFlavorsRequest {
  'pageSize': (number);
  'pageToken': (string);
}
