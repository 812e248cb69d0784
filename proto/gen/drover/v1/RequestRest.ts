// Original file: proto/drover/v1/placement.proto

import type { PlacementImageInput as _drover_v1_PlacementImageInput, PlacementImage as _drover_v1_PlacementImage } from '../../drover/v1/PlacementImage.js';
import type { ValuesInput as _drover_v1_ValuesInput, Values as _drover_v1_Values } from '../../drover/v1/Values.js';
import type { PciDeviceRequestInput as _drover_v1_PciDeviceRequestInput, PciDeviceRequest as _drover_v1_PciDeviceRequest } from '../../drover/v1/PciDeviceRequest.js';
import type { PlacementNetworkInput as _drover_v1_PlacementNetworkInput, PlacementNetwork as _drover_v1_PlacementNetwork } from '../../drover/v1/PlacementNetwork.js';

export interface RequestRestInput {
  'image'?: (_drover_v1_PlacementImageInput | null);
  'schedulerHints'?: ({[key: string]: _drover_v1_ValuesInput});
  'pciRequests'?: (_drover_v1_PciDeviceRequestInput)[];
  'network'?: (_drover_v1_PlacementNetworkInput | null);
  'bootsFromVolume'?: (boolean);
}

export interface RequestRest {
  'image': (_drover_v1_PlacementImage | null);
  'schedulerHints': ({[key: string]: _drover_v1_Values});
  'pciRequests': (_drover_v1_PciDeviceRequest)[];
  'network': (_drover_v1_PlacementNetwork | null);
  'bootsFromVolume': (boolean);
}
