// Original file: proto/drover/v1/tuning.proto

import type { SettingStatusInput as _drover_v1_SettingStatusInput, SettingStatus as _drover_v1_SettingStatus } from '../../drover/v1/SettingStatus.js';
import type { Long } from '@grpc/proto-loader';

export interface HostTuningInput {
  'state'?: (string);
  'profileName'?: (string);
  'profileRevision'?: (number);
  'digest'?: (string);
  'settings'?: (_drover_v1_SettingStatusInput)[];
  'verifiedUnixMs'?: (number | string | Long);
  'ledgerEntries'?: (number);
}

export interface HostTuning {
  'state': (string);
  'profileName': (string);
  'profileRevision': (number);
  'digest': (string);
  'settings': (_drover_v1_SettingStatus)[];
  'verifiedUnixMs': (number);
  'ledgerEntries': (number);
}
