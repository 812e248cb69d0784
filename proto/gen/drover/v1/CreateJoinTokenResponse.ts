// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface CreateJoinTokenResponseInput {
  'token'?: (string);
  'id'?: (string);
  'expiresUnixMs'?: (number | string | Long);
}

export interface CreateJoinTokenResponse {
  'token': (string);
  'id': (string);
  'expiresUnixMs': (number);
}
