// Original file: proto/drover/v1/fleet.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CreateJoinTokenRequestInput as _drover_v1_CreateJoinTokenRequestInput, CreateJoinTokenRequest as _drover_v1_CreateJoinTokenRequest } from '../../drover/v1/CreateJoinTokenRequest.js';
import type { CreateJoinTokenResponseInput as _drover_v1_CreateJoinTokenResponseInput, CreateJoinTokenResponse as _drover_v1_CreateJoinTokenResponse } from '../../drover/v1/CreateJoinTokenResponse.js';
import type { DeleteHostRequestInput as _drover_v1_DeleteHostRequestInput, DeleteHostRequest as _drover_v1_DeleteHostRequest } from '../../drover/v1/DeleteHostRequest.js';
import type { DeleteHostResponseInput as _drover_v1_DeleteHostResponseInput, DeleteHostResponse as _drover_v1_DeleteHostResponse } from '../../drover/v1/DeleteHostResponse.js';
import type { GetHostRequestInput as _drover_v1_GetHostRequestInput, GetHostRequest as _drover_v1_GetHostRequest } from '../../drover/v1/GetHostRequest.js';
import type { HostInput as _drover_v1_HostInput, Host as _drover_v1_Host } from '../../drover/v1/Host.js';
import type { HostDetailInput as _drover_v1_HostDetailInput, HostDetail as _drover_v1_HostDetail } from '../../drover/v1/HostDetail.js';
import type { ListDomainsRequestInput as _drover_v1_ListDomainsRequestInput, ListDomainsRequest as _drover_v1_ListDomainsRequest } from '../../drover/v1/ListDomainsRequest.js';
import type { ListDomainsResponseInput as _drover_v1_ListDomainsResponseInput, ListDomainsResponse as _drover_v1_ListDomainsResponse } from '../../drover/v1/ListDomainsResponse.js';
import type { ListHostsRequestInput as _drover_v1_ListHostsRequestInput, ListHostsRequest as _drover_v1_ListHostsRequest } from '../../drover/v1/ListHostsRequest.js';
import type { ListHostsResponseInput as _drover_v1_ListHostsResponseInput, ListHostsResponse as _drover_v1_ListHostsResponse } from '../../drover/v1/ListHostsResponse.js';
import type { MaintainHostRequestInput as _drover_v1_MaintainHostRequestInput, MaintainHostRequest as _drover_v1_MaintainHostRequest } from '../../drover/v1/MaintainHostRequest.js';
import type { MaintainHostResponseInput as _drover_v1_MaintainHostResponseInput, MaintainHostResponse as _drover_v1_MaintainHostResponse } from '../../drover/v1/MaintainHostResponse.js';
import type { ResumeHostRequestInput as _drover_v1_ResumeHostRequestInput, ResumeHostRequest as _drover_v1_ResumeHostRequest } from '../../drover/v1/ResumeHostRequest.js';
import type { UpdateHostRequestInput as _drover_v1_UpdateHostRequestInput, UpdateHostRequest as _drover_v1_UpdateHostRequest } from '../../drover/v1/UpdateHostRequest.js';

export interface FleetClient extends grpc.Client {
  CreateJoinToken(argument: _drover_v1_CreateJoinTokenRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_CreateJoinTokenResponse>): grpc.ClientUnaryCall;
  CreateJoinToken(argument: _drover_v1_CreateJoinTokenRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_CreateJoinTokenResponse>): grpc.ClientUnaryCall;
  CreateJoinToken(argument: _drover_v1_CreateJoinTokenRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_CreateJoinTokenResponse>): grpc.ClientUnaryCall;
  CreateJoinToken(argument: _drover_v1_CreateJoinTokenRequestInput, callback: grpc.requestCallback<_drover_v1_CreateJoinTokenResponse>): grpc.ClientUnaryCall;
  createJoinToken(argument: _drover_v1_CreateJoinTokenRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_CreateJoinTokenResponse>): grpc.ClientUnaryCall;
  createJoinToken(argument: _drover_v1_CreateJoinTokenRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_CreateJoinTokenResponse>): grpc.ClientUnaryCall;
  createJoinToken(argument: _drover_v1_CreateJoinTokenRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_CreateJoinTokenResponse>): grpc.ClientUnaryCall;
  createJoinToken(argument: _drover_v1_CreateJoinTokenRequestInput, callback: grpc.requestCallback<_drover_v1_CreateJoinTokenResponse>): grpc.ClientUnaryCall;
  
  DeleteHost(argument: _drover_v1_DeleteHostRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteHostResponse>): grpc.ClientUnaryCall;
  DeleteHost(argument: _drover_v1_DeleteHostRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_DeleteHostResponse>): grpc.ClientUnaryCall;
  DeleteHost(argument: _drover_v1_DeleteHostRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteHostResponse>): grpc.ClientUnaryCall;
  DeleteHost(argument: _drover_v1_DeleteHostRequestInput, callback: grpc.requestCallback<_drover_v1_DeleteHostResponse>): grpc.ClientUnaryCall;
  deleteHost(argument: _drover_v1_DeleteHostRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteHostResponse>): grpc.ClientUnaryCall;
  deleteHost(argument: _drover_v1_DeleteHostRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_DeleteHostResponse>): grpc.ClientUnaryCall;
  deleteHost(argument: _drover_v1_DeleteHostRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteHostResponse>): grpc.ClientUnaryCall;
  deleteHost(argument: _drover_v1_DeleteHostRequestInput, callback: grpc.requestCallback<_drover_v1_DeleteHostResponse>): grpc.ClientUnaryCall;
  
  GetHost(argument: _drover_v1_GetHostRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_HostDetail>): grpc.ClientUnaryCall;
  GetHost(argument: _drover_v1_GetHostRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_HostDetail>): grpc.ClientUnaryCall;
  GetHost(argument: _drover_v1_GetHostRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_HostDetail>): grpc.ClientUnaryCall;
  GetHost(argument: _drover_v1_GetHostRequestInput, callback: grpc.requestCallback<_drover_v1_HostDetail>): grpc.ClientUnaryCall;
  getHost(argument: _drover_v1_GetHostRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_HostDetail>): grpc.ClientUnaryCall;
  getHost(argument: _drover_v1_GetHostRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_HostDetail>): grpc.ClientUnaryCall;
  getHost(argument: _drover_v1_GetHostRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_HostDetail>): grpc.ClientUnaryCall;
  getHost(argument: _drover_v1_GetHostRequestInput, callback: grpc.requestCallback<_drover_v1_HostDetail>): grpc.ClientUnaryCall;
  
  ListDomains(argument: _drover_v1_ListDomainsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListDomainsResponse>): grpc.ClientUnaryCall;
  ListDomains(argument: _drover_v1_ListDomainsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListDomainsResponse>): grpc.ClientUnaryCall;
  ListDomains(argument: _drover_v1_ListDomainsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListDomainsResponse>): grpc.ClientUnaryCall;
  ListDomains(argument: _drover_v1_ListDomainsRequestInput, callback: grpc.requestCallback<_drover_v1_ListDomainsResponse>): grpc.ClientUnaryCall;
  listDomains(argument: _drover_v1_ListDomainsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListDomainsResponse>): grpc.ClientUnaryCall;
  listDomains(argument: _drover_v1_ListDomainsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListDomainsResponse>): grpc.ClientUnaryCall;
  listDomains(argument: _drover_v1_ListDomainsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListDomainsResponse>): grpc.ClientUnaryCall;
  listDomains(argument: _drover_v1_ListDomainsRequestInput, callback: grpc.requestCallback<_drover_v1_ListDomainsResponse>): grpc.ClientUnaryCall;
  
  ListHosts(argument: _drover_v1_ListHostsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListHostsResponse>): grpc.ClientUnaryCall;
  ListHosts(argument: _drover_v1_ListHostsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListHostsResponse>): grpc.ClientUnaryCall;
  ListHosts(argument: _drover_v1_ListHostsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListHostsResponse>): grpc.ClientUnaryCall;
  ListHosts(argument: _drover_v1_ListHostsRequestInput, callback: grpc.requestCallback<_drover_v1_ListHostsResponse>): grpc.ClientUnaryCall;
  listHosts(argument: _drover_v1_ListHostsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListHostsResponse>): grpc.ClientUnaryCall;
  listHosts(argument: _drover_v1_ListHostsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListHostsResponse>): grpc.ClientUnaryCall;
  listHosts(argument: _drover_v1_ListHostsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListHostsResponse>): grpc.ClientUnaryCall;
  listHosts(argument: _drover_v1_ListHostsRequestInput, callback: grpc.requestCallback<_drover_v1_ListHostsResponse>): grpc.ClientUnaryCall;
  
  MaintainHost(argument: _drover_v1_MaintainHostRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  MaintainHost(argument: _drover_v1_MaintainHostRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  MaintainHost(argument: _drover_v1_MaintainHostRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  MaintainHost(argument: _drover_v1_MaintainHostRequestInput, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  maintainHost(argument: _drover_v1_MaintainHostRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  maintainHost(argument: _drover_v1_MaintainHostRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  maintainHost(argument: _drover_v1_MaintainHostRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  maintainHost(argument: _drover_v1_MaintainHostRequestInput, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  
  ResumeHost(argument: _drover_v1_ResumeHostRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  ResumeHost(argument: _drover_v1_ResumeHostRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  ResumeHost(argument: _drover_v1_ResumeHostRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  ResumeHost(argument: _drover_v1_ResumeHostRequestInput, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  resumeHost(argument: _drover_v1_ResumeHostRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  resumeHost(argument: _drover_v1_ResumeHostRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  resumeHost(argument: _drover_v1_ResumeHostRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  resumeHost(argument: _drover_v1_ResumeHostRequestInput, callback: grpc.requestCallback<_drover_v1_MaintainHostResponse>): grpc.ClientUnaryCall;
  
  UpdateHost(argument: _drover_v1_UpdateHostRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Host>): grpc.ClientUnaryCall;
  UpdateHost(argument: _drover_v1_UpdateHostRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Host>): grpc.ClientUnaryCall;
  UpdateHost(argument: _drover_v1_UpdateHostRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Host>): grpc.ClientUnaryCall;
  UpdateHost(argument: _drover_v1_UpdateHostRequestInput, callback: grpc.requestCallback<_drover_v1_Host>): grpc.ClientUnaryCall;
  updateHost(argument: _drover_v1_UpdateHostRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Host>): grpc.ClientUnaryCall;
  updateHost(argument: _drover_v1_UpdateHostRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Host>): grpc.ClientUnaryCall;
  updateHost(argument: _drover_v1_UpdateHostRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Host>): grpc.ClientUnaryCall;
  updateHost(argument: _drover_v1_UpdateHostRequestInput, callback: grpc.requestCallback<_drover_v1_Host>): grpc.ClientUnaryCall;
  
}

export interface FleetHandlers extends grpc.UntypedServiceImplementation {
  CreateJoinToken: grpc.handleUnaryCall<_drover_v1_CreateJoinTokenRequest, _drover_v1_CreateJoinTokenResponseInput>;
  
  DeleteHost: grpc.handleUnaryCall<_drover_v1_DeleteHostRequest, _drover_v1_DeleteHostResponseInput>;
  
  GetHost: grpc.handleUnaryCall<_drover_v1_GetHostRequest, _drover_v1_HostDetailInput>;
  
  ListDomains: grpc.handleUnaryCall<_drover_v1_ListDomainsRequest, _drover_v1_ListDomainsResponseInput>;
  
  ListHosts: grpc.handleUnaryCall<_drover_v1_ListHostsRequest, _drover_v1_ListHostsResponseInput>;
  
  MaintainHost: grpc.handleUnaryCall<_drover_v1_MaintainHostRequest, _drover_v1_MaintainHostResponseInput>;
  
  ResumeHost: grpc.handleUnaryCall<_drover_v1_ResumeHostRequest, _drover_v1_MaintainHostResponseInput>;
  
  UpdateHost: grpc.handleUnaryCall<_drover_v1_UpdateHostRequest, _drover_v1_HostInput>;
  
}

export interface FleetDefinition extends grpc.ServiceDefinition {
  CreateJoinToken: MethodDefinition<_drover_v1_CreateJoinTokenRequestInput, _drover_v1_CreateJoinTokenResponseInput, _drover_v1_CreateJoinTokenRequest, _drover_v1_CreateJoinTokenResponse>
  DeleteHost: MethodDefinition<_drover_v1_DeleteHostRequestInput, _drover_v1_DeleteHostResponseInput, _drover_v1_DeleteHostRequest, _drover_v1_DeleteHostResponse>
  GetHost: MethodDefinition<_drover_v1_GetHostRequestInput, _drover_v1_HostDetailInput, _drover_v1_GetHostRequest, _drover_v1_HostDetail>
  ListDomains: MethodDefinition<_drover_v1_ListDomainsRequestInput, _drover_v1_ListDomainsResponseInput, _drover_v1_ListDomainsRequest, _drover_v1_ListDomainsResponse>
  ListHosts: MethodDefinition<_drover_v1_ListHostsRequestInput, _drover_v1_ListHostsResponseInput, _drover_v1_ListHostsRequest, _drover_v1_ListHostsResponse>
  MaintainHost: MethodDefinition<_drover_v1_MaintainHostRequestInput, _drover_v1_MaintainHostResponseInput, _drover_v1_MaintainHostRequest, _drover_v1_MaintainHostResponse>
  ResumeHost: MethodDefinition<_drover_v1_ResumeHostRequestInput, _drover_v1_MaintainHostResponseInput, _drover_v1_ResumeHostRequest, _drover_v1_MaintainHostResponse>
  UpdateHost: MethodDefinition<_drover_v1_UpdateHostRequestInput, _drover_v1_HostInput, _drover_v1_UpdateHostRequest, _drover_v1_Host>
}
