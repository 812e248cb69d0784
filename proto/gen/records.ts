import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ApplyProfileRequestInput as _drover_v1_ApplyProfileRequestInput, ApplyProfileRequest as _drover_v1_ApplyProfileRequest } from './drover/v1/ApplyProfileRequest.js';
import type { ApplyProfileResponseInput as _drover_v1_ApplyProfileResponseInput, ApplyProfileResponse as _drover_v1_ApplyProfileResponse } from './drover/v1/ApplyProfileResponse.js';
import type { AuditFindingInput as _drover_v1_AuditFindingInput, AuditFinding as _drover_v1_AuditFinding } from './drover/v1/AuditFinding.js';
import type { BlockDeviceInput as _drover_v1_BlockDeviceInput, BlockDevice as _drover_v1_BlockDevice } from './drover/v1/BlockDevice.js';
import type { CapacityOutlookInput as _drover_v1_CapacityOutlookInput, CapacityOutlook as _drover_v1_CapacityOutlook } from './drover/v1/CapacityOutlook.js';
import type { CgroupFactsInput as _drover_v1_CgroupFactsInput, CgroupFacts as _drover_v1_CgroupFacts } from './drover/v1/CgroupFacts.js';
import type { ConditionInput as _drover_v1_ConditionInput, Condition as _drover_v1_Condition } from './drover/v1/Condition.js';
import type { CpuCacheInput as _drover_v1_CpuCacheInput, CpuCache as _drover_v1_CpuCache } from './drover/v1/CpuCache.js';
import type { CpuCoreInput as _drover_v1_CpuCoreInput, CpuCore as _drover_v1_CpuCore } from './drover/v1/CpuCore.js';
import type { CpuFactsInput as _drover_v1_CpuFactsInput, CpuFacts as _drover_v1_CpuFacts } from './drover/v1/CpuFacts.js';
import type { CreateJoinTokenRequestInput as _drover_v1_CreateJoinTokenRequestInput, CreateJoinTokenRequest as _drover_v1_CreateJoinTokenRequest } from './drover/v1/CreateJoinTokenRequest.js';
import type { CreateJoinTokenResponseInput as _drover_v1_CreateJoinTokenResponseInput, CreateJoinTokenResponse as _drover_v1_CreateJoinTokenResponse } from './drover/v1/CreateJoinTokenResponse.js';
import type { DeleteHostRequestInput as _drover_v1_DeleteHostRequestInput, DeleteHostRequest as _drover_v1_DeleteHostRequest } from './drover/v1/DeleteHostRequest.js';
import type { DeleteHostResponseInput as _drover_v1_DeleteHostResponseInput, DeleteHostResponse as _drover_v1_DeleteHostResponse } from './drover/v1/DeleteHostResponse.js';
import type { DomainInput as _drover_v1_DomainInput, Domain as _drover_v1_Domain } from './drover/v1/Domain.js';
import type { DomainReportInput as _drover_v1_DomainReportInput, DomainReport as _drover_v1_DomainReport } from './drover/v1/DomainReport.js';
import type { FleetClient as _drover_v1_FleetClient, FleetDefinition as _drover_v1_FleetDefinition } from './drover/v1/Fleet.js';
import type { GetHostRequestInput as _drover_v1_GetHostRequestInput, GetHostRequest as _drover_v1_GetHostRequest } from './drover/v1/GetHostRequest.js';
import type { GetProfileRequestInput as _drover_v1_GetProfileRequestInput, GetProfileRequest as _drover_v1_GetProfileRequest } from './drover/v1/GetProfileRequest.js';
import type { GuestOrderInput as _drover_v1_GuestOrderInput, GuestOrder as _drover_v1_GuestOrder } from './drover/v1/GuestOrder.js';
import type { GuestOutlookInput as _drover_v1_GuestOutlookInput, GuestOutlook as _drover_v1_GuestOutlook } from './drover/v1/GuestOutlook.js';
import type { GuestProgressInput as _drover_v1_GuestProgressInput, GuestProgress as _drover_v1_GuestProgress } from './drover/v1/GuestProgress.js';
import type { GuestReportInput as _drover_v1_GuestReportInput, GuestReport as _drover_v1_GuestReport } from './drover/v1/GuestReport.js';
import type { GuestStageInput as _drover_v1_GuestStageInput, GuestStage as _drover_v1_GuestStage } from './drover/v1/GuestStage.js';
import type { HealthClient as _drover_v1_HealthClient, HealthDefinition as _drover_v1_HealthDefinition } from './drover/v1/Health.js';
import type { HostInput as _drover_v1_HostInput, Host as _drover_v1_Host } from './drover/v1/Host.js';
import type { HostCapacityInput as _drover_v1_HostCapacityInput, HostCapacity as _drover_v1_HostCapacity } from './drover/v1/HostCapacity.js';
import type { HostDetailInput as _drover_v1_HostDetailInput, HostDetail as _drover_v1_HostDetail } from './drover/v1/HostDetail.js';
import type { HostFactsInput as _drover_v1_HostFactsInput, HostFacts as _drover_v1_HostFacts } from './drover/v1/HostFacts.js';
import type { HostLockInput as _drover_v1_HostLockInput, HostLock as _drover_v1_HostLock } from './drover/v1/HostLock.js';
import type { HostMaintenanceInput as _drover_v1_HostMaintenanceInput, HostMaintenance as _drover_v1_HostMaintenance } from './drover/v1/HostMaintenance.js';
import type { HostOvercommitInput as _drover_v1_HostOvercommitInput, HostOvercommit as _drover_v1_HostOvercommit } from './drover/v1/HostOvercommit.js';
import type { HostRecordInput as _drover_v1_HostRecordInput, HostRecord as _drover_v1_HostRecord } from './drover/v1/HostRecord.js';
import type { HostTuningInput as _drover_v1_HostTuningInput, HostTuning as _drover_v1_HostTuning } from './drover/v1/HostTuning.js';
import type { HostUsageInput as _drover_v1_HostUsageInput, HostUsage as _drover_v1_HostUsage } from './drover/v1/HostUsage.js';
import type { HugepagePoolInput as _drover_v1_HugepagePoolInput, HugepagePool as _drover_v1_HugepagePool } from './drover/v1/HugepagePool.js';
import type { JoinTokenRecordInput as _drover_v1_JoinTokenRecordInput, JoinTokenRecord as _drover_v1_JoinTokenRecord } from './drover/v1/JoinTokenRecord.js';
import type { ListConditionsRequestInput as _drover_v1_ListConditionsRequestInput, ListConditionsRequest as _drover_v1_ListConditionsRequest } from './drover/v1/ListConditionsRequest.js';
import type { ListConditionsResponseInput as _drover_v1_ListConditionsResponseInput, ListConditionsResponse as _drover_v1_ListConditionsResponse } from './drover/v1/ListConditionsResponse.js';
import type { ListDomainsRequestInput as _drover_v1_ListDomainsRequestInput, ListDomainsRequest as _drover_v1_ListDomainsRequest } from './drover/v1/ListDomainsRequest.js';
import type { ListDomainsResponseInput as _drover_v1_ListDomainsResponseInput, ListDomainsResponse as _drover_v1_ListDomainsResponse } from './drover/v1/ListDomainsResponse.js';
import type { ListHostsRequestInput as _drover_v1_ListHostsRequestInput, ListHostsRequest as _drover_v1_ListHostsRequest } from './drover/v1/ListHostsRequest.js';
import type { ListHostsResponseInput as _drover_v1_ListHostsResponseInput, ListHostsResponse as _drover_v1_ListHostsResponse } from './drover/v1/ListHostsResponse.js';
import type { ListProfilesRequestInput as _drover_v1_ListProfilesRequestInput, ListProfilesRequest as _drover_v1_ListProfilesRequest } from './drover/v1/ListProfilesRequest.js';
import type { ListProfilesResponseInput as _drover_v1_ListProfilesResponseInput, ListProfilesResponse as _drover_v1_ListProfilesResponse } from './drover/v1/ListProfilesResponse.js';
import type { MaintainHostRequestInput as _drover_v1_MaintainHostRequestInput, MaintainHostRequest as _drover_v1_MaintainHostRequest } from './drover/v1/MaintainHostRequest.js';
import type { MaintainHostResponseInput as _drover_v1_MaintainHostResponseInput, MaintainHostResponse as _drover_v1_MaintainHostResponse } from './drover/v1/MaintainHostResponse.js';
import type { MemoryFactsInput as _drover_v1_MemoryFactsInput, MemoryFacts as _drover_v1_MemoryFacts } from './drover/v1/MemoryFacts.js';
import type { NumaCellInput as _drover_v1_NumaCellInput, NumaCell as _drover_v1_NumaCell } from './drover/v1/NumaCell.js';
import type { OvercommitInput as _drover_v1_OvercommitInput, Overcommit as _drover_v1_Overcommit } from './drover/v1/Overcommit.js';
import type { PassthroughFactsInput as _drover_v1_PassthroughFactsInput, PassthroughFacts as _drover_v1_PassthroughFacts } from './drover/v1/PassthroughFacts.js';
import type { PciDeviceInput as _drover_v1_PciDeviceInput, PciDevice as _drover_v1_PciDevice } from './drover/v1/PciDevice.js';
import type { PendingRebootInput as _drover_v1_PendingRebootInput, PendingReboot as _drover_v1_PendingReboot } from './drover/v1/PendingReboot.js';
import type { PortFindingInput as _drover_v1_PortFindingInput, PortFinding as _drover_v1_PortFinding } from './drover/v1/PortFinding.js';
import type { PreflightFindingInput as _drover_v1_PreflightFindingInput, PreflightFinding as _drover_v1_PreflightFinding } from './drover/v1/PreflightFinding.js';
import type { ProfileInput as _drover_v1_ProfileInput, Profile as _drover_v1_Profile } from './drover/v1/Profile.js';
import type { ProfileSelectorInput as _drover_v1_ProfileSelectorInput, ProfileSelector as _drover_v1_ProfileSelector } from './drover/v1/ProfileSelector.js';
import type { ResumeHostRequestInput as _drover_v1_ResumeHostRequestInput, ResumeHostRequest as _drover_v1_ResumeHostRequest } from './drover/v1/ResumeHostRequest.js';
import type { SettingOwnerInput as _drover_v1_SettingOwnerInput, SettingOwner as _drover_v1_SettingOwner } from './drover/v1/SettingOwner.js';
import type { SettingStatusInput as _drover_v1_SettingStatusInput, SettingStatus as _drover_v1_SettingStatus } from './drover/v1/SettingStatus.js';
import type { StartGrantInput as _drover_v1_StartGrantInput, StartGrant as _drover_v1_StartGrant } from './drover/v1/StartGrant.js';
import type { StartRequestInput as _drover_v1_StartRequestInput, StartRequest as _drover_v1_StartRequest } from './drover/v1/StartRequest.js';
import type { TuningClient as _drover_v1_TuningClient, TuningDefinition as _drover_v1_TuningDefinition } from './drover/v1/Tuning.js';
import type { UpdateHostRequestInput as _drover_v1_UpdateHostRequestInput, UpdateHostRequest as _drover_v1_UpdateHostRequest } from './drover/v1/UpdateHostRequest.js';
import type { WithdrawProfileRequestInput as _drover_v1_WithdrawProfileRequestInput, WithdrawProfileRequest as _drover_v1_WithdrawProfileRequest } from './drover/v1/WithdrawProfileRequest.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  drover: {
    v1: {
      ApplyProfileRequest: MessageTypeDefinition<_drover_v1_ApplyProfileRequestInput, _drover_v1_ApplyProfileRequest>
      ApplyProfileResponse: MessageTypeDefinition<_drover_v1_ApplyProfileResponseInput, _drover_v1_ApplyProfileResponse>
      AuditFinding: MessageTypeDefinition<_drover_v1_AuditFindingInput, _drover_v1_AuditFinding>
      BlockDevice: MessageTypeDefinition<_drover_v1_BlockDeviceInput, _drover_v1_BlockDevice>
      CapacityOutlook: MessageTypeDefinition<_drover_v1_CapacityOutlookInput, _drover_v1_CapacityOutlook>
      CgroupFacts: MessageTypeDefinition<_drover_v1_CgroupFactsInput, _drover_v1_CgroupFacts>
      Condition: MessageTypeDefinition<_drover_v1_ConditionInput, _drover_v1_Condition>
      CpuCache: MessageTypeDefinition<_drover_v1_CpuCacheInput, _drover_v1_CpuCache>
      CpuCore: MessageTypeDefinition<_drover_v1_CpuCoreInput, _drover_v1_CpuCore>
      CpuFacts: MessageTypeDefinition<_drover_v1_CpuFactsInput, _drover_v1_CpuFacts>
      CreateJoinTokenRequest: MessageTypeDefinition<_drover_v1_CreateJoinTokenRequestInput, _drover_v1_CreateJoinTokenRequest>
      CreateJoinTokenResponse: MessageTypeDefinition<_drover_v1_CreateJoinTokenResponseInput, _drover_v1_CreateJoinTokenResponse>
      DeleteHostRequest: MessageTypeDefinition<_drover_v1_DeleteHostRequestInput, _drover_v1_DeleteHostRequest>
      DeleteHostResponse: MessageTypeDefinition<_drover_v1_DeleteHostResponseInput, _drover_v1_DeleteHostResponse>
      Domain: MessageTypeDefinition<_drover_v1_DomainInput, _drover_v1_Domain>
      DomainReport: MessageTypeDefinition<_drover_v1_DomainReportInput, _drover_v1_DomainReport>
      Fleet: SubtypeConstructor<typeof grpc.Client, _drover_v1_FleetClient> & { service: _drover_v1_FleetDefinition }
      GetHostRequest: MessageTypeDefinition<_drover_v1_GetHostRequestInput, _drover_v1_GetHostRequest>
      GetProfileRequest: MessageTypeDefinition<_drover_v1_GetProfileRequestInput, _drover_v1_GetProfileRequest>
      GuestOrder: MessageTypeDefinition<_drover_v1_GuestOrderInput, _drover_v1_GuestOrder>
      GuestOutlook: MessageTypeDefinition<_drover_v1_GuestOutlookInput, _drover_v1_GuestOutlook>
      GuestProgress: MessageTypeDefinition<_drover_v1_GuestProgressInput, _drover_v1_GuestProgress>
      GuestReport: MessageTypeDefinition<_drover_v1_GuestReportInput, _drover_v1_GuestReport>
      GuestStage: MessageTypeDefinition<_drover_v1_GuestStageInput, _drover_v1_GuestStage>
      Health: SubtypeConstructor<typeof grpc.Client, _drover_v1_HealthClient> & { service: _drover_v1_HealthDefinition }
      Host: MessageTypeDefinition<_drover_v1_HostInput, _drover_v1_Host>
      HostCapacity: MessageTypeDefinition<_drover_v1_HostCapacityInput, _drover_v1_HostCapacity>
      HostDetail: MessageTypeDefinition<_drover_v1_HostDetailInput, _drover_v1_HostDetail>
      HostFacts: MessageTypeDefinition<_drover_v1_HostFactsInput, _drover_v1_HostFacts>
      HostLock: MessageTypeDefinition<_drover_v1_HostLockInput, _drover_v1_HostLock>
      HostMaintenance: MessageTypeDefinition<_drover_v1_HostMaintenanceInput, _drover_v1_HostMaintenance>
      HostOvercommit: MessageTypeDefinition<_drover_v1_HostOvercommitInput, _drover_v1_HostOvercommit>
      HostRecord: MessageTypeDefinition<_drover_v1_HostRecordInput, _drover_v1_HostRecord>
      HostTuning: MessageTypeDefinition<_drover_v1_HostTuningInput, _drover_v1_HostTuning>
      HostUsage: MessageTypeDefinition<_drover_v1_HostUsageInput, _drover_v1_HostUsage>
      HugepagePool: MessageTypeDefinition<_drover_v1_HugepagePoolInput, _drover_v1_HugepagePool>
      JoinTokenRecord: MessageTypeDefinition<_drover_v1_JoinTokenRecordInput, _drover_v1_JoinTokenRecord>
      ListConditionsRequest: MessageTypeDefinition<_drover_v1_ListConditionsRequestInput, _drover_v1_ListConditionsRequest>
      ListConditionsResponse: MessageTypeDefinition<_drover_v1_ListConditionsResponseInput, _drover_v1_ListConditionsResponse>
      ListDomainsRequest: MessageTypeDefinition<_drover_v1_ListDomainsRequestInput, _drover_v1_ListDomainsRequest>
      ListDomainsResponse: MessageTypeDefinition<_drover_v1_ListDomainsResponseInput, _drover_v1_ListDomainsResponse>
      ListHostsRequest: MessageTypeDefinition<_drover_v1_ListHostsRequestInput, _drover_v1_ListHostsRequest>
      ListHostsResponse: MessageTypeDefinition<_drover_v1_ListHostsResponseInput, _drover_v1_ListHostsResponse>
      ListProfilesRequest: MessageTypeDefinition<_drover_v1_ListProfilesRequestInput, _drover_v1_ListProfilesRequest>
      ListProfilesResponse: MessageTypeDefinition<_drover_v1_ListProfilesResponseInput, _drover_v1_ListProfilesResponse>
      MaintainHostRequest: MessageTypeDefinition<_drover_v1_MaintainHostRequestInput, _drover_v1_MaintainHostRequest>
      MaintainHostResponse: MessageTypeDefinition<_drover_v1_MaintainHostResponseInput, _drover_v1_MaintainHostResponse>
      MemoryFacts: MessageTypeDefinition<_drover_v1_MemoryFactsInput, _drover_v1_MemoryFacts>
      NumaCell: MessageTypeDefinition<_drover_v1_NumaCellInput, _drover_v1_NumaCell>
      Overcommit: MessageTypeDefinition<_drover_v1_OvercommitInput, _drover_v1_Overcommit>
      PassthroughFacts: MessageTypeDefinition<_drover_v1_PassthroughFactsInput, _drover_v1_PassthroughFacts>
      PciDevice: MessageTypeDefinition<_drover_v1_PciDeviceInput, _drover_v1_PciDevice>
      PendingReboot: MessageTypeDefinition<_drover_v1_PendingRebootInput, _drover_v1_PendingReboot>
      PortFinding: MessageTypeDefinition<_drover_v1_PortFindingInput, _drover_v1_PortFinding>
      PreflightFinding: MessageTypeDefinition<_drover_v1_PreflightFindingInput, _drover_v1_PreflightFinding>
      Profile: MessageTypeDefinition<_drover_v1_ProfileInput, _drover_v1_Profile>
      ProfileSelector: MessageTypeDefinition<_drover_v1_ProfileSelectorInput, _drover_v1_ProfileSelector>
      ResumeHostRequest: MessageTypeDefinition<_drover_v1_ResumeHostRequestInput, _drover_v1_ResumeHostRequest>
      SettingOwner: MessageTypeDefinition<_drover_v1_SettingOwnerInput, _drover_v1_SettingOwner>
      SettingStatus: MessageTypeDefinition<_drover_v1_SettingStatusInput, _drover_v1_SettingStatus>
      StartGrant: MessageTypeDefinition<_drover_v1_StartGrantInput, _drover_v1_StartGrant>
      StartRequest: MessageTypeDefinition<_drover_v1_StartRequestInput, _drover_v1_StartRequest>
      Tuning: SubtypeConstructor<typeof grpc.Client, _drover_v1_TuningClient> & { service: _drover_v1_TuningDefinition }
      UpdateHostRequest: MessageTypeDefinition<_drover_v1_UpdateHostRequestInput, _drover_v1_UpdateHostRequest>
      WithdrawProfileRequest: MessageTypeDefinition<_drover_v1_WithdrawProfileRequestInput, _drover_v1_WithdrawProfileRequest>
    }
  }
}

