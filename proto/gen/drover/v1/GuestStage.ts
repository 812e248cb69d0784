// Original file: proto/drover/v1/guests.proto

import type { GuestProgressInput as _drover_v1_GuestProgressInput, GuestProgress as _drover_v1_GuestProgress } from '../../drover/v1/GuestProgress.js';
import type { Long } from '@grpc/proto-loader';

export interface GuestStageInput {
  'id'?: (string);
  'kind'?: (string);
  'cause'?: (string);
  'state'?: (string);
  'startedUnixMs'?: (number | string | Long);
  'endedUnixMs'?: (number | string | Long);
  'waves'?: (number);
  'message'?: (string);
  'guests'?: (_drover_v1_GuestProgressInput)[];
}

export interface GuestStage {
  'id': (string);
  'kind': (string);
  'cause': (string);
  'state': (string);
  'startedUnixMs': (number);
  'endedUnixMs': (number);
  'waves': (number);
  'message': (string);
  'guests': (_drover_v1_GuestProgress)[];
}
