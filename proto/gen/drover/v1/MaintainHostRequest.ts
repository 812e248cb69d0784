// Original file: proto/drover/v1/fleet.proto


export interface MaintainHostRequestInput {
  'host'?: (string);
  'state'?: (string);
  'reason'?: (string);
  'guests'?: (string);
  'force'?: (boolean);
  'validateOnly'?: (boolean);
}

export interface MaintainHostRequest {
  'host': (string);
  'state': (string);
  'reason': (string);
  'guests': (string);
  'force': (boolean);
  'validateOnly': (boolean);
}
