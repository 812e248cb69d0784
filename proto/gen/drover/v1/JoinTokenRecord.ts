// Original file: proto/drover/v1/records.proto

import type { Long } from '@grpc/proto-loader';

export interface JoinTokenRecordInput {
  'id'?: (string);
  'secretSha256'?: (Buffer | Uint8Array | string);
  'expiresUnixMs'?: (number | string | Long);
  'hostName'?: (string);
  'usedUnixMs'?: (number | string | Long);
  'usedByHostId'?: (string);
  'createdBy'?: (string);
}

export interface JoinTokenRecord {
  'id': (string);
  'secretSha256': (Buffer);
  'expiresUnixMs': (number);
  'hostName': (string);
  'usedUnixMs': (number);
  'usedByHostId': (string);
  'createdBy': (string);
}
