// Original file: proto/drover/v1/tuning.proto

import type { ProfileInput as _drover_v1_ProfileInput, Profile as _drover_v1_Profile } from '../../drover/v1/Profile.js';

export interface ApplyProfileResponseInput {
  'profile'?: (_drover_v1_ProfileInput | null);
  'created'?: (boolean);
  'selectedHosts'?: (string)[];
}

export interface ApplyProfileResponse {
  'profile': (_drover_v1_Profile | null);
  'created': (boolean);
  'selectedHosts': (string)[];
}
