// Original file: proto/drover/v1/guests.proto


export interface GuestOrderInput {
  'id'?: (string);
  'kind'?: (string);
  'cause'?: (string);
  'uuids'?: (string)[];
  'forId'?: (string);
}

export interface GuestOrder {
  'id': (string);
  'kind': (string);
  'cause': (string);
  'uuids': (string)[];
  'forId': (string);
}
