// Original file: proto/drover/v1/guests.proto

import type { Long } from '@grpc/proto-loader';

export interface PortFindingInput {
  'port'?: (string);
  'bridge'?: (string);
  'kind'?: (string);
  'outcome'?: (string);
  'reason'?: (string);
  'domainUuid'?: (string);
  'domainName'?: (string);
  'foundUnixMs'?: (number | string | Long);
  'mendedUnixMs'?: (number | string | Long);
}

export interface PortFinding {
  'port': (string);
  'bridge': (string);
  'kind': (string);
  'outcome': (string);
  'reason': (string);
  'domainUuid': (string);
  'domainName': (string);
  'foundUnixMs': (number);
  'mendedUnixMs': (number);
}
