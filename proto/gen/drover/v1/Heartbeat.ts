// Original file: proto/drover/v1/agent_session.proto

import type { Long } from '@grpc/proto-loader';

export interface HeartbeatInput {
  'sentUnixMs'?: (number | string | Long);
  'activeDomains'?: (number);
  'hypervisorReachable'?: (boolean);
  'loadAverage'?: (number | string);
  'memoryAvailableBytes'?: (number | string | Long);
  'droppedMessages'?: (number | string | Long);
  'tuningVerifiedUnixMs'?: (number | string | Long);
}

export interface Heartbeat {
  'sentUnixMs': (number);
  'activeDomains': (number);
  'hypervisorReachable': (boolean);
  'loadAverage': (number);
  'memoryAvailableBytes': (number);
  'droppedMessages': (number);
  'tuningVerifiedUnixMs': (number);
}
