// Original file: proto/drover/v1/guests.proto


export interface StartGrantInput {
  'uuids'?: (string)[];
}

export interface StartGrant {
  'uuids': (string)[];
}
