// Original file: proto/drover/v1/fleet.proto

import type { Long } from '@grpc/proto-loader';

export interface HostMaintenanceInput {
  'state'?: (string);
  'reason'?: (string);
  'by'?: (string);
  'sinceUnixMs'?: (number | string | Long);
  'guests'?: (string);
  'stageId'?: (string);
  'stageState'?: (string);
  'stageEndedUnixMs'?: (number | string | Long);
  'stageMessage'?: (string);
}

export interface HostMaintenance {
  'state': (string);
  'reason': (string);
  'by': (string);
  'sinceUnixMs': (number);
  'guests': (string);
  'stageId': (string);
  'stageState': (string);
  'stageEndedUnixMs': (number);
  'stageMessage': (string);
}
