// Original file: proto/drover/v1/tuning.proto

import type { SettingStatusInput as _drover_v1_SettingStatusInput, SettingStatus as _drover_v1_SettingStatus } from '../../drover/v1/SettingStatus.js';
import type { PendingRebootInput as _drover_v1_PendingRebootInput, PendingReboot as _drover_v1_PendingReboot } from '../../drover/v1/PendingReboot.js';
import type { SettingOwnerInput as _drover_v1_SettingOwnerInput, SettingOwner as _drover_v1_SettingOwner } from '../../drover/v1/SettingOwner.js';
import type { Long } from '@grpc/proto-loader';

export interface HostTuningInput {
  'state'?: (string);
  'profileName'?: (string);
  'profileRevision'?: (number);
  'digest'?: (string);
  'settings'?: (_drover_v1_SettingStatusInput)[];
  'verifiedUnixMs'?: (number | string | Long);
  'ledgerEntries'?: (number);
  'pendingReboots'?: (_drover_v1_PendingRebootInput)[];
  'owners'?: (_drover_v1_SettingOwnerInput)[];
}

export interface HostTuning {
  'state': (string);
  'profileName': (string);
  'profileRevision': (number);
  'digest': (string);
  'settings': (_drover_v1_SettingStatus)[];
  'verifiedUnixMs': (number);
  'ledgerEntries': (number);
  'pendingReboots': (_drover_v1_PendingReboot)[];
  'owners': (_drover_v1_SettingOwner)[];
}
