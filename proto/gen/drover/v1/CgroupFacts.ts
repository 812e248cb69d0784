// Original file: proto/drover/v1/fleet.proto


export interface CgroupFactsInput {
  'mode'?: (string);
  'controllers'?: ({[key: string]: string});
  'unified'?: (string);
  'unifiedControllers'?: (string)[];
}

export interface CgroupFacts {
  'mode': (string);
  'controllers': ({[key: string]: string});
  'unified': (string);
  'unifiedControllers': (string)[];
}
