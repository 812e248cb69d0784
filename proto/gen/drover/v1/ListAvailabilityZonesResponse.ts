// Original file: proto/drover/v1/catalog.proto

import type { AvailabilityZoneInput as _drover_v1_AvailabilityZoneInput, AvailabilityZone as _drover_v1_AvailabilityZone } from '../../drover/v1/AvailabilityZone.js';

export interface ListAvailabilityZonesResponseInput {
  'zones'?: (_drover_v1_AvailabilityZoneInput)[];
}

export interface ListAvailabilityZonesResponse {
  'zones': (_drover_v1_AvailabilityZone)[];
}
