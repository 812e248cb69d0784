/** What a check of preflight says. */
import type { PreflightFinding } from '../../../proto/gen/drover/v1/PreflightFinding.js';

export type Check = 'owners' | 'inhibitor-limit' | 'unit-timeout' | 'unit-order' | 'budget';
export type Verdict = 'ok' | 'warning' | 'refused';

/** The plan of a stop, and what the profile says of it. */
export interface StopBudget {
  /** The longest that the plan takes when every guest uses its whole grace. */
  readonly needMs: number;
  /** stop.budget_seconds of the profile. */
  readonly budgetMs: number;
  /** stop.over_budget of the profile. */
  readonly overBudget: 'warn' | 'refuse';
  /** Guests that are left running as told (then: leave). */
  readonly leftRunning: number;
  /** start.resume_guests_state_on_host_boot of the profile. */
  readonly resumes: boolean;
}

/** A finding; `cure` is empty where nothing is to be done. */
export function finding(check: Check, status: Verdict, message: string, cure = ''): PreflightFinding {
  return { check, status, message, cure };
}

/** Whole seconds, rounded up, for people. */
export function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${Math.ceil(ms / 1000)} s` : 'no limit';
}

/** How the units come onto a host. */
export const installCure =
  'run /usr/lib/drover/scripts/setup/install-units.sh and systemctl start drover-guests.service';
