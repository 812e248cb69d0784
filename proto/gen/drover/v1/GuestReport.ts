// Original file: proto/drover/v1/guests.proto

import type { GuestStageInput as _drover_v1_GuestStageInput, GuestStage as _drover_v1_GuestStage } from '../../drover/v1/GuestStage.js';
import type { PortFindingInput as _drover_v1_PortFindingInput, PortFinding as _drover_v1_PortFinding } from '../../drover/v1/PortFinding.js';
import type { AuditFindingInput as _drover_v1_AuditFindingInput, AuditFinding as _drover_v1_AuditFinding } from '../../drover/v1/AuditFinding.js';
import type { PreflightFindingInput as _drover_v1_PreflightFindingInput, PreflightFinding as _drover_v1_PreflightFinding } from '../../drover/v1/PreflightFinding.js';
import type { GuestProgressInput as _drover_v1_GuestProgressInput, GuestProgress as _drover_v1_GuestProgress } from '../../drover/v1/GuestProgress.js';

export interface GuestReportInput {
  'stage'?: (_drover_v1_GuestStageInput | null);
  'ports'?: (_drover_v1_PortFindingInput)[];
  'audit'?: (_drover_v1_AuditFindingInput)[];
  'preflight'?: (_drover_v1_PreflightFindingInput)[];
  'plan'?: (_drover_v1_GuestProgressInput)[];
}

export interface GuestReport {
  'stage': (_drover_v1_GuestStage | null);
  'ports': (_drover_v1_PortFinding)[];
  'audit': (_drover_v1_AuditFinding)[];
  'preflight': (_drover_v1_PreflightFinding)[];
  'plan': (_drover_v1_GuestProgress)[];
}
