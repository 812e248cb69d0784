// Original file: proto/drover/v1/tuning.proto


export interface SettingOwnerInput {
  'tuner'?: (string);
  'owner'?: (string);
  'state'?: (string);
  'evidence'?: (string);
}

export interface SettingOwner {
  'tuner': (string);
  'owner': (string);
  'state': (string);
  'evidence': (string);
}
