// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface BlockDeviceInput {
  'name'?: (string);
  'deviceNumber'?: (string);
  'sizeBytes'?: (number | string | Long);
  'rotational'?: (boolean);
  'removable'?: (boolean);
  'scheduler'?: (string);
  'schedulers'?: (string)[];
  'queueRequests'?: (number);
  'model'?: (string);
  'vendor'?: (string);
  'partitions'?: (string)[];
  'logicalBlockBytes'?: (number);
}

export interface BlockDevice {
  'name': (string);
  'deviceNumber': (string);
  'sizeBytes': (number);
  'rotational': (boolean);
  'removable': (boolean);
  'scheduler': (string);
  'schedulers': (string)[];
  'queueRequests': (number);
  'model': (string);
  'vendor': (string);
  'partitions': (string)[];
  'logicalBlockBytes': (number);
}
