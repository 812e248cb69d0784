// Original file: proto/drover/v1/placement.proto

import type { Long } from '@grpc/proto-loader';

export interface GuestCellPlacementInput {
  'guestCell'?: (number);
  'hostCell'?: (number);
  'memoryMb'?: (number | string | Long);
  'pageSizeKb'?: (number | string | Long);
  'sharedVcpus'?: (number);
  'pinning'?: ({[key: number]: number});
  'emulatorCpus'?: (number)[];
  'idleCpus'?: (number)[];
}

export interface GuestCellPlacement {
  'guestCell': (number);
  'hostCell': (number);
  'memoryMb': (number);
  'pageSizeKb': (number);
  'sharedVcpus': (number);
  'pinning': ({[key: number]: number});
  'emulatorCpus': (number)[];
  'idleCpus': (number)[];
}
