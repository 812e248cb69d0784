/** Whether merging pays now: the decision of `run: auto`. Pure. */
import { formatBytes } from '../../../../proto/wire/units.js';
import type { HostMemory, KsmCounts } from '../../../kernel/ksm.js';
import type { KsmHistory } from './ksm-watch.js';

/** Percentage points above `on_below_percent` at which memory counts as plentiful. In between all stays as it is. */
export const hysteresisPoints = 10;

/** After this long another try is made where merging did not pay: other guests may run by then. */
export const retryAfterMs = 3_600_000;

export interface Economy {
  /** ksmd scans now. */
  readonly running: boolean;
  readonly counts: KsmCounts;
  readonly history: KsmHistory;
  /** Undefined: /proc/meminfo does not tell. */
  readonly memory: HostMemory | undefined;
  /** Memory of all active domains that is not on huge pages; undefined: domains could not be looked at. */
  readonly promisedBytes: number | undefined;
}

export interface EconomyLimits {
  readonly maxCpuPercent: number;
  readonly onBelowPercent: number;
}

export interface Decision {
  readonly run: 'on' | 'off';
  readonly reason: string;
}

/** On or off, with the numbers that decided. What costs too much goes before what is scarce. */
export function decideKsm(economy: Economy, limits: EconomyLimits): Decision {
  const { running, memory } = economy;
  const off = (reason: string): Decision => ({ run: 'off', reason });
  if (!memory) return { run: running ? 'on' : 'off', reason: 'available memory is not known' };
  const cost = running ? costOf(economy, limits) : restOf(economy, limits);
  const scarce = scarcity(economy, memory, limits);
  if (scarce !== undefined) return cost === undefined ? { run: 'on', reason: scarce } : off(cost);
  const share = availablePercent(memory);
  const isPlenty = share > limits.onBelowPercent + hysteresisPoints && economy.promisedBytes !== undefined;
  if (!running || isPlenty) return off(`${share.toFixed(0)} % of memory is available`);
  return cost === undefined
    ? { run: 'on', reason: `${share.toFixed(0)} % of memory is available: not yet plenty` }
    : off(cost);
}

function availablePercent({ availableBytes, totalBytes }: HostMemory): number {
  return (100 * availableBytes) / totalBytes;
}

/** Why memory is scarce; undefined: it is not. */
function scarcity(
  { promisedBytes = 0 }: Economy,
  memory: HostMemory,
  { onBelowPercent }: EconomyLimits,
): string | undefined {
  const share = availablePercent(memory);
  if (share < onBelowPercent) return `only ${share.toFixed(0)} % of memory is available`;
  const ordinary = memory.totalBytes - memory.hugetlbBytes;
  if (promisedBytes <= ordinary) return undefined;
  return `domains have ${formatBytes(promisedBytes)}, and the host ${formatBytes(ordinary)}`;
}

/** Why merging that runs is to stop; undefined: it pays. */
function costOf({ counts, history }: Economy, { maxCpuPercent }: EconomyLimits): string | undefined {
  const { cpuPercent = 0, scans } = history;
  if (cpuPercent > maxCpuPercent)
    return `ksmd took ${cpuPercent.toFixed(0)} % of a CPU for 5 minutes, over ${maxCpuPercent} %`;
  if (counts.profitBytes < 0 && scans > 0)
    return `merging takes ${formatBytes(-counts.profitBytes)} more than it saves`;
  return undefined;
}

/**
 * Why merging that rests is to rest on; undefined: it may run. The mean CPU use of the last minutes has to fall to half
 * of the cap first, so that over time ksmd takes less than the cap.
 */
function restOf({ counts, history }: Economy, { maxCpuPercent }: EconomyLimits): string | undefined {
  const { cpuPercent = 0, unchangedMs, scans } = history;
  if (cpuPercent > maxCpuPercent / 2)
    return `ksmd took ${cpuPercent.toFixed(0)} % of a CPU in the last 5 minutes and rests`;
  // A loss that nobody saw come about is what was left behind: a new scan tells.
  if (counts.profitBytes < 0 && scans > 0 && unchangedMs < retryAfterMs)
    return `merging took ${formatBytes(-counts.profitBytes)} more than it saved; tried again after an hour`;
  return undefined;
}
