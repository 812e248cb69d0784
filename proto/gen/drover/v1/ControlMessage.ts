// Original file: proto/drover/v1/agent_session.proto

import type { WelcomeInput as _drover_v1_WelcomeInput, Welcome as _drover_v1_Welcome } from '../../drover/v1/Welcome.js';
import type { DesiredStateInput as _drover_v1_DesiredStateInput, DesiredState as _drover_v1_DesiredState } from '../../drover/v1/DesiredState.js';
import type { OperationRequestInput as _drover_v1_OperationRequestInput, OperationRequest as _drover_v1_OperationRequest } from '../../drover/v1/OperationRequest.js';
import type { AcknowledgementInput as _drover_v1_AcknowledgementInput, Acknowledgement as _drover_v1_Acknowledgement } from '../../drover/v1/Acknowledgement.js';
import type { HostAllocationSetInput as _drover_v1_HostAllocationSetInput, HostAllocationSet as _drover_v1_HostAllocationSet } from '../../drover/v1/HostAllocationSet.js';
import type { GuestOrderInput as _drover_v1_GuestOrderInput, GuestOrder as _drover_v1_GuestOrder } from '../../drover/v1/GuestOrder.js';
import type { StartGrantInput as _drover_v1_StartGrantInput, StartGrant as _drover_v1_StartGrant } from '../../drover/v1/StartGrant.js';
import type { Long } from '@grpc/proto-loader';

export interface ControlMessageInput {
  'sequence'?: (number | string | Long);
  'acknowledged'?: (number | string | Long);
  'welcome'?: (_drover_v1_WelcomeInput | null);
  'desiredState'?: (_drover_v1_DesiredStateInput | null);
  'operationRequest'?: (_drover_v1_OperationRequestInput | null);
  'acknowledgement'?: (_drover_v1_AcknowledgementInput | null);
  'allocations'?: (_drover_v1_HostAllocationSetInput | null);
  'guestOrder'?: (_drover_v1_GuestOrderInput | null);
  'startGrant'?: (_drover_v1_StartGrantInput | null);
  'body'?: "welcome"|"desiredState"|"operationRequest"|"acknowledgement"|"allocations"|"guestOrder"|"startGrant";
}

export interface ControlMessage {
  'sequence': (number);
  'acknowledged': (number);
  'welcome'?: (_drover_v1_Welcome | null);
  'desiredState'?: (_drover_v1_DesiredState | null);
  'operationRequest'?: (_drover_v1_OperationRequest | null);
  'acknowledgement'?: (_drover_v1_Acknowledgement | null);
  'allocations'?: (_drover_v1_HostAllocationSet | null);
  'guestOrder'?: (_drover_v1_GuestOrder | null);
  'startGrant'?: (_drover_v1_StartGrant | null);
  'body'?: "welcome"|"desiredState"|"operationRequest"|"acknowledgement"|"allocations"|"guestOrder"|"startGrant";
}
