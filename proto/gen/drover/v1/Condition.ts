// Original file: proto/drover/v1/health.proto

import type { Long } from '@grpc/proto-loader';

export interface ConditionInput {
  'type'?: (string);
  'status'?: (string);
  'reason'?: (string);
  'message'?: (string);
  'sinceUnixMs'?: (number | string | Long);
  'hostId'?: (string);
  'hostName'?: (string);
}

export interface Condition {
  'type': (string);
  'status': (string);
  'reason': (string);
  'message': (string);
  'sinceUnixMs': (number);
  'hostId': (string);
  'hostName': (string);
}
