// Original file: proto/drover/v1/placement.proto


export interface RelaxationInput {
  'filter'?: (string);
  'text'?: (string);
  'hosts'?: (number);
}

export interface Relaxation {
  'filter': (string);
  'text': (string);
  'hosts': (number);
}
