// Original file: proto/drover/v1/placement.proto

import type { HostChoiceInput as _drover_v1_HostChoiceInput, HostChoice as _drover_v1_HostChoice } from '../../drover/v1/HostChoice.js';

export interface SimulatedOvercommitInput {
  'hosts'?: (_drover_v1_HostChoiceInput | null);
  'cpuAllocationRatio'?: (number | string);
  'ramAllocationRatio'?: (number | string);
  'diskAllocationRatio'?: (number | string);
}

export interface SimulatedOvercommit {
  'hosts': (_drover_v1_HostChoice | null);
  'cpuAllocationRatio': (number);
  'ramAllocationRatio': (number);
  'diskAllocationRatio': (number);
}
