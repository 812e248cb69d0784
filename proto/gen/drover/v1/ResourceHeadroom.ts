// Original file: proto/drover/v1/placement.proto


export interface ResourceHeadroomInput {
  'resource'?: (string);
  'before'?: (number | string);
  'after'?: (number | string);
  'capacity'?: (number | string);
}

export interface ResourceHeadroom {
  'resource': (string);
  'before': (number);
  'after': (number);
  'capacity': (number);
}
