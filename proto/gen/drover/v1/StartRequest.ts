// Original file: proto/drover/v1/guests.proto


export interface StartRequestInput {
  'wanted'?: (string)[];
  'done'?: (string)[];
}

export interface StartRequest {
  'wanted': (string)[];
  'done': (string)[];
}
