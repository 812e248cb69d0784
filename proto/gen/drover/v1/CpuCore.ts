// Original file: proto/drover/v1/fleet.proto


export interface CpuCoreInput {
  'cpus'?: (string);
  'socket'?: (number);
  'efficiencyRank'?: (number);
}

export interface CpuCore {
  'cpus': (string);
  'socket': (number);
  'efficiencyRank': (number);
}
