// Original file: proto/drover/v1/health.proto


export interface ListConditionsRequestInput {
  'host'?: (string);
  'onlyNotOk'?: (boolean);
}

export interface ListConditionsRequest {
  'host': (string);
  'onlyNotOk': (boolean);
}
