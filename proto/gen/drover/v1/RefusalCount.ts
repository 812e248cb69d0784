// Original file: proto/drover/v1/placement.proto


export interface RefusalCountInput {
  'filter'?: (string);
  'reason'?: (string);
  'hosts'?: (number);
  'soleHosts'?: (number);
}

export interface RefusalCount {
  'filter': (string);
  'reason': (string);
  'hosts': (number);
  'soleHosts': (number);
}
