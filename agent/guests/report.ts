/** What the agent tells the control plane of its guests, in the words of the wire. Pure. */
import type { AuditFindingInput } from '../../proto/gen/drover/v1/AuditFinding.js';
import type { GuestProgressInput } from '../../proto/gen/drover/v1/GuestProgress.js';
import type { GuestReportInput } from '../../proto/gen/drover/v1/GuestReport.js';
import type { GuestStageInput } from '../../proto/gen/drover/v1/GuestStage.js';
import type { PortFindingInput } from '../../proto/gen/drover/v1/PortFinding.js';
import type { PreflightFindingInput } from '../../proto/gen/drover/v1/PreflightFinding.js';
import type { Stage } from './guest.js';

/** What there is to tell; what is absent has not been looked at. */
export interface Findings {
  readonly stage: Stage | undefined;
  readonly ports: readonly PortFindingInput[];
  readonly audit: readonly AuditFindingInput[];
  readonly preflight: readonly PreflightFindingInput[];
  /** What a stop would do now with each active guest. */
  readonly plan: readonly GuestProgressInput[];
}

/** Most of each kind in one report. */
export const reportLimits = { guests: 4096, ports: 1024, audit: 1024, preflight: 64 } as const;

/** The report; what is beyond `reportLimits` is left out, the last first. */
export function guestReport({ stage, ports, audit, preflight, plan }: Findings): GuestReportInput {
  return {
    ...(stage && { stage: stageMessage(stage) }),
    ports: ports.slice(0, reportLimits.ports),
    audit: audit.slice(0, reportLimits.audit),
    preflight: preflight.slice(0, reportLimits.preflight),
    plan: plan.slice(0, reportLimits.guests),
  };
}

function stageMessage({ startedMs, endedMs, guests, ...stage }: Stage): GuestStageInput {
  return {
    ...stage,
    startedUnixMs: startedMs,
    endedUnixMs: endedMs,
    guests: guests.slice(0, reportLimits.guests).map(({ uuid, name, wave, state, message, sinceMs }) => ({
      ...{ uuid, name, wave, state, message },
      sinceUnixMs: sinceMs,
    })),
  };
}
