// Original file: proto/drover/v1/guests.proto


export interface PreflightFindingInput {
  'check'?: (string);
  'status'?: (string);
  'message'?: (string);
  'cure'?: (string);
}

export interface PreflightFinding {
  'check': (string);
  'status': (string);
  'message': (string);
  'cure': (string);
}
