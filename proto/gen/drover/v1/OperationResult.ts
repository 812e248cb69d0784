// Original file: proto/drover/v1/operation.proto

import type { SettingStatusInput as _drover_v1_SettingStatusInput, SettingStatus as _drover_v1_SettingStatus } from '../../drover/v1/SettingStatus.js';

export interface OperationResultInput {
  'id'?: (string);
  'error'?: (string);
  'settings'?: (_drover_v1_SettingStatusInput)[];
}

export interface OperationResult {
  'id': (string);
  'error': (string);
  'settings': (_drover_v1_SettingStatus)[];
}
