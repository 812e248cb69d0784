// Original file: proto/drover/v1/catalog.proto

import type { Long } from '@grpc/proto-loader';

export interface HostAggregateInput {
  'name'?: (string);
  'id'?: (number);
  'metadata'?: ({[key: string]: string});
  'hostIds'?: (string)[];
  'hosts'?: (string)[];
  'updatedUnixMs'?: (number | string | Long);
}

export interface HostAggregate {
  'name': (string);
  'id': (number);
  'metadata': ({[key: string]: string});
  'hostIds': (string)[];
  'hosts': (string)[];
  'updatedUnixMs': (number);
}
