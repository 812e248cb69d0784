// Original file: proto/drover/v1/tuning.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ApplyProfileRequestInput as _drover_v1_ApplyProfileRequestInput, ApplyProfileRequest as _drover_v1_ApplyProfileRequest } from '../../drover/v1/ApplyProfileRequest.js';
import type { ApplyProfileResponseInput as _drover_v1_ApplyProfileResponseInput, ApplyProfileResponse as _drover_v1_ApplyProfileResponse } from '../../drover/v1/ApplyProfileResponse.js';
import type { GetProfileRequestInput as _drover_v1_GetProfileRequestInput, GetProfileRequest as _drover_v1_GetProfileRequest } from '../../drover/v1/GetProfileRequest.js';
import type { ListProfilesRequestInput as _drover_v1_ListProfilesRequestInput, ListProfilesRequest as _drover_v1_ListProfilesRequest } from '../../drover/v1/ListProfilesRequest.js';
import type { ListProfilesResponseInput as _drover_v1_ListProfilesResponseInput, ListProfilesResponse as _drover_v1_ListProfilesResponse } from '../../drover/v1/ListProfilesResponse.js';
import type { ProfileInput as _drover_v1_ProfileInput, Profile as _drover_v1_Profile } from '../../drover/v1/Profile.js';
import type { WithdrawProfileRequestInput as _drover_v1_WithdrawProfileRequestInput, WithdrawProfileRequest as _drover_v1_WithdrawProfileRequest } from '../../drover/v1/WithdrawProfileRequest.js';

export interface TuningClient extends grpc.Client {
  ApplyProfile(argument: _drover_v1_ApplyProfileRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ApplyProfileResponse>): grpc.ClientUnaryCall;
  ApplyProfile(argument: _drover_v1_ApplyProfileRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ApplyProfileResponse>): grpc.ClientUnaryCall;
  ApplyProfile(argument: _drover_v1_ApplyProfileRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ApplyProfileResponse>): grpc.ClientUnaryCall;
  ApplyProfile(argument: _drover_v1_ApplyProfileRequestInput, callback: grpc.requestCallback<_drover_v1_ApplyProfileResponse>): grpc.ClientUnaryCall;
  applyProfile(argument: _drover_v1_ApplyProfileRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ApplyProfileResponse>): grpc.ClientUnaryCall;
  applyProfile(argument: _drover_v1_ApplyProfileRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ApplyProfileResponse>): grpc.ClientUnaryCall;
  applyProfile(argument: _drover_v1_ApplyProfileRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ApplyProfileResponse>): grpc.ClientUnaryCall;
  applyProfile(argument: _drover_v1_ApplyProfileRequestInput, callback: grpc.requestCallback<_drover_v1_ApplyProfileResponse>): grpc.ClientUnaryCall;
  
  GetProfile(argument: _drover_v1_GetProfileRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  GetProfile(argument: _drover_v1_GetProfileRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  GetProfile(argument: _drover_v1_GetProfileRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  GetProfile(argument: _drover_v1_GetProfileRequestInput, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  getProfile(argument: _drover_v1_GetProfileRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  getProfile(argument: _drover_v1_GetProfileRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  getProfile(argument: _drover_v1_GetProfileRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  getProfile(argument: _drover_v1_GetProfileRequestInput, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  
  ListProfiles(argument: _drover_v1_ListProfilesRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListProfilesResponse>): grpc.ClientUnaryCall;
  ListProfiles(argument: _drover_v1_ListProfilesRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListProfilesResponse>): grpc.ClientUnaryCall;
  ListProfiles(argument: _drover_v1_ListProfilesRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListProfilesResponse>): grpc.ClientUnaryCall;
  ListProfiles(argument: _drover_v1_ListProfilesRequestInput, callback: grpc.requestCallback<_drover_v1_ListProfilesResponse>): grpc.ClientUnaryCall;
  listProfiles(argument: _drover_v1_ListProfilesRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListProfilesResponse>): grpc.ClientUnaryCall;
  listProfiles(argument: _drover_v1_ListProfilesRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListProfilesResponse>): grpc.ClientUnaryCall;
  listProfiles(argument: _drover_v1_ListProfilesRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListProfilesResponse>): grpc.ClientUnaryCall;
  listProfiles(argument: _drover_v1_ListProfilesRequestInput, callback: grpc.requestCallback<_drover_v1_ListProfilesResponse>): grpc.ClientUnaryCall;
  
  WithdrawProfile(argument: _drover_v1_WithdrawProfileRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  WithdrawProfile(argument: _drover_v1_WithdrawProfileRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  WithdrawProfile(argument: _drover_v1_WithdrawProfileRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  WithdrawProfile(argument: _drover_v1_WithdrawProfileRequestInput, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  withdrawProfile(argument: _drover_v1_WithdrawProfileRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  withdrawProfile(argument: _drover_v1_WithdrawProfileRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  withdrawProfile(argument: _drover_v1_WithdrawProfileRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  withdrawProfile(argument: _drover_v1_WithdrawProfileRequestInput, callback: grpc.requestCallback<_drover_v1_Profile>): grpc.ClientUnaryCall;
  
}

export interface TuningHandlers extends grpc.UntypedServiceImplementation {
  ApplyProfile: grpc.handleUnaryCall<_drover_v1_ApplyProfileRequest, _drover_v1_ApplyProfileResponseInput>;
  
  GetProfile: grpc.handleUnaryCall<_drover_v1_GetProfileRequest, _drover_v1_ProfileInput>;
  
  ListProfiles: grpc.handleUnaryCall<_drover_v1_ListProfilesRequest, _drover_v1_ListProfilesResponseInput>;
  
  WithdrawProfile: grpc.handleUnaryCall<_drover_v1_WithdrawProfileRequest, _drover_v1_ProfileInput>;
  
}

export interface TuningDefinition extends grpc.ServiceDefinition {
  ApplyProfile: MethodDefinition<_drover_v1_ApplyProfileRequestInput, _drover_v1_ApplyProfileResponseInput, _drover_v1_ApplyProfileRequest, _drover_v1_ApplyProfileResponse>
  GetProfile: MethodDefinition<_drover_v1_GetProfileRequestInput, _drover_v1_ProfileInput, _drover_v1_GetProfileRequest, _drover_v1_Profile>
  ListProfiles: MethodDefinition<_drover_v1_ListProfilesRequestInput, _drover_v1_ListProfilesResponseInput, _drover_v1_ListProfilesRequest, _drover_v1_ListProfilesResponse>
  WithdrawProfile: MethodDefinition<_drover_v1_WithdrawProfileRequestInput, _drover_v1_ProfileInput, _drover_v1_WithdrawProfileRequest, _drover_v1_Profile>
}
