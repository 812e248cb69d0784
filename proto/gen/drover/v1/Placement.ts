// Original file: proto/drover/v1/placement.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ClaimRequestInput as _drover_v1_ClaimRequestInput, ClaimRequest as _drover_v1_ClaimRequest } from '../../drover/v1/ClaimRequest.js';
import type { ClaimResponseInput as _drover_v1_ClaimResponseInput, ClaimResponse as _drover_v1_ClaimResponse } from '../../drover/v1/ClaimResponse.js';
import type { ExplainRequestInput as _drover_v1_ExplainRequestInput, ExplainRequest as _drover_v1_ExplainRequest } from '../../drover/v1/ExplainRequest.js';
import type { ExplainResponseInput as _drover_v1_ExplainResponseInput, ExplainResponse as _drover_v1_ExplainResponse } from '../../drover/v1/ExplainResponse.js';
import type { ListAllocationsRequestInput as _drover_v1_ListAllocationsRequestInput, ListAllocationsRequest as _drover_v1_ListAllocationsRequest } from '../../drover/v1/ListAllocationsRequest.js';
import type { ListAllocationsResponseInput as _drover_v1_ListAllocationsResponseInput, ListAllocationsResponse as _drover_v1_ListAllocationsResponse } from '../../drover/v1/ListAllocationsResponse.js';
import type { MoveRequestInput as _drover_v1_MoveRequestInput, MoveRequest as _drover_v1_MoveRequest } from '../../drover/v1/MoveRequest.js';
import type { MoveResponseInput as _drover_v1_MoveResponseInput, MoveResponse as _drover_v1_MoveResponse } from '../../drover/v1/MoveResponse.js';
import type { PlaceManyRequestInput as _drover_v1_PlaceManyRequestInput, PlaceManyRequest as _drover_v1_PlaceManyRequest } from '../../drover/v1/PlaceManyRequest.js';
import type { PlaceManyResponseInput as _drover_v1_PlaceManyResponseInput, PlaceManyResponse as _drover_v1_PlaceManyResponse } from '../../drover/v1/PlaceManyResponse.js';
import type { ReleaseRequestInput as _drover_v1_ReleaseRequestInput, ReleaseRequest as _drover_v1_ReleaseRequest } from '../../drover/v1/ReleaseRequest.js';
import type { ReleaseResponseInput as _drover_v1_ReleaseResponseInput, ReleaseResponse as _drover_v1_ReleaseResponse } from '../../drover/v1/ReleaseResponse.js';
import type { SelectDestinationsRequestInput as _drover_v1_SelectDestinationsRequestInput, SelectDestinationsRequest as _drover_v1_SelectDestinationsRequest } from '../../drover/v1/SelectDestinationsRequest.js';
import type { SelectDestinationsResponseInput as _drover_v1_SelectDestinationsResponseInput, SelectDestinationsResponse as _drover_v1_SelectDestinationsResponse } from '../../drover/v1/SelectDestinationsResponse.js';
import type { SimulateRequestInput as _drover_v1_SimulateRequestInput, SimulateRequest as _drover_v1_SimulateRequest } from '../../drover/v1/SimulateRequest.js';
import type { SimulateResponseInput as _drover_v1_SimulateResponseInput, SimulateResponse as _drover_v1_SimulateResponse } from '../../drover/v1/SimulateResponse.js';

export interface PlacementClient extends grpc.Client {
  Claim(argument: _drover_v1_ClaimRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ClaimResponse>): grpc.ClientUnaryCall;
  Claim(argument: _drover_v1_ClaimRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ClaimResponse>): grpc.ClientUnaryCall;
  Claim(argument: _drover_v1_ClaimRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ClaimResponse>): grpc.ClientUnaryCall;
  Claim(argument: _drover_v1_ClaimRequestInput, callback: grpc.requestCallback<_drover_v1_ClaimResponse>): grpc.ClientUnaryCall;
  claim(argument: _drover_v1_ClaimRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ClaimResponse>): grpc.ClientUnaryCall;
  claim(argument: _drover_v1_ClaimRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ClaimResponse>): grpc.ClientUnaryCall;
  claim(argument: _drover_v1_ClaimRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ClaimResponse>): grpc.ClientUnaryCall;
  claim(argument: _drover_v1_ClaimRequestInput, callback: grpc.requestCallback<_drover_v1_ClaimResponse>): grpc.ClientUnaryCall;
  
  Explain(argument: _drover_v1_ExplainRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ExplainResponse>): grpc.ClientUnaryCall;
  Explain(argument: _drover_v1_ExplainRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ExplainResponse>): grpc.ClientUnaryCall;
  Explain(argument: _drover_v1_ExplainRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ExplainResponse>): grpc.ClientUnaryCall;
  Explain(argument: _drover_v1_ExplainRequestInput, callback: grpc.requestCallback<_drover_v1_ExplainResponse>): grpc.ClientUnaryCall;
  explain(argument: _drover_v1_ExplainRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ExplainResponse>): grpc.ClientUnaryCall;
  explain(argument: _drover_v1_ExplainRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ExplainResponse>): grpc.ClientUnaryCall;
  explain(argument: _drover_v1_ExplainRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ExplainResponse>): grpc.ClientUnaryCall;
  explain(argument: _drover_v1_ExplainRequestInput, callback: grpc.requestCallback<_drover_v1_ExplainResponse>): grpc.ClientUnaryCall;
  
  ListAllocations(argument: _drover_v1_ListAllocationsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAllocationsResponse>): grpc.ClientUnaryCall;
  ListAllocations(argument: _drover_v1_ListAllocationsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListAllocationsResponse>): grpc.ClientUnaryCall;
  ListAllocations(argument: _drover_v1_ListAllocationsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAllocationsResponse>): grpc.ClientUnaryCall;
  ListAllocations(argument: _drover_v1_ListAllocationsRequestInput, callback: grpc.requestCallback<_drover_v1_ListAllocationsResponse>): grpc.ClientUnaryCall;
  listAllocations(argument: _drover_v1_ListAllocationsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAllocationsResponse>): grpc.ClientUnaryCall;
  listAllocations(argument: _drover_v1_ListAllocationsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ListAllocationsResponse>): grpc.ClientUnaryCall;
  listAllocations(argument: _drover_v1_ListAllocationsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ListAllocationsResponse>): grpc.ClientUnaryCall;
  listAllocations(argument: _drover_v1_ListAllocationsRequestInput, callback: grpc.requestCallback<_drover_v1_ListAllocationsResponse>): grpc.ClientUnaryCall;
  
  Move(argument: _drover_v1_MoveRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MoveResponse>): grpc.ClientUnaryCall;
  Move(argument: _drover_v1_MoveRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_MoveResponse>): grpc.ClientUnaryCall;
  Move(argument: _drover_v1_MoveRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MoveResponse>): grpc.ClientUnaryCall;
  Move(argument: _drover_v1_MoveRequestInput, callback: grpc.requestCallback<_drover_v1_MoveResponse>): grpc.ClientUnaryCall;
  move(argument: _drover_v1_MoveRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MoveResponse>): grpc.ClientUnaryCall;
  move(argument: _drover_v1_MoveRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_MoveResponse>): grpc.ClientUnaryCall;
  move(argument: _drover_v1_MoveRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_MoveResponse>): grpc.ClientUnaryCall;
  move(argument: _drover_v1_MoveRequestInput, callback: grpc.requestCallback<_drover_v1_MoveResponse>): grpc.ClientUnaryCall;
  
  PlaceMany(argument: _drover_v1_PlaceManyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_PlaceManyResponse>): grpc.ClientUnaryCall;
  PlaceMany(argument: _drover_v1_PlaceManyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_PlaceManyResponse>): grpc.ClientUnaryCall;
  PlaceMany(argument: _drover_v1_PlaceManyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_PlaceManyResponse>): grpc.ClientUnaryCall;
  PlaceMany(argument: _drover_v1_PlaceManyRequestInput, callback: grpc.requestCallback<_drover_v1_PlaceManyResponse>): grpc.ClientUnaryCall;
  placeMany(argument: _drover_v1_PlaceManyRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_PlaceManyResponse>): grpc.ClientUnaryCall;
  placeMany(argument: _drover_v1_PlaceManyRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_PlaceManyResponse>): grpc.ClientUnaryCall;
  placeMany(argument: _drover_v1_PlaceManyRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_PlaceManyResponse>): grpc.ClientUnaryCall;
  placeMany(argument: _drover_v1_PlaceManyRequestInput, callback: grpc.requestCallback<_drover_v1_PlaceManyResponse>): grpc.ClientUnaryCall;
  
  Release(argument: _drover_v1_ReleaseRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ReleaseResponse>): grpc.ClientUnaryCall;
  Release(argument: _drover_v1_ReleaseRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ReleaseResponse>): grpc.ClientUnaryCall;
  Release(argument: _drover_v1_ReleaseRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ReleaseResponse>): grpc.ClientUnaryCall;
  Release(argument: _drover_v1_ReleaseRequestInput, callback: grpc.requestCallback<_drover_v1_ReleaseResponse>): grpc.ClientUnaryCall;
  release(argument: _drover_v1_ReleaseRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ReleaseResponse>): grpc.ClientUnaryCall;
  release(argument: _drover_v1_ReleaseRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_ReleaseResponse>): grpc.ClientUnaryCall;
  release(argument: _drover_v1_ReleaseRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_ReleaseResponse>): grpc.ClientUnaryCall;
  release(argument: _drover_v1_ReleaseRequestInput, callback: grpc.requestCallback<_drover_v1_ReleaseResponse>): grpc.ClientUnaryCall;
  
  SelectDestinations(argument: _drover_v1_SelectDestinationsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SelectDestinationsResponse>): grpc.ClientUnaryCall;
  SelectDestinations(argument: _drover_v1_SelectDestinationsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_SelectDestinationsResponse>): grpc.ClientUnaryCall;
  SelectDestinations(argument: _drover_v1_SelectDestinationsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SelectDestinationsResponse>): grpc.ClientUnaryCall;
  SelectDestinations(argument: _drover_v1_SelectDestinationsRequestInput, callback: grpc.requestCallback<_drover_v1_SelectDestinationsResponse>): grpc.ClientUnaryCall;
  selectDestinations(argument: _drover_v1_SelectDestinationsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SelectDestinationsResponse>): grpc.ClientUnaryCall;
  selectDestinations(argument: _drover_v1_SelectDestinationsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_SelectDestinationsResponse>): grpc.ClientUnaryCall;
  selectDestinations(argument: _drover_v1_SelectDestinationsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SelectDestinationsResponse>): grpc.ClientUnaryCall;
  selectDestinations(argument: _drover_v1_SelectDestinationsRequestInput, callback: grpc.requestCallback<_drover_v1_SelectDestinationsResponse>): grpc.ClientUnaryCall;
  
  Simulate(argument: _drover_v1_SimulateRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SimulateResponse>): grpc.ClientUnaryCall;
  Simulate(argument: _drover_v1_SimulateRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_SimulateResponse>): grpc.ClientUnaryCall;
  Simulate(argument: _drover_v1_SimulateRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SimulateResponse>): grpc.ClientUnaryCall;
  Simulate(argument: _drover_v1_SimulateRequestInput, callback: grpc.requestCallback<_drover_v1_SimulateResponse>): grpc.ClientUnaryCall;
  simulate(argument: _drover_v1_SimulateRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SimulateResponse>): grpc.ClientUnaryCall;
  simulate(argument: _drover_v1_SimulateRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_drover_v1_SimulateResponse>): grpc.ClientUnaryCall;
  simulate(argument: _drover_v1_SimulateRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_drover_v1_SimulateResponse>): grpc.ClientUnaryCall;
  simulate(argument: _drover_v1_SimulateRequestInput, callback: grpc.requestCallback<_drover_v1_SimulateResponse>): grpc.ClientUnaryCall;
  
}

export interface PlacementHandlers extends grpc.UntypedServiceImplementation {
  Claim: grpc.handleUnaryCall<_drover_v1_ClaimRequest, _drover_v1_ClaimResponseInput>;
  
  Explain: grpc.handleUnaryCall<_drover_v1_ExplainRequest, _drover_v1_ExplainResponseInput>;
  
  ListAllocations: grpc.handleUnaryCall<_drover_v1_ListAllocationsRequest, _drover_v1_ListAllocationsResponseInput>;
  
  Move: grpc.handleUnaryCall<_drover_v1_MoveRequest, _drover_v1_MoveResponseInput>;
  
  PlaceMany: grpc.handleUnaryCall<_drover_v1_PlaceManyRequest, _drover_v1_PlaceManyResponseInput>;
  
  Release: grpc.handleUnaryCall<_drover_v1_ReleaseRequest, _drover_v1_ReleaseResponseInput>;
  
  SelectDestinations: grpc.handleUnaryCall<_drover_v1_SelectDestinationsRequest, _drover_v1_SelectDestinationsResponseInput>;
  
  Simulate: grpc.handleUnaryCall<_drover_v1_SimulateRequest, _drover_v1_SimulateResponseInput>;
  
}

export interface PlacementDefinition extends grpc.ServiceDefinition {
  Claim: MethodDefinition<_drover_v1_ClaimRequestInput, _drover_v1_ClaimResponseInput, _drover_v1_ClaimRequest, _drover_v1_ClaimResponse>
  Explain: MethodDefinition<_drover_v1_ExplainRequestInput, _drover_v1_ExplainResponseInput, _drover_v1_ExplainRequest, _drover_v1_ExplainResponse>
  ListAllocations: MethodDefinition<_drover_v1_ListAllocationsRequestInput, _drover_v1_ListAllocationsResponseInput, _drover_v1_ListAllocationsRequest, _drover_v1_ListAllocationsResponse>
  Move: MethodDefinition<_drover_v1_MoveRequestInput, _drover_v1_MoveResponseInput, _drover_v1_MoveRequest, _drover_v1_MoveResponse>
  PlaceMany: MethodDefinition<_drover_v1_PlaceManyRequestInput, _drover_v1_PlaceManyResponseInput, _drover_v1_PlaceManyRequest, _drover_v1_PlaceManyResponse>
  Release: MethodDefinition<_drover_v1_ReleaseRequestInput, _drover_v1_ReleaseResponseInput, _drover_v1_ReleaseRequest, _drover_v1_ReleaseResponse>
  SelectDestinations: MethodDefinition<_drover_v1_SelectDestinationsRequestInput, _drover_v1_SelectDestinationsResponseInput, _drover_v1_SelectDestinationsRequest, _drover_v1_SelectDestinationsResponse>
  Simulate: MethodDefinition<_drover_v1_SimulateRequestInput, _drover_v1_SimulateResponseInput, _drover_v1_SimulateRequest, _drover_v1_SimulateResponse>
}
