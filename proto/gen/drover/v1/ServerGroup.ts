// Original file: proto/drover/v1/catalog.proto

import type { Long } from '@grpc/proto-loader';

export interface ServerGroupInput {
  'id'?: (string);
  'name'?: (string);
  'policy'?: (string);
  'maxServerPerHost'?: (number);
  'projectId'?: (string);
  'members'?: (string)[];
  'hosts'?: (string)[];
  'createdUnixMs'?: (number | string | Long);
}

export interface ServerGroup {
  'id': (string);
  'name': (string);
  'policy': (string);
  'maxServerPerHost': (number);
  'projectId': (string);
  'members': (string)[];
  'hosts': (string)[];
  'createdUnixMs': (number);
}
