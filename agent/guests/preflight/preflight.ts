/** Whether this host would stop and start its guests in order, as it is set up. Pure, but for `lookForPreflight`. */
import type { PreflightFinding } from '../../../proto/gen/drover/v1/PreflightFinding.js';
import type { KernelRoot } from '../../kernel/root.js';
import type { BusOptions } from '../../systemd/bus.js';
import { readLimits, type EffectiveLimits } from '../../systemd/effective-limits.js';
import { finding, type StopBudget } from './finding.js';
import { checkOwners, ownerUnits } from './owners.js';
import { readOwnerFiles, type OwnerFiles } from './owner-files.js';
import { checkBudget, checkInhibitor, checkUnitTimeout } from './time-limits.js';
import { checkUnitOrder, orderedUnits } from './unit-order.js';

export type { StopBudget } from './finding.js';

/** What is looked at. */
export interface PreflightView {
  readonly limits: EffectiveLimits;
  readonly files: OwnerFiles;
}

/** Findings in the order of the checks: at least one for each, at most a few dozen. `ok` ones say what was found. */
export function preflight({ limits, files }: PreflightView, stop: StopBudget): PreflightFinding[] {
  if (limits.defaultTimeoutStopMs === undefined) {
    const words = 'systemd does not answer on the system bus: nothing stops guests when this host goes down';
    return [
      ...checkOwners(limits, files, stop),
      finding('unit-order', 'refused', words, 'look at systemctl status dbus.service'),
      checkBudget(stop),
    ];
  }
  return [
    ...checkOwners(limits, files, stop),
    checkInhibitor(limits, stop),
    checkUnitTimeout(limits, stop),
    ...checkUnitOrder(limits),
    checkBudget(stop),
  ];
}

/** True when one of them says that the host must not be stopped in this way. */
export function isRefused(findings: readonly PreflightFinding[]): boolean {
  return findings.some(({ status }) => status === 'refused');
}

/** Reads all that `preflight` judges. Errors: those of `readLimits` and `readOwnerFiles`. */
export async function lookForPreflight(root: KernelRoot, options: BusOptions = {}): Promise<PreflightView> {
  const units = [...new Set([...orderedUnits, ...ownerUnits])];
  return { limits: await readLimits({ ...options, units }), files: readOwnerFiles(root) };
}
