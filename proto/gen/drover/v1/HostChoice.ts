// Original file: proto/drover/v1/placement.proto


export interface HostChoiceInput {
  'hosts'?: (string)[];
  'availabilityZone'?: (string);
  'aggregate'?: (string);
  'labels'?: ({[key: string]: string});
}

export interface HostChoice {
  'hosts': (string)[];
  'availabilityZone': (string);
  'aggregate': (string);
  'labels': ({[key: string]: string});
}
