// Original file: proto/drover/v1/agent_session.proto

import type { Long } from '@grpc/proto-loader';

export interface WelcomeInput {
  'version'?: (number);
  'sessionId'?: (string);
  'resumed'?: (boolean);
  'received'?: (number | string | Long);
  'heartbeatIntervalMs'?: (number);
  'outboxLimit'?: (number);
  'hostId'?: (string);
}

export interface Welcome {
  'version': (number);
  'sessionId': (string);
  'resumed': (boolean);
  'received': (number);
  'heartbeatIntervalMs': (number);
  'outboxLimit': (number);
  'hostId': (string);
}
