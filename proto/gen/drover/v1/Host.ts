// Original file: proto/drover/v1/fleet.proto

import type { HostCapacityInput as _drover_v1_HostCapacityInput, HostCapacity as _drover_v1_HostCapacity } from '../../drover/v1/HostCapacity.js';
import type { HostUsageInput as _drover_v1_HostUsageInput, HostUsage as _drover_v1_HostUsage } from '../../drover/v1/HostUsage.js';
import type { OvercommitInput as _drover_v1_OvercommitInput, Overcommit as _drover_v1_Overcommit } from '../../drover/v1/Overcommit.js';
import type { HostMaintenanceInput as _drover_v1_HostMaintenanceInput, HostMaintenance as _drover_v1_HostMaintenance } from '../../drover/v1/HostMaintenance.js';
import type { HostLockInput as _drover_v1_HostLockInput, HostLock as _drover_v1_HostLock } from '../../drover/v1/HostLock.js';
import type { Long } from '@grpc/proto-loader';

export interface HostInput {
  'id'?: (string);
  'name'?: (string);
  'availabilityZone'?: (string);
  'labels'?: ({[key: string]: string});
  'disabled'?: (boolean);
  'disabledReason'?: (string);
  'capacity'?: (_drover_v1_HostCapacityInput | null);
  'usage'?: (_drover_v1_HostUsageInput | null);
  'overcommit'?: (_drover_v1_OvercommitInput | null);
  'liveness'?: (string);
  'lastSeenUnixMs'?: (number | string | Long);
  'profileName'?: (string);
  'profileRevision'?: (number);
  'tuningState'?: (string);
  'activeDomains'?: (number);
  'agentVersion'?: (string);
  'generation'?: (number | string | Long);
  'simulated'?: (boolean);
  'forcedDown'?: (boolean);
  'aggregates'?: (string)[];
  'maintenance'?: (_drover_v1_HostMaintenanceInput | null);
  'lock'?: (_drover_v1_HostLockInput | null);
}

export interface Host {
  'id': (string);
  'name': (string);
  'availabilityZone': (string);
  'labels': ({[key: string]: string});
  'disabled': (boolean);
  'disabledReason': (string);
  'capacity': (_drover_v1_HostCapacity | null);
  'usage': (_drover_v1_HostUsage | null);
  'overcommit': (_drover_v1_Overcommit | null);
  'liveness': (string);
  'lastSeenUnixMs': (number);
  'profileName': (string);
  'profileRevision': (number);
  'tuningState': (string);
  'activeDomains': (number);
  'agentVersion': (string);
  'generation': (number);
  'simulated': (boolean);
  'forcedDown': (boolean);
  'aggregates': (string)[];
  'maintenance': (_drover_v1_HostMaintenance | null);
  'lock': (_drover_v1_HostLock | null);
}
