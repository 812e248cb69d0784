// Original file: proto/drover/v1/tuning.proto


export interface ProfileSelectorInput {
  'hosts'?: (string)[];
  'labels'?: ({[key: string]: string});
  'availabilityZones'?: (string)[];
}

export interface ProfileSelector {
  'hosts': (string)[];
  'labels': ({[key: string]: string});
  'availabilityZones': (string)[];
}
