// Original file: proto/drover/v1/agent_session.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentMessageInput as _drover_v1_AgentMessageInput, AgentMessage as _drover_v1_AgentMessage } from '../../drover/v1/AgentMessage.js';
import type { ControlMessageInput as _drover_v1_ControlMessageInput, ControlMessage as _drover_v1_ControlMessage } from '../../drover/v1/ControlMessage.js';
import type { RenewCertificateRequestInput as _drover_v1_RenewCertificateRequestInput, RenewCertificateRequest as _drover_v1_RenewCertificateRequest } from '../../drover/v1/RenewCertificateRequest.js';
import type { RenewCertificateResponseInput as _drover_v1_RenewCertificateResponseInput, RenewCertificateResponse as _drover_v1_RenewCertificateResponse } from '../../drover/v1/RenewCertificateResponse.js';

export interface AgentSessionClient extends grpc.Client {
  RenewCertificate(argument: _drover_v1_RenewCertificateRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_RenewCertificateResponse>): grpc.ClientUnaryCall;
  RenewCertificate(argument: _drover_v1_RenewCertificateRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_RenewCertificateResponse>): grpc.ClientUnaryCall;
  RenewCertificate(argument: _drover_v1_RenewCertificateRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_RenewCertificateResponse>): grpc.ClientUnaryCall;
  RenewCertificate(argument: _drover_v1_RenewCertificateRequestInput, callback: grpc.requestCallback<_drover_v1_RenewCertificateResponse>): grpc.ClientUnaryCall;
  renewCertificate(argument: _drover_v1_RenewCertificateRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_RenewCertificateResponse>): grpc.ClientUnaryCall;
  renewCertificate(argument: _drover_v1_RenewCertificateRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_RenewCertificateResponse>): grpc.ClientUnaryCall;
  renewCertificate(argument: _drover_v1_RenewCertificateRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_RenewCertificateResponse>): grpc.ClientUnaryCall;
  renewCertificate(argument: _drover_v1_RenewCertificateRequestInput, callback: grpc.requestCallback<_drover_v1_RenewCertificateResponse>): grpc.ClientUnaryCall;
  
  Session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_drover_v1_AgentMessageInput, _drover_v1_ControlMessage>;
  Session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_drover_v1_AgentMessageInput, _drover_v1_ControlMessage>;
  session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_drover_v1_AgentMessageInput, _drover_v1_ControlMessage>;
  session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_drover_v1_AgentMessageInput, _drover_v1_ControlMessage>;
  
}

export interface AgentSessionHandlers extends grpc.UntypedServiceImplementation {
  RenewCertificate: grpc.handleUnaryCall<_drover_v1_RenewCertificateRequest, _drover_v1_RenewCertificateResponseInput>;
  
  Session: grpc.handleBidiStreamingCall<_drover_v1_AgentMessage, _drover_v1_ControlMessageInput>;
  
}

export interface AgentSessionDefinition extends grpc.ServiceDefinition {
  RenewCertificate: MethodDefinition<_drover_v1_RenewCertificateRequestInput, _drover_v1_RenewCertificateResponseInput, _drover_v1_RenewCertificateRequest, _drover_v1_RenewCertificateResponse>
  Session: MethodDefinition<_drover_v1_AgentMessageInput, _drover_v1_ControlMessageInput, _drover_v1_AgentMessage, _drover_v1_ControlMessage>
}
