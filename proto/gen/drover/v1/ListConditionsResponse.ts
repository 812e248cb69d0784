// Original file: proto/drover/v1/health.proto

import type { ConditionInput as _drover_v1_ConditionInput, Condition as _drover_v1_Condition } from '../../drover/v1/Condition.js';

export interface ListConditionsResponseInput {
  'conditions'?: (_drover_v1_ConditionInput)[];
  'total'?: (number);
}

export interface ListConditionsResponse {
  'conditions': (_drover_v1_Condition)[];
  'total': (number);
}
