// Original file: proto/drover/v1/placement.proto


export interface PlacementNetworkInput {
  'physnets'?: (string)[];
  'tunneled'?: (boolean);
}

export interface PlacementNetwork {
  'physnets': (string)[];
  'tunneled': (boolean);
}
