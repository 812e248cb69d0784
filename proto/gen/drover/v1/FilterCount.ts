// Original file: proto/drover/v1/placement.proto


export interface FilterCountInput {
  'filter'?: (string);
  'hostsLeft'?: (number);
}

export interface FilterCount {
  'filter': (string);
  'hostsLeft': (number);
}
