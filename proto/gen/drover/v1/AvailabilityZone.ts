// Original file: proto/drover/v1/catalog.proto


export interface AvailabilityZoneInput {
  'name'?: (string);
  'hosts'?: (number);
  'hostsInService'?: (number);
}

export interface AvailabilityZone {
  'name': (string);
  'hosts': (number);
  'hostsInService': (number);
}
