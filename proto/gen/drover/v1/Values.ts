// Original file: proto/drover/v1/placement.proto


export interface ValuesInput {
  'values'?: (string)[];
}

export interface Values {
  'values': (string)[];
}
