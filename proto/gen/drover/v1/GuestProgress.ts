// Original file: proto/drover/v1/guests.proto

import type { Long } from '@grpc/proto-loader';

export interface GuestProgressInput {
  'uuid'?: (string);
  'name'?: (string);
  'wave'?: (number);
  'state'?: (string);
  'message'?: (string);
  'sinceUnixMs'?: (number | string | Long);
}

export interface GuestProgress {
  'uuid': (string);
  'name': (string);
  'wave': (number);
  'state': (string);
  'message': (string);
  'sinceUnixMs': (number);
}
