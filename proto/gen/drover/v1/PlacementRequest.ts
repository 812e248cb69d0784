// Original file: proto/drover/v1/placement.proto

import type { PlacementImageInput as _drover_v1_PlacementImageInput, PlacementImage as _drover_v1_PlacementImage } from '../../drover/v1/PlacementImage.js';
import type { ValuesInput as _drover_v1_ValuesInput, Values as _drover_v1_Values } from '../../drover/v1/Values.js';
import type { RequestedDestinationInput as _drover_v1_RequestedDestinationInput, RequestedDestination as _drover_v1_RequestedDestination } from '../../drover/v1/RequestedDestination.js';
import type { PciDeviceRequestInput as _drover_v1_PciDeviceRequestInput, PciDeviceRequest as _drover_v1_PciDeviceRequest } from '../../drover/v1/PciDeviceRequest.js';
import type { PlacementNetworkInput as _drover_v1_PlacementNetworkInput, PlacementNetwork as _drover_v1_PlacementNetwork } from '../../drover/v1/PlacementNetwork.js';
import type { Long } from '@grpc/proto-loader';

export interface PlacementRequestInput {
  'vcpus'?: (number);
  'memoryMb'?: (number | string | Long);
  'rootGb'?: (number | string | Long);
  'ephemeralGb'?: (number | string | Long);
  'swapMb'?: (number | string | Long);
  'availabilityZone'?: (string);
  'instanceUuid'?: (string);
  'extraSpecs'?: ({[key: string]: string});
  'flavor'?: (string);
  'image'?: (_drover_v1_PlacementImageInput | null);
  'projectId'?: (string);
  'schedulerHints'?: ({[key: string]: _drover_v1_ValuesInput});
  'serverGroup'?: (string);
  'ignoreHosts'?: (string)[];
  'forceHosts'?: (string)[];
  'forceNodes'?: (string)[];
  'requestedDestination'?: (_drover_v1_RequestedDestinationInput | null);
  'pciRequests'?: (_drover_v1_PciDeviceRequestInput)[];
  'network'?: (_drover_v1_PlacementNetworkInput | null);
  'bootsFromVolume'?: (boolean);
}

export interface PlacementRequest {
  'vcpus': (number);
  'memoryMb': (number);
  'rootGb': (number);
  'ephemeralGb': (number);
  'swapMb': (number);
  'availabilityZone': (string);
  'instanceUuid': (string);
  'extraSpecs': ({[key: string]: string});
  'flavor': (string);
  'image': (_drover_v1_PlacementImage | null);
  'projectId': (string);
  'schedulerHints': ({[key: string]: _drover_v1_Values});
  'serverGroup': (string);
  'ignoreHosts': (string)[];
  'forceHosts': (string)[];
  'forceNodes': (string)[];
  'requestedDestination': (_drover_v1_RequestedDestination | null);
  'pciRequests': (_drover_v1_PciDeviceRequest)[];
  'network': (_drover_v1_PlacementNetwork | null);
  'bootsFromVolume': (boolean);
}
