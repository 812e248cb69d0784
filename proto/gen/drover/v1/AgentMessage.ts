// Original file: proto/drover/v1/agent_session.proto

import type { HelloInput as _drover_v1_HelloInput, Hello as _drover_v1_Hello } from '../../drover/v1/Hello.js';
import type { HeartbeatInput as _drover_v1_HeartbeatInput, Heartbeat as _drover_v1_Heartbeat } from '../../drover/v1/Heartbeat.js';
import type { HostFactsInput as _drover_v1_HostFactsInput, HostFacts as _drover_v1_HostFacts } from '../../drover/v1/HostFacts.js';
import type { DomainReportInput as _drover_v1_DomainReportInput, DomainReport as _drover_v1_DomainReport } from '../../drover/v1/DomainReport.js';
import type { HostTuningInput as _drover_v1_HostTuningInput, HostTuning as _drover_v1_HostTuning } from '../../drover/v1/HostTuning.js';
import type { OperationResultInput as _drover_v1_OperationResultInput, OperationResult as _drover_v1_OperationResult } from '../../drover/v1/OperationResult.js';
import type { AcknowledgementInput as _drover_v1_AcknowledgementInput, Acknowledgement as _drover_v1_Acknowledgement } from '../../drover/v1/Acknowledgement.js';
import type { AllocationReportInput as _drover_v1_AllocationReportInput, AllocationReport as _drover_v1_AllocationReport } from '../../drover/v1/AllocationReport.js';
import type { GuestReportInput as _drover_v1_GuestReportInput, GuestReport as _drover_v1_GuestReport } from '../../drover/v1/GuestReport.js';
import type { StartRequestInput as _drover_v1_StartRequestInput, StartRequest as _drover_v1_StartRequest } from '../../drover/v1/StartRequest.js';
import type { Long } from '@grpc/proto-loader';

export interface AgentMessageInput {
  'sequence'?: (number | string | Long);
  'acknowledged'?: (number | string | Long);
  'hello'?: (_drover_v1_HelloInput | null);
  'heartbeat'?: (_drover_v1_HeartbeatInput | null);
  'facts'?: (_drover_v1_HostFactsInput | null);
  'domains'?: (_drover_v1_DomainReportInput | null);
  'tuning'?: (_drover_v1_HostTuningInput | null);
  'operationResult'?: (_drover_v1_OperationResultInput | null);
  'acknowledgement'?: (_drover_v1_AcknowledgementInput | null);
  'allocationReport'?: (_drover_v1_AllocationReportInput | null);
  'guestReport'?: (_drover_v1_GuestReportInput | null);
  'startRequest'?: (_drover_v1_StartRequestInput | null);
  'body'?: "hello"|"heartbeat"|"facts"|"domains"|"tuning"|"operationResult"|"acknowledgement"|"allocationReport"|"guestReport"|"startRequest";
}

export interface AgentMessage {
  'sequence': (number);
  'acknowledged': (number);
  'hello'?: (_drover_v1_Hello | null);
  'heartbeat'?: (_drover_v1_Heartbeat | null);
  'facts'?: (_drover_v1_HostFacts | null);
  'domains'?: (_drover_v1_DomainReport | null);
  'tuning'?: (_drover_v1_HostTuning | null);
  'operationResult'?: (_drover_v1_OperationResult | null);
  'acknowledgement'?: (_drover_v1_Acknowledgement | null);
  'allocationReport'?: (_drover_v1_AllocationReport | null);
  'guestReport'?: (_drover_v1_GuestReport | null);
  'startRequest'?: (_drover_v1_StartRequest | null);
  'body'?: "hello"|"heartbeat"|"facts"|"domains"|"tuning"|"operationResult"|"acknowledgement"|"allocationReport"|"guestReport"|"startRequest";
}
