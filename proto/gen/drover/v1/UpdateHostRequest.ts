// Original file: proto/drover/v1/fleet.proto

import type { HostOvercommitInput as _drover_v1_HostOvercommitInput, HostOvercommit as _drover_v1_HostOvercommit } from '../../drover/v1/HostOvercommit.js';

export interface UpdateHostRequestInput {
  'host'?: (string);
  'updateMask'?: (string)[];
  'labels'?: ({[key: string]: string});
  'availabilityZone'?: (string);
  'overcommit'?: (_drover_v1_HostOvercommitInput | null);
  'disabled'?: (boolean);
  'disabledReason'?: (string);
  'forcedDown'?: (boolean);
}

export interface UpdateHostRequest {
  'host': (string);
  'updateMask': (string)[];
  'labels': ({[key: string]: string});
  'availabilityZone': (string);
  'overcommit': (_drover_v1_HostOvercommit | null);
  'disabled': (boolean);
  'disabledReason': (string);
  'forcedDown': (boolean);
}
