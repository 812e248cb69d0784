// Original file: proto/drover/v1/placement.proto


export interface RefusalInput {
  'filter'?: (string);
  'reason'?: (string);
  'observed'?: (string);
  'wanted'?: (string);
}

export interface Refusal {
  'filter': (string);
  'reason': (string);
  'observed': (string);
  'wanted': (string);
}
