// Original file: proto/drover/v1/tuning.proto

import type { ProfileInput as _drover_v1_ProfileInput, Profile as _drover_v1_Profile } from '../../drover/v1/Profile.js';

export interface ApplyProfileRequestInput {
  'profile'?: (_drover_v1_ProfileInput | null);
  'validateOnly'?: (boolean);
}

export interface ApplyProfileRequest {
  'profile': (_drover_v1_Profile | null);
  'validateOnly': (boolean);
}
