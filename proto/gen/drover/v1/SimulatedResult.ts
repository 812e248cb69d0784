// Original file: proto/drover/v1/placement.proto


export interface SimulatedResultInput {
  'placed'?: (number);
  'refused'?: (number);
  'why'?: (string);
  'hosts'?: ({[key: string]: number});
}

export interface SimulatedResult {
  'placed': (number);
  'refused': (number);
  'why': (string);
  'hosts': ({[key: string]: number});
}
