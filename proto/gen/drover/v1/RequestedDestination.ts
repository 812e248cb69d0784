// Original file: proto/drover/v1/placement.proto


export interface RequestedDestinationInput {
  'host'?: (string);
  'node'?: (string);
  'cellUuid'?: (string);
  'allowCrossCellMove'?: (boolean);
}

export interface RequestedDestination {
  'host': (string);
  'node': (string);
  'cellUuid': (string);
  'allowCrossCellMove': (boolean);
}
