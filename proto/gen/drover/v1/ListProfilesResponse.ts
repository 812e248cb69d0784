// Original file: proto/drover/v1/tuning.proto

import type { ProfileInput as _drover_v1_ProfileInput, Profile as _drover_v1_Profile } from '../../drover/v1/Profile.js';

export interface ListProfilesResponseInput {
  'profiles'?: (_drover_v1_ProfileInput)[];
}

export interface ListProfilesResponse {
  'profiles': (_drover_v1_Profile)[];
}
