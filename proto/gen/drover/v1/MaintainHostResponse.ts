// Original file: proto/drover/v1/fleet.proto

import type { HostInput as _drover_v1_HostInput, Host as _drover_v1_Host } from '../../drover/v1/Host.js';
import type { GuestOutlookInput as _drover_v1_GuestOutlookInput, GuestOutlook as _drover_v1_GuestOutlook } from '../../drover/v1/GuestOutlook.js';
import type { CapacityOutlookInput as _drover_v1_CapacityOutlookInput, CapacityOutlook as _drover_v1_CapacityOutlook } from '../../drover/v1/CapacityOutlook.js';

export interface MaintainHostResponseInput {
  'host'?: (_drover_v1_HostInput | null);
  'guests'?: (_drover_v1_GuestOutlookInput)[];
  'capacity'?: (_drover_v1_CapacityOutlookInput)[];
  'warnings'?: (string)[];
  'refusals'?: (string)[];
}

export interface MaintainHostResponse {
  'host': (_drover_v1_Host | null);
  'guests': (_drover_v1_GuestOutlook)[];
  'capacity': (_drover_v1_CapacityOutlook)[];
  'warnings': (string)[];
  'refusals': (string)[];
}
