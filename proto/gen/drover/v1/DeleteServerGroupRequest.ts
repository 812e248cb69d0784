// Original file: proto/drover/v1/catalog.proto


export interface DeleteServerGroupRequestInput {
  'serverGroup'?: (string);
}

export interface DeleteServerGroupRequest {
  'serverGroup': (string);
}
