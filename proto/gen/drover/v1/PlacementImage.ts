// Original file: proto/drover/v1/placement.proto


export interface PlacementImageInput {
  'id'?: (string);
  'name'?: (string);
  'properties'?: ({[key: string]: string});
}

export interface PlacementImage {
  'id': (string);
  'name': (string);
  'properties': ({[key: string]: string});
}
