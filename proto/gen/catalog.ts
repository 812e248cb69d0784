import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AvailabilityZoneInput as _drover_v1_AvailabilityZoneInput, AvailabilityZone as _drover_v1_AvailabilityZone } from './drover/v1/AvailabilityZone.js';
import type { CatalogClient as _drover_v1_CatalogClient, CatalogDefinition as _drover_v1_CatalogDefinition } from './drover/v1/Catalog.js';
import type { CreateServerGroupRequestInput as _drover_v1_CreateServerGroupRequestInput, CreateServerGroupRequest as _drover_v1_CreateServerGroupRequest } from './drover/v1/CreateServerGroupRequest.js';
import type { DeleteAggregateRequestInput as _drover_v1_DeleteAggregateRequestInput, DeleteAggregateRequest as _drover_v1_DeleteAggregateRequest } from './drover/v1/DeleteAggregateRequest.js';
import type { DeleteAggregateResponseInput as _drover_v1_DeleteAggregateResponseInput, DeleteAggregateResponse as _drover_v1_DeleteAggregateResponse } from './drover/v1/DeleteAggregateResponse.js';
import type { DeleteFlavorRequestInput as _drover_v1_DeleteFlavorRequestInput, DeleteFlavorRequest as _drover_v1_DeleteFlavorRequest } from './drover/v1/DeleteFlavorRequest.js';
import type { DeleteFlavorResponseInput as _drover_v1_DeleteFlavorResponseInput, DeleteFlavorResponse as _drover_v1_DeleteFlavorResponse } from './drover/v1/DeleteFlavorResponse.js';
import type { DeleteServerGroupRequestInput as _drover_v1_DeleteServerGroupRequestInput, DeleteServerGroupRequest as _drover_v1_DeleteServerGroupRequest } from './drover/v1/DeleteServerGroupRequest.js';
import type { DeleteServerGroupResponseInput as _drover_v1_DeleteServerGroupResponseInput, DeleteServerGroupResponse as _drover_v1_DeleteServerGroupResponse } from './drover/v1/DeleteServerGroupResponse.js';
import type { FlavorInput as _drover_v1_FlavorInput, Flavor as _drover_v1_Flavor } from './drover/v1/Flavor.js';
import type { GetSchedulerSettingsRequestInput as _drover_v1_GetSchedulerSettingsRequestInput, GetSchedulerSettingsRequest as _drover_v1_GetSchedulerSettingsRequest } from './drover/v1/GetSchedulerSettingsRequest.js';
import type { HostAggregateInput as _drover_v1_HostAggregateInput, HostAggregate as _drover_v1_HostAggregate } from './drover/v1/HostAggregate.js';
import type { ListAggregatesRequestInput as _drover_v1_ListAggregatesRequestInput, ListAggregatesRequest as _drover_v1_ListAggregatesRequest } from './drover/v1/ListAggregatesRequest.js';
import type { ListAggregatesResponseInput as _drover_v1_ListAggregatesResponseInput, ListAggregatesResponse as _drover_v1_ListAggregatesResponse } from './drover/v1/ListAggregatesResponse.js';
import type { ListAvailabilityZonesRequestInput as _drover_v1_ListAvailabilityZonesRequestInput, ListAvailabilityZonesRequest as _drover_v1_ListAvailabilityZonesRequest } from './drover/v1/ListAvailabilityZonesRequest.js';
import type { ListAvailabilityZonesResponseInput as _drover_v1_ListAvailabilityZonesResponseInput, ListAvailabilityZonesResponse as _drover_v1_ListAvailabilityZonesResponse } from './drover/v1/ListAvailabilityZonesResponse.js';
import type { ListFlavorsRequestInput as _drover_v1_ListFlavorsRequestInput, ListFlavorsRequest as _drover_v1_ListFlavorsRequest } from './drover/v1/ListFlavorsRequest.js';
import type { ListFlavorsResponseInput as _drover_v1_ListFlavorsResponseInput, ListFlavorsResponse as _drover_v1_ListFlavorsResponse } from './drover/v1/ListFlavorsResponse.js';
import type { ListServerGroupsRequestInput as _drover_v1_ListServerGroupsRequestInput, ListServerGroupsRequest as _drover_v1_ListServerGroupsRequest } from './drover/v1/ListServerGroupsRequest.js';
import type { ListServerGroupsResponseInput as _drover_v1_ListServerGroupsResponseInput, ListServerGroupsResponse as _drover_v1_ListServerGroupsResponse } from './drover/v1/ListServerGroupsResponse.js';
import type { PutAggregateRequestInput as _drover_v1_PutAggregateRequestInput, PutAggregateRequest as _drover_v1_PutAggregateRequest } from './drover/v1/PutAggregateRequest.js';
import type { PutFlavorRequestInput as _drover_v1_PutFlavorRequestInput, PutFlavorRequest as _drover_v1_PutFlavorRequest } from './drover/v1/PutFlavorRequest.js';
import type { SchedulerSettingInput as _drover_v1_SchedulerSettingInput, SchedulerSetting as _drover_v1_SchedulerSetting } from './drover/v1/SchedulerSetting.js';
import type { SchedulerSettingsInput as _drover_v1_SchedulerSettingsInput, SchedulerSettings as _drover_v1_SchedulerSettings } from './drover/v1/SchedulerSettings.js';
import type { ServerGroupInput as _drover_v1_ServerGroupInput, ServerGroup as _drover_v1_ServerGroup } from './drover/v1/ServerGroup.js';
import type { StoredSettingsInput as _drover_v1_StoredSettingsInput, StoredSettings as _drover_v1_StoredSettings } from './drover/v1/StoredSettings.js';
import type { UpdateSchedulerSettingsRequestInput as _drover_v1_UpdateSchedulerSettingsRequestInput, UpdateSchedulerSettingsRequest as _drover_v1_UpdateSchedulerSettingsRequest } from './drover/v1/UpdateSchedulerSettingsRequest.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  drover: {
    v1: {
      AvailabilityZone: MessageTypeDefinition<_drover_v1_AvailabilityZoneInput, _drover_v1_AvailabilityZone>
      Catalog: SubtypeConstructor<typeof grpc.Client, _drover_v1_CatalogClient> & { service: _drover_v1_CatalogDefinition }
      CreateServerGroupRequest: MessageTypeDefinition<_drover_v1_CreateServerGroupRequestInput, _drover_v1_CreateServerGroupRequest>
      DeleteAggregateRequest: MessageTypeDefinition<_drover_v1_DeleteAggregateRequestInput, _drover_v1_DeleteAggregateRequest>
      DeleteAggregateResponse: MessageTypeDefinition<_drover_v1_DeleteAggregateResponseInput, _drover_v1_DeleteAggregateResponse>
      DeleteFlavorRequest: MessageTypeDefinition<_drover_v1_DeleteFlavorRequestInput, _drover_v1_DeleteFlavorRequest>
      DeleteFlavorResponse: MessageTypeDefinition<_drover_v1_DeleteFlavorResponseInput, _drover_v1_DeleteFlavorResponse>
      DeleteServerGroupRequest: MessageTypeDefinition<_drover_v1_DeleteServerGroupRequestInput, _drover_v1_DeleteServerGroupRequest>
      DeleteServerGroupResponse: MessageTypeDefinition<_drover_v1_DeleteServerGroupResponseInput, _drover_v1_DeleteServerGroupResponse>
      Flavor: MessageTypeDefinition<_drover_v1_FlavorInput, _drover_v1_Flavor>
      GetSchedulerSettingsRequest: MessageTypeDefinition<_drover_v1_GetSchedulerSettingsRequestInput, _drover_v1_GetSchedulerSettingsRequest>
      HostAggregate: MessageTypeDefinition<_drover_v1_HostAggregateInput, _drover_v1_HostAggregate>
      ListAggregatesRequest: MessageTypeDefinition<_drover_v1_ListAggregatesRequestInput, _drover_v1_ListAggregatesRequest>
      ListAggregatesResponse: MessageTypeDefinition<_drover_v1_ListAggregatesResponseInput, _drover_v1_ListAggregatesResponse>
      ListAvailabilityZonesRequest: MessageTypeDefinition<_drover_v1_ListAvailabilityZonesRequestInput, _drover_v1_ListAvailabilityZonesRequest>
      ListAvailabilityZonesResponse: MessageTypeDefinition<_drover_v1_ListAvailabilityZonesResponseInput, _drover_v1_ListAvailabilityZonesResponse>
      ListFlavorsRequest: MessageTypeDefinition<_drover_v1_ListFlavorsRequestInput, _drover_v1_ListFlavorsRequest>
      ListFlavorsResponse: MessageTypeDefinition<_drover_v1_ListFlavorsResponseInput, _drover_v1_ListFlavorsResponse>
      ListServerGroupsRequest: MessageTypeDefinition<_drover_v1_ListServerGroupsRequestInput, _drover_v1_ListServerGroupsRequest>
      ListServerGroupsResponse: MessageTypeDefinition<_drover_v1_ListServerGroupsResponseInput, _drover_v1_ListServerGroupsResponse>
      PutAggregateRequest: MessageTypeDefinition<_drover_v1_PutAggregateRequestInput, _drover_v1_PutAggregateRequest>
      PutFlavorRequest: MessageTypeDefinition<_drover_v1_PutFlavorRequestInput, _drover_v1_PutFlavorRequest>
      SchedulerSetting: MessageTypeDefinition<_drover_v1_SchedulerSettingInput, _drover_v1_SchedulerSetting>
      SchedulerSettings: MessageTypeDefinition<_drover_v1_SchedulerSettingsInput, _drover_v1_SchedulerSettings>
      ServerGroup: MessageTypeDefinition<_drover_v1_ServerGroupInput, _drover_v1_ServerGroup>
      StoredSettings: MessageTypeDefinition<_drover_v1_StoredSettingsInput, _drover_v1_StoredSettings>
      UpdateSchedulerSettingsRequest: MessageTypeDefinition<_drover_v1_UpdateSchedulerSettingsRequestInput, _drover_v1_UpdateSchedulerSettingsRequest>
    }
  }
}

