// Original file: proto/drover/v1/health.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ListConditionsRequestInput as _drover_v1_ListConditionsRequestInput, ListConditionsRequest as _drover_v1_ListConditionsRequest } from '../../drover/v1/ListConditionsRequest.js';
import type { ListConditionsResponseInput as _drover_v1_ListConditionsResponseInput, ListConditionsResponse as _drover_v1_ListConditionsResponse } from '../../drover/v1/ListConditionsResponse.js';

export interface HealthClient extends grpc.Client {
  ListConditions(argument: _drover_v1_ListConditionsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListConditionsResponse>): grpc.ClientUnaryCall;
  ListConditions(argument: _drover_v1_ListConditionsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListConditionsResponse>): grpc.ClientUnaryCall;
  ListConditions(argument: _drover_v1_ListConditionsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListConditionsResponse>): grpc.ClientUnaryCall;
  ListConditions(argument: _drover_v1_ListConditionsRequestInput, callback: grpc.requestCallback<_drover_v1_ListConditionsResponse>): grpc.ClientUnaryCall;
  listConditions(argument: _drover_v1_ListConditionsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListConditionsResponse>): grpc.ClientUnaryCall;
  listConditions(argument: _drover_v1_ListConditionsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListConditionsResponse>): grpc.ClientUnaryCall;
  listConditions(argument: _drover_v1_ListConditionsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListConditionsResponse>): grpc.ClientUnaryCall;
  listConditions(argument: _drover_v1_ListConditionsRequestInput, callback: grpc.requestCallback<_drover_v1_ListConditionsResponse>): grpc.ClientUnaryCall;
  
}

export interface HealthHandlers extends grpc.UntypedServiceImplementation {
  ListConditions: grpc.handleUnaryCall<_drover_v1_ListConditionsRequest, _drover_v1_ListConditionsResponseInput>;
  
}

export interface HealthDefinition extends grpc.ServiceDefinition {
  ListConditions: MethodDefinition<_drover_v1_ListConditionsRequestInput, _drover_v1_ListConditionsResponseInput, _drover_v1_ListConditionsRequest, _drover_v1_ListConditionsResponse>
}
