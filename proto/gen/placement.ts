import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AllocationInput as _drover_v1_AllocationInput, Allocation as _drover_v1_Allocation } from './drover/v1/Allocation.js';
import type { ClaimRequestInput as _drover_v1_ClaimRequestInput, ClaimRequest as _drover_v1_ClaimRequest } from './drover/v1/ClaimRequest.js';
import type { ClaimResponseInput as _drover_v1_ClaimResponseInput, ClaimResponse as _drover_v1_ClaimResponse } from './drover/v1/ClaimResponse.js';
import type { DestinationInput as _drover_v1_DestinationInput, Destination as _drover_v1_Destination } from './drover/v1/Destination.js';
import type { ExplainRequestInput as _drover_v1_ExplainRequestInput, ExplainRequest as _drover_v1_ExplainRequest } from './drover/v1/ExplainRequest.js';
import type { ExplainResponseInput as _drover_v1_ExplainResponseInput, ExplainResponse as _drover_v1_ExplainResponse } from './drover/v1/ExplainResponse.js';
import type { FilterCountInput as _drover_v1_FilterCountInput, FilterCount as _drover_v1_FilterCount } from './drover/v1/FilterCount.js';
import type { HostAllocationsInput as _drover_v1_HostAllocationsInput, HostAllocations as _drover_v1_HostAllocations } from './drover/v1/HostAllocations.js';
import type { HostExplanationInput as _drover_v1_HostExplanationInput, HostExplanation as _drover_v1_HostExplanation } from './drover/v1/HostExplanation.js';
import type { ListAllocationsRequestInput as _drover_v1_ListAllocationsRequestInput, ListAllocationsRequest as _drover_v1_ListAllocationsRequest } from './drover/v1/ListAllocationsRequest.js';
import type { ListAllocationsResponseInput as _drover_v1_ListAllocationsResponseInput, ListAllocationsResponse as _drover_v1_ListAllocationsResponse } from './drover/v1/ListAllocationsResponse.js';
import type { PlaceManyRequestInput as _drover_v1_PlaceManyRequestInput, PlaceManyRequest as _drover_v1_PlaceManyRequest } from './drover/v1/PlaceManyRequest.js';
import type { PlaceManyResponseInput as _drover_v1_PlaceManyResponseInput, PlaceManyResponse as _drover_v1_PlaceManyResponse } from './drover/v1/PlaceManyResponse.js';
import type { PlaceResultInput as _drover_v1_PlaceResultInput, PlaceResult as _drover_v1_PlaceResult } from './drover/v1/PlaceResult.js';
import type { PlacementClient as _drover_v1_PlacementClient, PlacementDefinition as _drover_v1_PlacementDefinition } from './drover/v1/Placement.js';
import type { PlacementRequestInput as _drover_v1_PlacementRequestInput, PlacementRequest as _drover_v1_PlacementRequest } from './drover/v1/PlacementRequest.js';
import type { RefusalInput as _drover_v1_RefusalInput, Refusal as _drover_v1_Refusal } from './drover/v1/Refusal.js';
import type { RefusalCountInput as _drover_v1_RefusalCountInput, RefusalCount as _drover_v1_RefusalCount } from './drover/v1/RefusalCount.js';
import type { ReleaseRequestInput as _drover_v1_ReleaseRequestInput, ReleaseRequest as _drover_v1_ReleaseRequest } from './drover/v1/ReleaseRequest.js';
import type { ReleaseResponseInput as _drover_v1_ReleaseResponseInput, ReleaseResponse as _drover_v1_ReleaseResponse } from './drover/v1/ReleaseResponse.js';
import type { SelectDestinationsRequestInput as _drover_v1_SelectDestinationsRequestInput, SelectDestinationsRequest as _drover_v1_SelectDestinationsRequest } from './drover/v1/SelectDestinationsRequest.js';
import type { SelectDestinationsResponseInput as _drover_v1_SelectDestinationsResponseInput, SelectDestinationsResponse as _drover_v1_SelectDestinationsResponse } from './drover/v1/SelectDestinationsResponse.js';

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
      HostAllocations: MessageTypeDefinition<_drover_v1_HostAllocationsInput, _drover_v1_HostAllocations>
      HostExplanation: MessageTypeDefinition<_drover_v1_HostExplanationInput, _drover_v1_HostExplanation>
      ListAllocationsRequest: MessageTypeDefinition<_drover_v1_ListAllocationsRequestInput, _drover_v1_ListAllocationsRequest>
      ListAllocationsResponse: MessageTypeDefinition<_drover_v1_ListAllocationsResponseInput, _drover_v1_ListAllocationsResponse>
      PlaceManyRequest: MessageTypeDefinition<_drover_v1_PlaceManyRequestInput, _drover_v1_PlaceManyRequest>
      PlaceManyResponse: MessageTypeDefinition<_drover_v1_PlaceManyResponseInput, _drover_v1_PlaceManyResponse>
      PlaceResult: MessageTypeDefinition<_drover_v1_PlaceResultInput, _drover_v1_PlaceResult>
      Placement: SubtypeConstructor<typeof grpc.Client, _drover_v1_PlacementClient> & { service: _drover_v1_PlacementDefinition }
      PlacementRequest: MessageTypeDefinition<_drover_v1_PlacementRequestInput, _drover_v1_PlacementRequest>
      Refusal: MessageTypeDefinition<_drover_v1_RefusalInput, _drover_v1_Refusal>
      RefusalCount: MessageTypeDefinition<_drover_v1_RefusalCountInput, _drover_v1_RefusalCount>
      ReleaseRequest: MessageTypeDefinition<_drover_v1_ReleaseRequestInput, _drover_v1_ReleaseRequest>
      ReleaseResponse: MessageTypeDefinition<_drover_v1_ReleaseResponseInput, _drover_v1_ReleaseResponse>
      SelectDestinationsRequest: MessageTypeDefinition<_drover_v1_SelectDestinationsRequestInput, _drover_v1_SelectDestinationsRequest>
      SelectDestinationsResponse: MessageTypeDefinition<_drover_v1_SelectDestinationsResponseInput, _drover_v1_SelectDestinationsResponse>
    }
  }
}

