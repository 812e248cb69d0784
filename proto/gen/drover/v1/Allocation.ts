// Original file: proto/drover/v1/placement.proto

import type { GuestCellPlacementInput as _drover_v1_GuestCellPlacementInput, GuestCellPlacement as _drover_v1_GuestCellPlacement } from '../../drover/v1/GuestCellPlacement.js';
import type { PciDeviceInput as _drover_v1_PciDeviceInput, PciDevice as _drover_v1_PciDevice } from '../../drover/v1/PciDevice.js';
import type { RequestRestInput as _drover_v1_RequestRestInput, RequestRest as _drover_v1_RequestRest } from '../../drover/v1/RequestRest.js';
import type { Long } from '@grpc/proto-loader';

export interface AllocationInput {
  'id'?: (string);
  'hostId'?: (string);
  'hostName'?: (string);
  'vcpus'?: (number);
  'memoryMb'?: (number | string | Long);
  'diskMb'?: (number | string | Long);
  'idempotencyKey'?: (string);
  'createdUnixMs'?: (number | string | Long);
  'instanceUuid'?: (string);
  'extraSpecs'?: ({[key: string]: string});
  'createdBy'?: (string);
  'availabilityZone'?: (string);
  'state'?: (string);
  'lapsesUnixMs'?: (number | string | Long);
  'flavor'?: (string);
  'projectId'?: (string);
  'serverGroupId'?: (string);
  'alternates'?: (string)[];
  'attempts'?: (number);
  'revision'?: (number | string | Long);
  'seed'?: (number | string | Long);
  'cells'?: (_drover_v1_GuestCellPlacementInput)[];
  'hostGeneration'?: (number | string | Long);
  'movedFrom'?: (string);
  'moveKey'?: (string);
  'devices'?: (_drover_v1_PciDeviceInput)[];
  'requestRest'?: (_drover_v1_RequestRestInput | null);
}

export interface Allocation {
  'id': (string);
  'hostId': (string);
  'hostName': (string);
  'vcpus': (number);
  'memoryMb': (number);
  'diskMb': (number);
  'idempotencyKey': (string);
  'createdUnixMs': (number);
  'instanceUuid': (string);
  'extraSpecs': ({[key: string]: string});
  'createdBy': (string);
  'availabilityZone': (string);
  'state': (string);
  'lapsesUnixMs': (number);
  'flavor': (string);
  'projectId': (string);
  'serverGroupId': (string);
  'alternates': (string)[];
  'attempts': (number);
  'revision': (number);
  'seed': (number);
  'cells': (_drover_v1_GuestCellPlacement)[];
  'hostGeneration': (number);
  'movedFrom': (string);
  'moveKey': (string);
  'devices': (_drover_v1_PciDevice)[];
  'requestRest': (_drover_v1_RequestRest | null);
}
