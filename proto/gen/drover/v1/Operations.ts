// Original file: proto/drover/v1/operation.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GetOperationRequestInput as _drover_v1_GetOperationRequestInput, GetOperationRequest as _drover_v1_GetOperationRequest } from '../../drover/v1/GetOperationRequest.js';
import type { ListOperationsRequestInput as _drover_v1_ListOperationsRequestInput, ListOperationsRequest as _drover_v1_ListOperationsRequest } from '../../drover/v1/ListOperationsRequest.js';
import type { ListOperationsResponseInput as _drover_v1_ListOperationsResponseInput, ListOperationsResponse as _drover_v1_ListOperationsResponse } from '../../drover/v1/ListOperationsResponse.js';
import type { OperationInput as _drover_v1_OperationInput, Operation as _drover_v1_Operation } from '../../drover/v1/Operation.js';
import type { StartOperationRequestInput as _drover_v1_StartOperationRequestInput, StartOperationRequest as _drover_v1_StartOperationRequest } from '../../drover/v1/StartOperationRequest.js';

export interface OperationsClient extends grpc.Client {
  GetOperation(argument: _drover_v1_GetOperationRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  GetOperation(argument: _drover_v1_GetOperationRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  GetOperation(argument: _drover_v1_GetOperationRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  GetOperation(argument: _drover_v1_GetOperationRequestInput, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  getOperation(argument: _drover_v1_GetOperationRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  getOperation(argument: _drover_v1_GetOperationRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  getOperation(argument: _drover_v1_GetOperationRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  getOperation(argument: _drover_v1_GetOperationRequestInput, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  
  ListOperations(argument: _drover_v1_ListOperationsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListOperationsResponse>): grpc.ClientUnaryCall;
  ListOperations(argument: _drover_v1_ListOperationsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListOperationsResponse>): grpc.ClientUnaryCall;
  ListOperations(argument: _drover_v1_ListOperationsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListOperationsResponse>): grpc.ClientUnaryCall;
  ListOperations(argument: _drover_v1_ListOperationsRequestInput, callback: grpc.requestCallback<_drover_v1_ListOperationsResponse>): grpc.ClientUnaryCall;
  listOperations(argument: _drover_v1_ListOperationsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListOperationsResponse>): grpc.ClientUnaryCall;
  listOperations(argument: _drover_v1_ListOperationsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListOperationsResponse>): grpc.ClientUnaryCall;
  listOperations(argument: _drover_v1_ListOperationsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListOperationsResponse>): grpc.ClientUnaryCall;
  listOperations(argument: _drover_v1_ListOperationsRequestInput, callback: grpc.requestCallback<_drover_v1_ListOperationsResponse>): grpc.ClientUnaryCall;
  
  StartOperation(argument: _drover_v1_StartOperationRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  StartOperation(argument: _drover_v1_StartOperationRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  StartOperation(argument: _drover_v1_StartOperationRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  StartOperation(argument: _drover_v1_StartOperationRequestInput, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  startOperation(argument: _drover_v1_StartOperationRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  startOperation(argument: _drover_v1_StartOperationRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  startOperation(argument: _drover_v1_StartOperationRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  startOperation(argument: _drover_v1_StartOperationRequestInput, callback: grpc.requestCallback<_drover_v1_Operation>): grpc.ClientUnaryCall;
  
}

export interface OperationsHandlers extends grpc.UntypedServiceImplementation {
  GetOperation: grpc.handleUnaryCall<_drover_v1_GetOperationRequest, _drover_v1_OperationInput>;
  
  ListOperations: grpc.handleUnaryCall<_drover_v1_ListOperationsRequest, _drover_v1_ListOperationsResponseInput>;
  
  StartOperation: grpc.handleUnaryCall<_drover_v1_StartOperationRequest, _drover_v1_OperationInput>;
  
}

export interface OperationsDefinition extends grpc.ServiceDefinition {
  GetOperation: MethodDefinition<_drover_v1_GetOperationRequestInput, _drover_v1_OperationInput, _drover_v1_GetOperationRequest, _drover_v1_Operation>
  ListOperations: MethodDefinition<_drover_v1_ListOperationsRequestInput, _drover_v1_ListOperationsResponseInput, _drover_v1_ListOperationsRequest, _drover_v1_ListOperationsResponse>
  StartOperation: MethodDefinition<_drover_v1_StartOperationRequestInput, _drover_v1_OperationInput, _drover_v1_StartOperationRequest, _drover_v1_Operation>
}
