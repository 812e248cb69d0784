// Original file: proto/drover/v1/tuning.proto

import type { Long } from '@grpc/proto-loader';

export interface PendingRebootInput {
  'tuner'?: (string);
  'setting'?: (string);
  'wanted'?: (string);
  'now'?: (string);
  'sinceUnixMs'?: (number | string | Long);
  'reason'?: (string);
}

export interface PendingReboot {
  'tuner': (string);
  'setting': (string);
  'wanted': (string);
  'now': (string);
  'sinceUnixMs': (number);
  'reason': (string);
}
