// Original file: proto/drover/v1/fleet.proto

import type { PciDeviceInput as _drover_v1_PciDeviceInput, PciDevice as _drover_v1_PciDevice } from '../../drover/v1/PciDevice.js';

export interface PassthroughFactsInput {
  'devices'?: (_drover_v1_PciDeviceInput)[];
}

export interface PassthroughFacts {
  'devices': (_drover_v1_PciDevice)[];
}
