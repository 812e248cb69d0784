// Original file: proto/drover/v1/catalog.proto

import type { SchedulerSettingInput as _drover_v1_SchedulerSettingInput, SchedulerSetting as _drover_v1_SchedulerSetting } from '../../drover/v1/SchedulerSetting.js';
import type { Long } from '@grpc/proto-loader';

export interface SchedulerSettingsInput {
  'settings'?: (_drover_v1_SchedulerSettingInput)[];
  'revision'?: (number | string | Long);
}

export interface SchedulerSettings {
  'settings': (_drover_v1_SchedulerSetting)[];
  'revision': (number);
}
