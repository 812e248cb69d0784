// Original file: proto/drover/v1/placement.proto

import type { SimulatedOvercommitInput as _drover_v1_SimulatedOvercommitInput, SimulatedOvercommit as _drover_v1_SimulatedOvercommit } from '../../drover/v1/SimulatedOvercommit.js';
import type { HostChoiceInput as _drover_v1_HostChoiceInput, HostChoice as _drover_v1_HostChoice } from '../../drover/v1/HostChoice.js';
import type { SimulatedHostsInput as _drover_v1_SimulatedHostsInput, SimulatedHosts as _drover_v1_SimulatedHosts } from '../../drover/v1/SimulatedHosts.js';

export interface SimulatedChangeInput {
  'overcommit'?: (_drover_v1_SimulatedOvercommitInput | null);
  'drain'?: (_drover_v1_HostChoiceInput | null);
  'addHosts'?: (_drover_v1_SimulatedHostsInput | null);
  'settings'?: ({[key: string]: string});
}

export interface SimulatedChange {
  'overcommit': (_drover_v1_SimulatedOvercommit | null);
  'drain': (_drover_v1_HostChoice | null);
  'addHosts': (_drover_v1_SimulatedHosts | null);
  'settings': ({[key: string]: string});
}
