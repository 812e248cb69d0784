// Original file: proto/drover/v1/placement.proto

import type { RefusalInput as _drover_v1_RefusalInput, Refusal as _drover_v1_Refusal } from '../../drover/v1/Refusal.js';

export interface HostExplanationInput {
  'hostId'?: (string);
  'hostName'?: (string);
  'passes'?: (boolean);
  'weight'?: (number | string);
  'refusals'?: (_drover_v1_RefusalInput)[];
  'firstFilter'?: (string);
  'soleFilter'?: (string);
}

export interface HostExplanation {
  'hostId': (string);
  'hostName': (string);
  'passes': (boolean);
  'weight': (number);
  'refusals': (_drover_v1_Refusal)[];
  'firstFilter': (string);
  'soleFilter': (string);
}
