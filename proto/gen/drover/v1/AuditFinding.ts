// Original file: proto/drover/v1/guests.proto

import type { Long } from '@grpc/proto-loader';

export interface AuditFindingInput {
  'kind'?: (string);
  'uuid'?: (string);
  'name'?: (string);
  'action'?: (string);
  'outcome'?: (string);
  'evidence'?: (string)[];
  'foundUnixMs'?: (number | string | Long);
}

export interface AuditFinding {
  'kind': (string);
  'uuid': (string);
  'name': (string);
  'action': (string);
  'outcome': (string);
  'evidence': (string)[];
  'foundUnixMs': (number);
}
