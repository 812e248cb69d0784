// Original file: proto/drover/v1/placement.proto

import type { PciDeviceSpecInput as _drover_v1_PciDeviceSpecInput, PciDeviceSpec as _drover_v1_PciDeviceSpec } from '../../drover/v1/PciDeviceSpec.js';

export interface PciDeviceRequestInput {
  'count'?: (number);
  'specs'?: (_drover_v1_PciDeviceSpecInput)[];
  'numaPolicy'?: (string);
}

export interface PciDeviceRequest {
  'count': (number);
  'specs': (_drover_v1_PciDeviceSpec)[];
  'numaPolicy': (string);
}
