// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface HostLockInput {
  'purpose'?: (string);
  'holder'?: (string);
  'reason'?: (string);
  'by'?: (string);
  'sinceUnixMs'?: (number | string | Long);
}

export interface HostLock {
  'purpose': (string);
  'holder': (string);
  'reason': (string);
  'by': (string);
  'sinceUnixMs': (number);
}
