// Original file: proto/drover/v1/placement.proto

import type { HostExplanationInput as _drover_v1_HostExplanationInput, HostExplanation as _drover_v1_HostExplanation } from '../../drover/v1/HostExplanation.js';
import type { FilterCountInput as _drover_v1_FilterCountInput, FilterCount as _drover_v1_FilterCount } from '../../drover/v1/FilterCount.js';
import type { RefusalCountInput as _drover_v1_RefusalCountInput, RefusalCount as _drover_v1_RefusalCount } from '../../drover/v1/RefusalCount.js';
import type { RelaxationInput as _drover_v1_RelaxationInput, Relaxation as _drover_v1_Relaxation } from '../../drover/v1/Relaxation.js';
import type { Long } from '@grpc/proto-loader';

export interface ExplainResponseInput {
  'hosts'?: (_drover_v1_HostExplanationInput)[];
  'filters'?: (_drover_v1_FilterCountInput)[];
  'hostsConsidered'?: (number);
  'hostsPassed'?: (number);
  'revision'?: (number | string | Long);
  'refusals'?: (_drover_v1_RefusalCountInput)[];
  'relaxations'?: (_drover_v1_RelaxationInput)[];
  'warnings'?: (string)[];
}

export interface ExplainResponse {
  'hosts': (_drover_v1_HostExplanation)[];
  'filters': (_drover_v1_FilterCount)[];
  'hostsConsidered': (number);
  'hostsPassed': (number);
  'revision': (number);
  'refusals': (_drover_v1_RefusalCount)[];
  'relaxations': (_drover_v1_Relaxation)[];
  'warnings': (string)[];
}
