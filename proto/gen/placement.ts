import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AllocationInput as _drover_v1_AllocationInput, Allocation as _drover_v1_Allocation } from './drover/v1/Allocation.js';
import type { ClaimRequestInput as _drover_v1_ClaimRequestInput, ClaimRequest as _drover_v1_ClaimRequest } from './drover/v1/ClaimRequest.js';
import type { ClaimResponseInput as _drover_v1_ClaimResponseInput, ClaimResponse as _drover_v1_ClaimResponse } from './drover/v1/ClaimResponse.js';
import type { DestinationInput as _drover_v1_DestinationInput, Destination as _drover_v1_Destination } from './drover/v1/Destination.js';
import type { ExplainRequestInput as _drover_v1_ExplainRequestInput, ExplainRequest as _drover_v1_ExplainRequest } from './drover/v1/ExplainRequest.js';
import type { ExplainResponseInput as _drover_v1_ExplainResponseInput, ExplainResponse as _drover_v1_ExplainResponse } from './drover/v1/ExplainResponse.js';
import type { FilterCountInput as _drover_v1_FilterCountInput, FilterCount as _drover_v1_FilterCount } from './drover/v1/FilterCount.js';
import type { GuestCellPlacementInput as _drover_v1_GuestCellPlacementInput, GuestCellPlacement as _drover_v1_GuestCellPlacement } from './drover/v1/GuestCellPlacement.js';
import type { HostAllocationsInput as _drover_v1_HostAllocationsInput, HostAllocations as _drover_v1_HostAllocations } from './drover/v1/HostAllocations.js';
import type { HostChoiceInput as _drover_v1_HostChoiceInput, HostChoice as _drover_v1_HostChoice } from './drover/v1/HostChoice.js';
import type { HostExplanationInput as _drover_v1_HostExplanationInput, HostExplanation as _drover_v1_HostExplanation } from './drover/v1/HostExplanation.js';
import type { ListAllocationsRequestInput as _drover_v1_ListAllocationsRequestInput, ListAllocationsRequest as _drover_v1_ListAllocationsRequest } from './drover/v1/ListAllocationsRequest.js';
import type { ListAllocationsResponseInput as _drover_v1_ListAllocationsResponseInput, ListAllocationsResponse as _drover_v1_ListAllocationsResponse } from './drover/v1/ListAllocationsResponse.js';
import type { MoveRequestInput as _drover_v1_MoveRequestInput, MoveRequest as _drover_v1_MoveRequest } from './drover/v1/MoveRequest.js';
import type { MoveResponseInput as _drover_v1_MoveResponseInput, MoveResponse as _drover_v1_MoveResponse } from './drover/v1/MoveResponse.js';
import type { PciDeviceRequestInput as _drover_v1_PciDeviceRequestInput, PciDeviceRequest as _drover_v1_PciDeviceRequest } from './drover/v1/PciDeviceRequest.js';
import type { PciDeviceSpecInput as _drover_v1_PciDeviceSpecInput, PciDeviceSpec as _drover_v1_PciDeviceSpec } from './drover/v1/PciDeviceSpec.js';
import type { PlaceManyRequestInput as _drover_v1_PlaceManyRequestInput, PlaceManyRequest as _drover_v1_PlaceManyRequest } from './drover/v1/PlaceManyRequest.js';
import type { PlaceManyResponseInput as _drover_v1_PlaceManyResponseInput, PlaceManyResponse as _drover_v1_PlaceManyResponse } from './drover/v1/PlaceManyResponse.js';
import type { PlaceResultInput as _drover_v1_PlaceResultInput, PlaceResult as _drover_v1_PlaceResult } from './drover/v1/PlaceResult.js';
import type { PlacementClient as _drover_v1_PlacementClient, PlacementDefinition as _drover_v1_PlacementDefinition } from './drover/v1/Placement.js';
import type { PlacementImageInput as _drover_v1_PlacementImageInput, PlacementImage as _drover_v1_PlacementImage } from './drover/v1/PlacementImage.js';
import type { PlacementNetworkInput as _drover_v1_PlacementNetworkInput, PlacementNetwork as _drover_v1_PlacementNetwork } from './drover/v1/PlacementNetwork.js';
import type { PlacementRequestInput as _drover_v1_PlacementRequestInput, PlacementRequest as _drover_v1_PlacementRequest } from './drover/v1/PlacementRequest.js';
import type { RefusalInput as _drover_v1_RefusalInput, Refusal as _drover_v1_Refusal } from './drover/v1/Refusal.js';
import type { RefusalCountInput as _drover_v1_RefusalCountInput, RefusalCount as _drover_v1_RefusalCount } from './drover/v1/RefusalCount.js';
import type { RelaxationInput as _drover_v1_RelaxationInput, Relaxation as _drover_v1_Relaxation } from './drover/v1/Relaxation.js';
import type { ReleaseRequestInput as _drover_v1_ReleaseRequestInput, ReleaseRequest as _drover_v1_ReleaseRequest } from './drover/v1/ReleaseRequest.js';
import type { ReleaseResponseInput as _drover_v1_ReleaseResponseInput, ReleaseResponse as _drover_v1_ReleaseResponse } from './drover/v1/ReleaseResponse.js';
import type { RequestedDestinationInput as _drover_v1_RequestedDestinationInput, RequestedDestination as _drover_v1_RequestedDestination } from './drover/v1/RequestedDestination.js';
import type { ResourceHeadroomInput as _drover_v1_ResourceHeadroomInput, ResourceHeadroom as _drover_v1_ResourceHeadroom } from './drover/v1/ResourceHeadroom.js';
import type { SelectDestinationsRequestInput as _drover_v1_SelectDestinationsRequestInput, SelectDestinationsRequest as _drover_v1_SelectDestinationsRequest } from './drover/v1/SelectDestinationsRequest.js';
import type { SelectDestinationsResponseInput as _drover_v1_SelectDestinationsResponseInput, SelectDestinationsResponse as _drover_v1_SelectDestinationsResponse } from './drover/v1/SelectDestinationsResponse.js';
import type { SimulateRequestInput as _drover_v1_SimulateRequestInput, SimulateRequest as _drover_v1_SimulateRequest } from './drover/v1/SimulateRequest.js';
import type { SimulateResponseInput as _drover_v1_SimulateResponseInput, SimulateResponse as _drover_v1_SimulateResponse } from './drover/v1/SimulateResponse.js';
import type { SimulatedChangeInput as _drover_v1_SimulatedChangeInput, SimulatedChange as _drover_v1_SimulatedChange } from './drover/v1/SimulatedChange.js';
import type { SimulatedHostsInput as _drover_v1_SimulatedHostsInput, SimulatedHosts as _drover_v1_SimulatedHosts } from './drover/v1/SimulatedHosts.js';
import type { SimulatedOvercommitInput as _drover_v1_SimulatedOvercommitInput, SimulatedOvercommit as _drover_v1_SimulatedOvercommit } from './drover/v1/SimulatedOvercommit.js';
import type { SimulatedPlacementInput as _drover_v1_SimulatedPlacementInput, SimulatedPlacement as _drover_v1_SimulatedPlacement } from './drover/v1/SimulatedPlacement.js';
import type { SimulatedResultInput as _drover_v1_SimulatedResultInput, SimulatedResult as _drover_v1_SimulatedResult } from './drover/v1/SimulatedResult.js';
import type { ValuesInput as _drover_v1_ValuesInput, Values as _drover_v1_Values } from './drover/v1/Values.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  drover: {
    v1: {
      Allocation: MessageTypeDefinition<_drover_v1_AllocationInput, _drover_v1_Allocation>
      ClaimRequest: MessageTypeDefinition<_drover_v1_ClaimRequestInput, _drover_v1_ClaimRequest>
      ClaimResponse: MessageTypeDefinition<_drover_v1_ClaimResponseInput, _drover_v1_ClaimResponse>
      Destination: MessageTypeDefinition<_drover_v1_DestinationInput, _drover_v1_Destination>
      ExplainRequest: MessageTypeDefinition<_drover_v1_ExplainRequestInput, _drover_v1_ExplainRequest>
      ExplainResponse: MessageTypeDefinition<_drover_v1_ExplainResponseInput, _drover_v1_ExplainResponse>
      FilterCount: MessageTypeDefinition<_drover_v1_FilterCountInput, _drover_v1_FilterCount>
      GuestCellPlacement: MessageTypeDefinition<_drover_v1_GuestCellPlacementInput, _drover_v1_GuestCellPlacement>
      HostAllocations: MessageTypeDefinition<_drover_v1_HostAllocationsInput, _drover_v1_HostAllocations>
      HostChoice: MessageTypeDefinition<_drover_v1_HostChoiceInput, _drover_v1_HostChoice>
      HostExplanation: MessageTypeDefinition<_drover_v1_HostExplanationInput, _drover_v1_HostExplanation>
      ListAllocationsRequest: MessageTypeDefinition<_drover_v1_ListAllocationsRequestInput, _drover_v1_ListAllocationsRequest>
      ListAllocationsResponse: MessageTypeDefinition<_drover_v1_ListAllocationsResponseInput, _drover_v1_ListAllocationsResponse>
      MoveRequest: MessageTypeDefinition<_drover_v1_MoveRequestInput, _drover_v1_MoveRequest>
      MoveResponse: MessageTypeDefinition<_drover_v1_MoveResponseInput, _drover_v1_MoveResponse>
      PciDeviceRequest: MessageTypeDefinition<_drover_v1_PciDeviceRequestInput, _drover_v1_PciDeviceRequest>
      PciDeviceSpec: MessageTypeDefinition<_drover_v1_PciDeviceSpecInput, _drover_v1_PciDeviceSpec>
      PlaceManyRequest: MessageTypeDefinition<_drover_v1_PlaceManyRequestInput, _drover_v1_PlaceManyRequest>
      PlaceManyResponse: MessageTypeDefinition<_drover_v1_PlaceManyResponseInput, _drover_v1_PlaceManyResponse>
      PlaceResult: MessageTypeDefinition<_drover_v1_PlaceResultInput, _drover_v1_PlaceResult>
      Placement: SubtypeConstructor<typeof grpc.Client, _drover_v1_PlacementClient> & { service: _drover_v1_PlacementDefinition }
      PlacementImage: MessageTypeDefinition<_drover_v1_PlacementImageInput, _drover_v1_PlacementImage>
      PlacementNetwork: MessageTypeDefinition<_drover_v1_PlacementNetworkInput, _drover_v1_PlacementNetwork>
      PlacementRequest: MessageTypeDefinition<_drover_v1_PlacementRequestInput, _drover_v1_PlacementRequest>
      Refusal: MessageTypeDefinition<_drover_v1_RefusalInput, _drover_v1_Refusal>
      RefusalCount: MessageTypeDefinition<_drover_v1_RefusalCountInput, _drover_v1_RefusalCount>
      Relaxation: MessageTypeDefinition<_drover_v1_RelaxationInput, _drover_v1_Relaxation>
      ReleaseRequest: MessageTypeDefinition<_drover_v1_ReleaseRequestInput, _drover_v1_ReleaseRequest>
      ReleaseResponse: MessageTypeDefinition<_drover_v1_ReleaseResponseInput, _drover_v1_ReleaseResponse>
      RequestedDestination: MessageTypeDefinition<_drover_v1_RequestedDestinationInput, _drover_v1_RequestedDestination>
      ResourceHeadroom: MessageTypeDefinition<_drover_v1_ResourceHeadroomInput, _drover_v1_ResourceHeadroom>
      SelectDestinationsRequest: MessageTypeDefinition<_drover_v1_SelectDestinationsRequestInput, _drover_v1_SelectDestinationsRequest>
      SelectDestinationsResponse: MessageTypeDefinition<_drover_v1_SelectDestinationsResponseInput, _drover_v1_SelectDestinationsResponse>
      SimulateRequest: MessageTypeDefinition<_drover_v1_SimulateRequestInput, _drover_v1_SimulateRequest>
      SimulateResponse: MessageTypeDefinition<_drover_v1_SimulateResponseInput, _drover_v1_SimulateResponse>
      SimulatedChange: MessageTypeDefinition<_drover_v1_SimulatedChangeInput, _drover_v1_SimulatedChange>
      SimulatedHosts: MessageTypeDefinition<_drover_v1_SimulatedHostsInput, _drover_v1_SimulatedHosts>
      SimulatedOvercommit: MessageTypeDefinition<_drover_v1_SimulatedOvercommitInput, _drover_v1_SimulatedOvercommit>
      SimulatedPlacement: MessageTypeDefinition<_drover_v1_SimulatedPlacementInput, _drover_v1_SimulatedPlacement>
      SimulatedResult: MessageTypeDefinition<_drover_v1_SimulatedResultInput, _drover_v1_SimulatedResult>
      Values: MessageTypeDefinition<_drover_v1_ValuesInput, _drover_v1_Values>
    }
  }
}

