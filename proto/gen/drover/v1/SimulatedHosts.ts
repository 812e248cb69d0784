// Original file: proto/drover/v1/placement.proto


export interface SimulatedHostsInput {
  'count'?: (number);
  'likeHost'?: (string);
  'availabilityZone'?: (string);
}

export interface SimulatedHosts {
  'count': (number);
  'likeHost': (string);
  'availabilityZone': (string);
}
