// Original file: proto/drover/v1/records.proto

import type { HostOvercommitInput as _drover_v1_HostOvercommitInput, HostOvercommit as _drover_v1_HostOvercommit } from '../../drover/v1/HostOvercommit.js';
import type { HostCapacityInput as _drover_v1_HostCapacityInput, HostCapacity as _drover_v1_HostCapacity } from '../../drover/v1/HostCapacity.js';
import type { HostMaintenanceInput as _drover_v1_HostMaintenanceInput, HostMaintenance as _drover_v1_HostMaintenance } from '../../drover/v1/HostMaintenance.js';
import type { HostLockInput as _drover_v1_HostLockInput, HostLock as _drover_v1_HostLock } from '../../drover/v1/HostLock.js';
import type { Long } from '@grpc/proto-loader';

export interface HostRecordInput {
  'id'?: (string);
  'name'?: (string);
  'availabilityZone'?: (string);
  'labels'?: ({[key: string]: string});
  'disabled'?: (boolean);
  'disabledReason'?: (string);
  'overcommit'?: (_drover_v1_HostOvercommitInput | null);
  'capacity'?: (_drover_v1_HostCapacityInput | null);
  'machineId'?: (string);
  'certificateSerial'?: (string);
  'enrolledUnixMs'?: (number | string | Long);
  'simulated'?: (boolean);
  'forcedDown'?: (boolean);
  'maintenance'?: (_drover_v1_HostMaintenanceInput | null);
  'lock'?: (_drover_v1_HostLockInput | null);
}

export interface HostRecord {
  'id': (string);
  'name': (string);
  'availabilityZone': (string);
  'labels': ({[key: string]: string});
  'disabled': (boolean);
  'disabledReason': (string);
  'overcommit': (_drover_v1_HostOvercommit | null);
  'capacity': (_drover_v1_HostCapacity | null);
  'machineId': (string);
  'certificateSerial': (string);
  'enrolledUnixMs': (number);
  'simulated': (boolean);
  'forcedDown': (boolean);
  'maintenance': (_drover_v1_HostMaintenance | null);
  'lock': (_drover_v1_HostLock | null);
}
