// Original file: proto/drover/v1/agent_session.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { EnrolRequestInput as _drover_v1_EnrolRequestInput, EnrolRequest as _drover_v1_EnrolRequest } from '../../drover/v1/EnrolRequest.js';
import type { EnrolResponseInput as _drover_v1_EnrolResponseInput, EnrolResponse as _drover_v1_EnrolResponse } from '../../drover/v1/EnrolResponse.js';

export interface EnrolmentClient extends grpc.Client {
  Enrol(argument: _drover_v1_EnrolRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_EnrolResponse>): grpc.ClientUnaryCall;
  Enrol(argument: _drover_v1_EnrolRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_EnrolResponse>): grpc.ClientUnaryCall;
  Enrol(argument: _drover_v1_EnrolRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_EnrolResponse>): grpc.ClientUnaryCall;
  Enrol(argument: _drover_v1_EnrolRequestInput, callback: grpc.requestCallback<_drover_v1_EnrolResponse>): grpc.ClientUnaryCall;
  enrol(argument: _drover_v1_EnrolRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_EnrolResponse>): grpc.ClientUnaryCall;
  enrol(argument: _drover_v1_EnrolRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_EnrolResponse>): grpc.ClientUnaryCall;
  enrol(argument: _drover_v1_EnrolRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_EnrolResponse>): grpc.ClientUnaryCall;
  enrol(argument: _drover_v1_EnrolRequestInput, callback: grpc.requestCallback<_drover_v1_EnrolResponse>): grpc.ClientUnaryCall;
  
}

export interface EnrolmentHandlers extends grpc.UntypedServiceImplementation {
  Enrol: grpc.handleUnaryCall<_drover_v1_EnrolRequest, _drover_v1_EnrolResponseInput>;
  
}

export interface EnrolmentDefinition extends grpc.ServiceDefinition {
  Enrol: MethodDefinition<_drover_v1_EnrolRequestInput, _drover_v1_EnrolResponseInput, _drover_v1_EnrolRequest, _drover_v1_EnrolResponse>
}
