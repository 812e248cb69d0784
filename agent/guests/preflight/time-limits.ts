/** Whether logind and systemd wait as long as the guests may take. Pure. */
import type { PreflightFinding } from '../../../proto/gen/drover/v1/PreflightFinding.js';
import type { EffectiveLimits } from '../../systemd/effective-limits.js';
import { finding, installCure, seconds, type StopBudget } from './finding.js';

export const guestUnit = 'drover-guests.service';

/** After the last guest: its ports are looked for, and removed where libvirt left them. */
const afterGuestsMs = 15_000;
/** Between what the unit is given and the budget: the command starts, and reads what the agent has done. */
const aroundStageMs = 30_000;

/** The plan within the profile's budget. */
export function checkBudget({ needMs, budgetMs, overBudget }: StopBudget): PreflightFinding {
  const words = `the plan takes ${seconds(needMs)} at most, the budget is ${seconds(budgetMs)}`;
  if (needMs <= budgetMs) return finding('budget', 'ok', words);
  const cure = 'shorten graces, raise stop.parallel, or raise stop.budget_seconds of the profile';
  return finding('budget', overBudget === 'refuse' ? 'refused' : 'warning', words, cure);
}

/** logind's wait for delay locks. Short is a warning: the unit goes on where the lock was overrun. */
export function checkInhibitor(
  { inhibitDelayMaxMs: limitMs }: Pick<EffectiveLimits, 'inhibitDelayMaxMs'>,
  { needMs, budgetMs, leftRunning }: StopBudget,
): PreflightFinding {
  const check = 'inhibitor-limit';
  if (limitMs === undefined)
    return finding(
      check,
      'warning',
      `logind does not answer: only ${guestUnit} stops guests`,
      'systemctl start systemd-logind.service',
    );
  const wantMs = Math.min(needMs, budgetMs) + afterGuestsMs;
  if (limitMs < wantMs)
    return finding(
      check,
      'warning',
      `logind waits ${seconds(limitMs)} for the guests (InhibitDelayMaxSec), stopping them takes up to ${seconds(wantMs)}: ${guestUnit} does the rest while other services stop`,
      `write [Login] InhibitDelayMaxSec=${Math.ceil((budgetMs + afterGuestsMs) / 1000)} into /etc/systemd/logind.conf.d/zz-drover.conf (the last name wins) and run systemctl restart systemd-logind.service`,
    );
  if (leftRunning > 0)
    return finding(
      check,
      'warning',
      `${leftRunning} guests are left running: libvirtd holds a delay lock of its own while any domain runs, so every shutdown waits ${seconds(limitMs)}`,
      'stop or move those guests first, or lower InhibitDelayMaxSec in /etc/systemd/logind.conf.d/zz-drover.conf',
    );
  return finding(check, 'ok', `logind waits ${seconds(limitMs)}, stopping takes up to ${seconds(wantMs)}`);
}

/** The second line: it is there, it has a command, and time for the whole budget. */
export function checkUnitTimeout(
  { units }: Pick<EffectiveLimits, 'units'>,
  { budgetMs }: Pick<StopBudget, 'budgetMs'>,
): PreflightFinding {
  const check = 'unit-timeout';
  const unit = units[guestUnit];
  const refused = (message: string, cure: string) => finding(check, 'refused', message, cure);
  if (!unit)
    return refused(
      `${guestUnit} is not installed: nobody stops guests where logind is not asked`,
      installCure,
    );
  if (!unit.hasStopCommand) return refused(`${guestUnit} has no stop command`, installCure);
  if (unit.activeState !== 'active')
    return refused(
      `${guestUnit} is ${unit.activeState}: systemd would not run its stop command`,
      `systemctl enable --now ${guestUnit}`,
    );
  const limitMs = unit.timeoutStopMs ?? 0;
  if (limitMs > budgetMs)
    return finding(
      check,
      'ok',
      `${guestUnit} has ${seconds(limitMs)} to stop, the budget is ${seconds(budgetMs)}`,
    );
  return refused(
    `${guestUnit} has ${seconds(limitMs)} to stop (TimeoutStopSec), the budget is ${seconds(budgetMs)}: guests would be killed within their grace`,
    `write [Service] TimeoutStopSec=${Math.ceil((budgetMs + aroundStageMs) / 1000)} into /etc/systemd/system/${guestUnit}.d/60-budget.conf and run systemctl daemon-reload`,
  );
}
