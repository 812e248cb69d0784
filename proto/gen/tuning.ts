import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ApplyProfileRequestInput as _drover_v1_ApplyProfileRequestInput, ApplyProfileRequest as _drover_v1_ApplyProfileRequest } from './drover/v1/ApplyProfileRequest.js';
import type { ApplyProfileResponseInput as _drover_v1_ApplyProfileResponseInput, ApplyProfileResponse as _drover_v1_ApplyProfileResponse } from './drover/v1/ApplyProfileResponse.js';
import type { GetProfileRequestInput as _drover_v1_GetProfileRequestInput, GetProfileRequest as _drover_v1_GetProfileRequest } from './drover/v1/GetProfileRequest.js';
import type { HostTuningInput as _drover_v1_HostTuningInput, HostTuning as _drover_v1_HostTuning } from './drover/v1/HostTuning.js';
import type { ListProfilesRequestInput as _drover_v1_ListProfilesRequestInput, ListProfilesRequest as _drover_v1_ListProfilesRequest } from './drover/v1/ListProfilesRequest.js';
import type { ListProfilesResponseInput as _drover_v1_ListProfilesResponseInput, ListProfilesResponse as _drover_v1_ListProfilesResponse } from './drover/v1/ListProfilesResponse.js';
import type { PendingRebootInput as _drover_v1_PendingRebootInput, PendingReboot as _drover_v1_PendingReboot } from './drover/v1/PendingReboot.js';
import type { ProfileInput as _drover_v1_ProfileInput, Profile as _drover_v1_Profile } from './drover/v1/Profile.js';
import type { ProfileSelectorInput as _drover_v1_ProfileSelectorInput, ProfileSelector as _drover_v1_ProfileSelector } from './drover/v1/ProfileSelector.js';
import type { SettingOwnerInput as _drover_v1_SettingOwnerInput, SettingOwner as _drover_v1_SettingOwner } from './drover/v1/SettingOwner.js';
import type { SettingStatusInput as _drover_v1_SettingStatusInput, SettingStatus as _drover_v1_SettingStatus } from './drover/v1/SettingStatus.js';
import type { TuningClient as _drover_v1_TuningClient, TuningDefinition as _drover_v1_TuningDefinition } from './drover/v1/Tuning.js';
import type { WithdrawProfileRequestInput as _drover_v1_WithdrawProfileRequestInput, WithdrawProfileRequest as _drover_v1_WithdrawProfileRequest } from './drover/v1/WithdrawProfileRequest.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  drover: {
    v1: {
      ApplyProfileRequest: MessageTypeDefinition<_drover_v1_ApplyProfileRequestInput, _drover_v1_ApplyProfileRequest>
      ApplyProfileResponse: MessageTypeDefinition<_drover_v1_ApplyProfileResponseInput, _drover_v1_ApplyProfileResponse>
      GetProfileRequest: MessageTypeDefinition<_drover_v1_GetProfileRequestInput, _drover_v1_GetProfileRequest>
      HostTuning: MessageTypeDefinition<_drover_v1_HostTuningInput, _drover_v1_HostTuning>
      ListProfilesRequest: MessageTypeDefinition<_drover_v1_ListProfilesRequestInput, _drover_v1_ListProfilesRequest>
      ListProfilesResponse: MessageTypeDefinition<_drover_v1_ListProfilesResponseInput, _drover_v1_ListProfilesResponse>
      PendingReboot: MessageTypeDefinition<_drover_v1_PendingRebootInput, _drover_v1_PendingReboot>
      Profile: MessageTypeDefinition<_drover_v1_ProfileInput, _drover_v1_Profile>
      ProfileSelector: MessageTypeDefinition<_drover_v1_ProfileSelectorInput, _drover_v1_ProfileSelector>
      SettingOwner: MessageTypeDefinition<_drover_v1_SettingOwnerInput, _drover_v1_SettingOwner>
      SettingStatus: MessageTypeDefinition<_drover_v1_SettingStatusInput, _drover_v1_SettingStatus>
      Tuning: SubtypeConstructor<typeof grpc.Client, _drover_v1_TuningClient> & { service: _drover_v1_TuningDefinition }
      WithdrawProfileRequest: MessageTypeDefinition<_drover_v1_WithdrawProfileRequestInput, _drover_v1_WithdrawProfileRequest>
    }
  }
}

