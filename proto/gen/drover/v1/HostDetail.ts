// Original file: proto/drover/v1/fleet.proto

import type { HostInput as _drover_v1_HostInput, Host as _drover_v1_Host } from '../../drover/v1/Host.js';
import type { HostFactsInput as _drover_v1_HostFactsInput, HostFacts as _drover_v1_HostFacts } from '../../drover/v1/HostFacts.js';
import type { DomainInput as _drover_v1_DomainInput, Domain as _drover_v1_Domain } from '../../drover/v1/Domain.js';
import type { HostTuningInput as _drover_v1_HostTuningInput, HostTuning as _drover_v1_HostTuning } from '../../drover/v1/HostTuning.js';
import type { ConditionInput as _drover_v1_ConditionInput, Condition as _drover_v1_Condition } from '../../drover/v1/Condition.js';
import type { GuestReportInput as _drover_v1_GuestReportInput, GuestReport as _drover_v1_GuestReport } from '../../drover/v1/GuestReport.js';

export interface HostDetailInput {
  'host'?: (_drover_v1_HostInput | null);
  'facts'?: (_drover_v1_HostFactsInput | null);
  'domains'?: (_drover_v1_DomainInput)[];
  'tuning'?: (_drover_v1_HostTuningInput | null);
  'conditions'?: (_drover_v1_ConditionInput)[];
  'guests'?: (_drover_v1_GuestReportInput | null);
}

export interface HostDetail {
  'host': (_drover_v1_Host | null);
  'facts': (_drover_v1_HostFacts | null);
  'domains': (_drover_v1_Domain)[];
  'tuning': (_drover_v1_HostTuning | null);
  'conditions': (_drover_v1_Condition)[];
  'guests': (_drover_v1_GuestReport | null);
}
