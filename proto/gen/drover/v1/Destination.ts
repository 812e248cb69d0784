// Original file: proto/drover/v1/placement.proto


export interface DestinationInput {
  'hostId'?: (string);
  'hostName'?: (string);
  'weight'?: (number | string);
  'weights'?: ({[key: string]: number | string});
}

export interface Destination {
  'hostId': (string);
  'hostName': (string);
  'weight': (number);
  'weights': ({[key: string]: number});
}
