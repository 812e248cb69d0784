// Original file: proto/drover/v1/catalog.proto

import type { Long } from '@grpc/proto-loader';

export interface StoredSettingsInput {
  'revision'?: (number | string | Long);
  'settings'?: ({[key: string]: string});
}

export interface StoredSettings {
  'revision': (number);
  'settings': ({[key: string]: string});
}
