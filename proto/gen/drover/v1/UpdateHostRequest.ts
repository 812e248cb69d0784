// Original file: proto/drover/v1/fleet.proto

import type { OvercommitInput as _drover_v1_OvercommitInput, Overcommit as _drover_v1_Overcommit } from '../../drover/v1/Overcommit.js';

export interface UpdateHostRequestInput {
  'host'?: (string);
  'updateMask'?: (string)[];
  'labels'?: ({[key: string]: string});
  'availabilityZone'?: (string);
  'overcommit'?: (_drover_v1_OvercommitInput | null);
  'disabled'?: (boolean);
  'disabledReason'?: (string);
}

export interface UpdateHostRequest {
  'host': (string);
  'updateMask': (string)[];
  'labels': ({[key: string]: string});
  'availabilityZone': (string);
  'overcommit': (_drover_v1_Overcommit | null);
  'disabled': (boolean);
  'disabledReason': (string);
}
