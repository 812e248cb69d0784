// Original file: proto/drover/v1/operation.proto

import type { SettingStatusInput as _drover_v1_SettingStatusInput, SettingStatus as _drover_v1_SettingStatus } from '../../drover/v1/SettingStatus.js';
import type { Long } from '@grpc/proto-loader';

export interface OperationInput {
  'id'?: (string);
  'hostId'?: (string);
  'hostName'?: (string);
  'kind'?: (string);
  'state'?: (string);
  'startedUnixMs'?: (number | string | Long);
  'endedUnixMs'?: (number | string | Long);
  'error'?: (string);
  'settings'?: (_drover_v1_SettingStatusInput)[];
  'pending'?: (number);
}

export interface Operation {
  'id': (string);
  'hostId': (string);
  'hostName': (string);
  'kind': (string);
  'state': (string);
  'startedUnixMs': (number);
  'endedUnixMs': (number);
  'error': (string);
  'settings': (_drover_v1_SettingStatus)[];
  'pending': (number);
}
