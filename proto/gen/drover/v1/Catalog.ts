// Original file: proto/drover/v1/catalog.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CreateServerGroupRequestInput as _drover_v1_CreateServerGroupRequestInput, CreateServerGroupRequest as _drover_v1_CreateServerGroupRequest } from '../../drover/v1/CreateServerGroupRequest.js';
import type { DeleteAggregateRequestInput as _drover_v1_DeleteAggregateRequestInput, DeleteAggregateRequest as _drover_v1_DeleteAggregateRequest } from '../../drover/v1/DeleteAggregateRequest.js';
import type { DeleteAggregateResponseInput as _drover_v1_DeleteAggregateResponseInput, DeleteAggregateResponse as _drover_v1_DeleteAggregateResponse } from '../../drover/v1/DeleteAggregateResponse.js';
import type { DeleteFlavorRequestInput as _drover_v1_DeleteFlavorRequestInput, DeleteFlavorRequest as _drover_v1_DeleteFlavorRequest } from '../../drover/v1/DeleteFlavorRequest.js';
import type { DeleteFlavorResponseInput as _drover_v1_DeleteFlavorResponseInput, DeleteFlavorResponse as _drover_v1_DeleteFlavorResponse } from '../../drover/v1/DeleteFlavorResponse.js';
import type { DeleteServerGroupRequestInput as _drover_v1_DeleteServerGroupRequestInput, DeleteServerGroupRequest as _drover_v1_DeleteServerGroupRequest } from '../../drover/v1/DeleteServerGroupRequest.js';
import type { DeleteServerGroupResponseInput as _drover_v1_DeleteServerGroupResponseInput, DeleteServerGroupResponse as _drover_v1_DeleteServerGroupResponse } from '../../drover/v1/DeleteServerGroupResponse.js';
import type { FlavorInput as _drover_v1_FlavorInput, Flavor as _drover_v1_Flavor } from '../../drover/v1/Flavor.js';
import type { GetSchedulerSettingsRequestInput as _drover_v1_GetSchedulerSettingsRequestInput, GetSchedulerSettingsRequest as _drover_v1_GetSchedulerSettingsRequest } from '../../drover/v1/GetSchedulerSettingsRequest.js';
import type { HostAggregateInput as _drover_v1_HostAggregateInput, HostAggregate as _drover_v1_HostAggregate } from '../../drover/v1/HostAggregate.js';
import type { ListAggregatesRequestInput as _drover_v1_ListAggregatesRequestInput, ListAggregatesRequest as _drover_v1_ListAggregatesRequest } from '../../drover/v1/ListAggregatesRequest.js';
import type { ListAggregatesResponseInput as _drover_v1_ListAggregatesResponseInput, ListAggregatesResponse as _drover_v1_ListAggregatesResponse } from '../../drover/v1/ListAggregatesResponse.js';
import type { ListAvailabilityZonesRequestInput as _drover_v1_ListAvailabilityZonesRequestInput, ListAvailabilityZonesRequest as _drover_v1_ListAvailabilityZonesRequest } from '../../drover/v1/ListAvailabilityZonesRequest.js';
import type { ListAvailabilityZonesResponseInput as _drover_v1_ListAvailabilityZonesResponseInput, ListAvailabilityZonesResponse as _drover_v1_ListAvailabilityZonesResponse } from '../../drover/v1/ListAvailabilityZonesResponse.js';
import type { ListFlavorsRequestInput as _drover_v1_ListFlavorsRequestInput, ListFlavorsRequest as _drover_v1_ListFlavorsRequest } from '../../drover/v1/ListFlavorsRequest.js';
import type { ListFlavorsResponseInput as _drover_v1_ListFlavorsResponseInput, ListFlavorsResponse as _drover_v1_ListFlavorsResponse } from '../../drover/v1/ListFlavorsResponse.js';
import type { ListServerGroupsRequestInput as _drover_v1_ListServerGroupsRequestInput, ListServerGroupsRequest as _drover_v1_ListServerGroupsRequest } from '../../drover/v1/ListServerGroupsRequest.js';
import type { ListServerGroupsResponseInput as _drover_v1_ListServerGroupsResponseInput, ListServerGroupsResponse as _drover_v1_ListServerGroupsResponse } from '../../drover/v1/ListServerGroupsResponse.js';
import type { PutAggregateRequestInput as _drover_v1_PutAggregateRequestInput, PutAggregateRequest as _drover_v1_PutAggregateRequest } from '../../drover/v1/PutAggregateRequest.js';
import type { PutFlavorRequestInput as _drover_v1_PutFlavorRequestInput, PutFlavorRequest as _drover_v1_PutFlavorRequest } from '../../drover/v1/PutFlavorRequest.js';
import type { SchedulerSettingsInput as _drover_v1_SchedulerSettingsInput, SchedulerSettings as _drover_v1_SchedulerSettings } from '../../drover/v1/SchedulerSettings.js';
import type { ServerGroupInput as _drover_v1_ServerGroupInput, ServerGroup as _drover_v1_ServerGroup } from '../../drover/v1/ServerGroup.js';
import type { UpdateSchedulerSettingsRequestInput as _drover_v1_UpdateSchedulerSettingsRequestInput, UpdateSchedulerSettingsRequest as _drover_v1_UpdateSchedulerSettingsRequest } from '../../drover/v1/UpdateSchedulerSettingsRequest.js';

export interface CatalogClient extends grpc.Client {
  CreateServerGroup(argument: _drover_v1_CreateServerGroupRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ServerGroup>): grpc.ClientUnaryCall;
  CreateServerGroup(argument: _drover_v1_CreateServerGroupRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ServerGroup>): grpc.ClientUnaryCall;
  CreateServerGroup(argument: _drover_v1_CreateServerGroupRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ServerGroup>): grpc.ClientUnaryCall;
  CreateServerGroup(argument: _drover_v1_CreateServerGroupRequestInput, callback: grpc.requestCallback<_drover_v1_ServerGroup>): grpc.ClientUnaryCall;
  createServerGroup(argument: _drover_v1_CreateServerGroupRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ServerGroup>): grpc.ClientUnaryCall;
  createServerGroup(argument: _drover_v1_CreateServerGroupRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ServerGroup>): grpc.ClientUnaryCall;
  createServerGroup(argument: _drover_v1_CreateServerGroupRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ServerGroup>): grpc.ClientUnaryCall;
  createServerGroup(argument: _drover_v1_CreateServerGroupRequestInput, callback: grpc.requestCallback<_drover_v1_ServerGroup>): grpc.ClientUnaryCall;
  
  DeleteAggregate(argument: _drover_v1_DeleteAggregateRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteAggregateResponse>): grpc.ClientUnaryCall;
  DeleteAggregate(argument: _drover_v1_DeleteAggregateRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_DeleteAggregateResponse>): grpc.ClientUnaryCall;
  DeleteAggregate(argument: _drover_v1_DeleteAggregateRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteAggregateResponse>): grpc.ClientUnaryCall;
  DeleteAggregate(argument: _drover_v1_DeleteAggregateRequestInput, callback: grpc.requestCallback<_drover_v1_DeleteAggregateResponse>): grpc.ClientUnaryCall;
  deleteAggregate(argument: _drover_v1_DeleteAggregateRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteAggregateResponse>): grpc.ClientUnaryCall;
  deleteAggregate(argument: _drover_v1_DeleteAggregateRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_DeleteAggregateResponse>): grpc.ClientUnaryCall;
  deleteAggregate(argument: _drover_v1_DeleteAggregateRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteAggregateResponse>): grpc.ClientUnaryCall;
  deleteAggregate(argument: _drover_v1_DeleteAggregateRequestInput, callback: grpc.requestCallback<_drover_v1_DeleteAggregateResponse>): grpc.ClientUnaryCall;
  
  DeleteFlavor(argument: _drover_v1_DeleteFlavorRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteFlavorResponse>): grpc.ClientUnaryCall;
  DeleteFlavor(argument: _drover_v1_DeleteFlavorRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_DeleteFlavorResponse>): grpc.ClientUnaryCall;
  DeleteFlavor(argument: _drover_v1_DeleteFlavorRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteFlavorResponse>): grpc.ClientUnaryCall;
  DeleteFlavor(argument: _drover_v1_DeleteFlavorRequestInput, callback: grpc.requestCallback<_drover_v1_DeleteFlavorResponse>): grpc.ClientUnaryCall;
  deleteFlavor(argument: _drover_v1_DeleteFlavorRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteFlavorResponse>): grpc.ClientUnaryCall;
  deleteFlavor(argument: _drover_v1_DeleteFlavorRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_DeleteFlavorResponse>): grpc.ClientUnaryCall;
  deleteFlavor(argument: _drover_v1_DeleteFlavorRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteFlavorResponse>): grpc.ClientUnaryCall;
  deleteFlavor(argument: _drover_v1_DeleteFlavorRequestInput, callback: grpc.requestCallback<_drover_v1_DeleteFlavorResponse>): grpc.ClientUnaryCall;
  
  DeleteServerGroup(argument: _drover_v1_DeleteServerGroupRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteServerGroupResponse>): grpc.ClientUnaryCall;
  DeleteServerGroup(argument: _drover_v1_DeleteServerGroupRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_DeleteServerGroupResponse>): grpc.ClientUnaryCall;
  DeleteServerGroup(argument: _drover_v1_DeleteServerGroupRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteServerGroupResponse>): grpc.ClientUnaryCall;
  DeleteServerGroup(argument: _drover_v1_DeleteServerGroupRequestInput, callback: grpc.requestCallback<_drover_v1_DeleteServerGroupResponse>): grpc.ClientUnaryCall;
  deleteServerGroup(argument: _drover_v1_DeleteServerGroupRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteServerGroupResponse>): grpc.ClientUnaryCall;
  deleteServerGroup(argument: _drover_v1_DeleteServerGroupRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_DeleteServerGroupResponse>): grpc.ClientUnaryCall;
  deleteServerGroup(argument: _drover_v1_DeleteServerGroupRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_DeleteServerGroupResponse>): grpc.ClientUnaryCall;
  deleteServerGroup(argument: _drover_v1_DeleteServerGroupRequestInput, callback: grpc.requestCallback<_drover_v1_DeleteServerGroupResponse>): grpc.ClientUnaryCall;
  
  GetSchedulerSettings(argument: _drover_v1_GetSchedulerSettingsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  GetSchedulerSettings(argument: _drover_v1_GetSchedulerSettingsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  GetSchedulerSettings(argument: _drover_v1_GetSchedulerSettingsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  GetSchedulerSettings(argument: _drover_v1_GetSchedulerSettingsRequestInput, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  getSchedulerSettings(argument: _drover_v1_GetSchedulerSettingsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  getSchedulerSettings(argument: _drover_v1_GetSchedulerSettingsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  getSchedulerSettings(argument: _drover_v1_GetSchedulerSettingsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  getSchedulerSettings(argument: _drover_v1_GetSchedulerSettingsRequestInput, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  
  ListAggregates(argument: _drover_v1_ListAggregatesRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAggregatesResponse>): grpc.ClientUnaryCall;
  ListAggregates(argument: _drover_v1_ListAggregatesRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListAggregatesResponse>): grpc.ClientUnaryCall;
  ListAggregates(argument: _drover_v1_ListAggregatesRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAggregatesResponse>): grpc.ClientUnaryCall;
  ListAggregates(argument: _drover_v1_ListAggregatesRequestInput, callback: grpc.requestCallback<_drover_v1_ListAggregatesResponse>): grpc.ClientUnaryCall;
  listAggregates(argument: _drover_v1_ListAggregatesRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAggregatesResponse>): grpc.ClientUnaryCall;
  listAggregates(argument: _drover_v1_ListAggregatesRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListAggregatesResponse>): grpc.ClientUnaryCall;
  listAggregates(argument: _drover_v1_ListAggregatesRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAggregatesResponse>): grpc.ClientUnaryCall;
  listAggregates(argument: _drover_v1_ListAggregatesRequestInput, callback: grpc.requestCallback<_drover_v1_ListAggregatesResponse>): grpc.ClientUnaryCall;
  
  ListAvailabilityZones(argument: _drover_v1_ListAvailabilityZonesRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAvailabilityZonesResponse>): grpc.ClientUnaryCall;
  ListAvailabilityZones(argument: _drover_v1_ListAvailabilityZonesRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListAvailabilityZonesResponse>): grpc.ClientUnaryCall;
  ListAvailabilityZones(argument: _drover_v1_ListAvailabilityZonesRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAvailabilityZonesResponse>): grpc.ClientUnaryCall;
  ListAvailabilityZones(argument: _drover_v1_ListAvailabilityZonesRequestInput, callback: grpc.requestCallback<_drover_v1_ListAvailabilityZonesResponse>): grpc.ClientUnaryCall;
  listAvailabilityZones(argument: _drover_v1_ListAvailabilityZonesRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAvailabilityZonesResponse>): grpc.ClientUnaryCall;
  listAvailabilityZones(argument: _drover_v1_ListAvailabilityZonesRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListAvailabilityZonesResponse>): grpc.ClientUnaryCall;
  listAvailabilityZones(argument: _drover_v1_ListAvailabilityZonesRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAvailabilityZonesResponse>): grpc.ClientUnaryCall;
  listAvailabilityZones(argument: _drover_v1_ListAvailabilityZonesRequestInput, callback: grpc.requestCallback<_drover_v1_ListAvailabilityZonesResponse>): grpc.ClientUnaryCall;
  
  ListFlavors(argument: _drover_v1_ListFlavorsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListFlavorsResponse>): grpc.ClientUnaryCall;
  ListFlavors(argument: _drover_v1_ListFlavorsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListFlavorsResponse>): grpc.ClientUnaryCall;
  ListFlavors(argument: _drover_v1_ListFlavorsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListFlavorsResponse>): grpc.ClientUnaryCall;
  ListFlavors(argument: _drover_v1_ListFlavorsRequestInput, callback: grpc.requestCallback<_drover_v1_ListFlavorsResponse>): grpc.ClientUnaryCall;
  listFlavors(argument: _drover_v1_ListFlavorsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListFlavorsResponse>): grpc.ClientUnaryCall;
  listFlavors(argument: _drover_v1_ListFlavorsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListFlavorsResponse>): grpc.ClientUnaryCall;
  listFlavors(argument: _drover_v1_ListFlavorsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListFlavorsResponse>): grpc.ClientUnaryCall;
  listFlavors(argument: _drover_v1_ListFlavorsRequestInput, callback: grpc.requestCallback<_drover_v1_ListFlavorsResponse>): grpc.ClientUnaryCall;
  
  ListServerGroups(argument: _drover_v1_ListServerGroupsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListServerGroupsResponse>): grpc.ClientUnaryCall;
  ListServerGroups(argument: _drover_v1_ListServerGroupsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListServerGroupsResponse>): grpc.ClientUnaryCall;
  ListServerGroups(argument: _drover_v1_ListServerGroupsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListServerGroupsResponse>): grpc.ClientUnaryCall;
  ListServerGroups(argument: _drover_v1_ListServerGroupsRequestInput, callback: grpc.requestCallback<_drover_v1_ListServerGroupsResponse>): grpc.ClientUnaryCall;
  listServerGroups(argument: _drover_v1_ListServerGroupsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListServerGroupsResponse>): grpc.ClientUnaryCall;
  listServerGroups(argument: _drover_v1_ListServerGroupsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListServerGroupsResponse>): grpc.ClientUnaryCall;
  listServerGroups(argument: _drover_v1_ListServerGroupsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListServerGroupsResponse>): grpc.ClientUnaryCall;
  listServerGroups(argument: _drover_v1_ListServerGroupsRequestInput, callback: grpc.requestCallback<_drover_v1_ListServerGroupsResponse>): grpc.ClientUnaryCall;
  
  PutAggregate(argument: _drover_v1_PutAggregateRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_HostAggregate>): grpc.ClientUnaryCall;
  PutAggregate(argument: _drover_v1_PutAggregateRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_HostAggregate>): grpc.ClientUnaryCall;
  PutAggregate(argument: _drover_v1_PutAggregateRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_HostAggregate>): grpc.ClientUnaryCall;
  PutAggregate(argument: _drover_v1_PutAggregateRequestInput, callback: grpc.requestCallback<_drover_v1_HostAggregate>): grpc.ClientUnaryCall;
  putAggregate(argument: _drover_v1_PutAggregateRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_HostAggregate>): grpc.ClientUnaryCall;
  putAggregate(argument: _drover_v1_PutAggregateRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_HostAggregate>): grpc.ClientUnaryCall;
  putAggregate(argument: _drover_v1_PutAggregateRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_HostAggregate>): grpc.ClientUnaryCall;
  putAggregate(argument: _drover_v1_PutAggregateRequestInput, callback: grpc.requestCallback<_drover_v1_HostAggregate>): grpc.ClientUnaryCall;
  
  PutFlavor(argument: _drover_v1_PutFlavorRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Flavor>): grpc.ClientUnaryCall;
  PutFlavor(argument: _drover_v1_PutFlavorRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Flavor>): grpc.ClientUnaryCall;
  PutFlavor(argument: _drover_v1_PutFlavorRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Flavor>): grpc.ClientUnaryCall;
  PutFlavor(argument: _drover_v1_PutFlavorRequestInput, callback: grpc.requestCallback<_drover_v1_Flavor>): grpc.ClientUnaryCall;
  putFlavor(argument: _drover_v1_PutFlavorRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Flavor>): grpc.ClientUnaryCall;
  putFlavor(argument: _drover_v1_PutFlavorRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_Flavor>): grpc.ClientUnaryCall;
  putFlavor(argument: _drover_v1_PutFlavorRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_Flavor>): grpc.ClientUnaryCall;
  putFlavor(argument: _drover_v1_PutFlavorRequestInput, callback: grpc.requestCallback<_drover_v1_Flavor>): grpc.ClientUnaryCall;
  
  UpdateSchedulerSettings(argument: _drover_v1_UpdateSchedulerSettingsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  UpdateSchedulerSettings(argument: _drover_v1_UpdateSchedulerSettingsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  UpdateSchedulerSettings(argument: _drover_v1_UpdateSchedulerSettingsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  UpdateSchedulerSettings(argument: _drover_v1_UpdateSchedulerSettingsRequestInput, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  updateSchedulerSettings(argument: _drover_v1_UpdateSchedulerSettingsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  updateSchedulerSettings(argument: _drover_v1_UpdateSchedulerSettingsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  updateSchedulerSettings(argument: _drover_v1_UpdateSchedulerSettingsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  updateSchedulerSettings(argument: _drover_v1_UpdateSchedulerSettingsRequestInput, callback: grpc.requestCallback<_drover_v1_SchedulerSettings>): grpc.ClientUnaryCall;
  
}

export interface CatalogHandlers extends grpc.UntypedServiceImplementation {
  CreateServerGroup: grpc.handleUnaryCall<_drover_v1_CreateServerGroupRequest, _drover_v1_ServerGroupInput>;
  
  DeleteAggregate: grpc.handleUnaryCall<_drover_v1_DeleteAggregateRequest, _drover_v1_DeleteAggregateResponseInput>;
  
  DeleteFlavor: grpc.handleUnaryCall<_drover_v1_DeleteFlavorRequest, _drover_v1_DeleteFlavorResponseInput>;
  
  DeleteServerGroup: grpc.handleUnaryCall<_drover_v1_DeleteServerGroupRequest, _drover_v1_DeleteServerGroupResponseInput>;
  
  GetSchedulerSettings: grpc.handleUnaryCall<_drover_v1_GetSchedulerSettingsRequest, _drover_v1_SchedulerSettingsInput>;
  
  ListAggregates: grpc.handleUnaryCall<_drover_v1_ListAggregatesRequest, _drover_v1_ListAggregatesResponseInput>;
  
  ListAvailabilityZones: grpc.handleUnaryCall<_drover_v1_ListAvailabilityZonesRequest, _drover_v1_ListAvailabilityZonesResponseInput>;
  
  ListFlavors: grpc.handleUnaryCall<_drover_v1_ListFlavorsRequest, _drover_v1_ListFlavorsResponseInput>;
  
  ListServerGroups: grpc.handleUnaryCall<_drover_v1_ListServerGroupsRequest, _drover_v1_ListServerGroupsResponseInput>;
  
  PutAggregate: grpc.handleUnaryCall<_drover_v1_PutAggregateRequest, _drover_v1_HostAggregateInput>;
  
  PutFlavor: grpc.handleUnaryCall<_drover_v1_PutFlavorRequest, _drover_v1_FlavorInput>;
  
  UpdateSchedulerSettings: grpc.handleUnaryCall<_drover_v1_UpdateSchedulerSettingsRequest, _drover_v1_SchedulerSettingsInput>;
  
}

export interface CatalogDefinition extends grpc.ServiceDefinition {
  CreateServerGroup: MethodDefinition<_drover_v1_CreateServerGroupRequestInput, _drover_v1_ServerGroupInput, _drover_v1_CreateServerGroupRequest, _drover_v1_ServerGroup>
  DeleteAggregate: MethodDefinition<_drover_v1_DeleteAggregateRequestInput, _drover_v1_DeleteAggregateResponseInput, _drover_v1_DeleteAggregateRequest, _drover_v1_DeleteAggregateResponse>
  DeleteFlavor: MethodDefinition<_drover_v1_DeleteFlavorRequestInput, _drover_v1_DeleteFlavorResponseInput, _drover_v1_DeleteFlavorRequest, _drover_v1_DeleteFlavorResponse>
  DeleteServerGroup: MethodDefinition<_drover_v1_DeleteServerGroupRequestInput, _drover_v1_DeleteServerGroupResponseInput, _drover_v1_DeleteServerGroupRequest, _drover_v1_DeleteServerGroupResponse>
  GetSchedulerSettings: MethodDefinition<_drover_v1_GetSchedulerSettingsRequestInput, _drover_v1_SchedulerSettingsInput, _drover_v1_GetSchedulerSettingsRequest, _drover_v1_SchedulerSettings>
  ListAggregates: MethodDefinition<_drover_v1_ListAggregatesRequestInput, _drover_v1_ListAggregatesResponseInput, _drover_v1_ListAggregatesRequest, _drover_v1_ListAggregatesResponse>
  ListAvailabilityZones: MethodDefinition<_drover_v1_ListAvailabilityZonesRequestInput, _drover_v1_ListAvailabilityZonesResponseInput, _drover_v1_ListAvailabilityZonesRequest, _drover_v1_ListAvailabilityZonesResponse>
  ListFlavors: MethodDefinition<_drover_v1_ListFlavorsRequestInput, _drover_v1_ListFlavorsResponseInput, _drover_v1_ListFlavorsRequest, _drover_v1_ListFlavorsResponse>
  ListServerGroups: MethodDefinition<_drover_v1_ListServerGroupsRequestInput, _drover_v1_ListServerGroupsResponseInput, _drover_v1_ListServerGroupsRequest, _drover_v1_ListServerGroupsResponse>
  PutAggregate: MethodDefinition<_drover_v1_PutAggregateRequestInput, _drover_v1_HostAggregateInput, _drover_v1_PutAggregateRequest, _drover_v1_HostAggregate>
  PutFlavor: MethodDefinition<_drover_v1_PutFlavorRequestInput, _drover_v1_FlavorInput, _drover_v1_PutFlavorRequest, _drover_v1_Flavor>
  UpdateSchedulerSettings: MethodDefinition<_drover_v1_UpdateSchedulerSettingsRequestInput, _drover_v1_SchedulerSettingsInput, _drover_v1_UpdateSchedulerSettingsRequest, _drover_v1_SchedulerSettings>
}
