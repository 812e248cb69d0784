// Original file: proto/drover/v1/fleet.proto

import type { DomainInput as _drover_v1_DomainInput, Domain as _drover_v1_Domain } from '../../drover/v1/Domain.js';

export interface DomainReportInput {
  'domains'?: (_drover_v1_DomainInput)[];
}

export interface DomainReport {
  'domains': (_drover_v1_Domain)[];
}
