// Original file: proto/drover/v1/fleet.proto


export interface CapacityOutlookInput {
  'scope'?: (string);
  'resource'?: (string);
  'headroomPercent'?: (number | string);
  'hosts'?: (number);
}

export interface CapacityOutlook {
  'scope': (string);
  'resource': (string);
  'headroomPercent': (number);
  'hosts': (number);
}
