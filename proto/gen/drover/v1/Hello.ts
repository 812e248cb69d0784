// Original file: proto/drover/v1/agent_session.proto

import type { Long } from '@grpc/proto-loader';

export interface HelloInput {
  'lowestVersion'?: (number);
  'highestVersion'?: (number);
  'agentVersion'?: (string);
  'sessionId'?: (string);
  'received'?: (number | string | Long);
  'desiredDigest'?: (string);
  'bootId'?: (string);
}

export interface Hello {
  'lowestVersion': (number);
  'highestVersion': (number);
  'agentVersion': (string);
  'sessionId': (string);
  'received': (number);
  'desiredDigest': (string);
  'bootId': (string);
}
