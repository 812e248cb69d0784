/** CPU limits of a control group: CFS bandwidth, shares or weight, and how often the group was throttled. */
import type { CgroupVersion } from './cgroup.js';
import { measured } from './derived.js';
import type { KernelRoot } from './root.js';

export interface CpuBandwidth {
  readonly periodUs: number;
  /** CPU time in each period; -1: no limit. */
  readonly quotaUs: number;
}

/** Values that `cpu_shares` may have, and the kernel's default, by cgroup version (kernel cgroup-v1/v2 documents). */
export const cpuShares = {
  1: { minimum: 2, maximum: 262_144, default: 1024 },
  2: { minimum: 1, maximum: 10_000, default: 100 },
} as const;

/** CFS period and quota of a group (v1 cpu.cfs_*_us, v2 cpu.max); undefined where the group or controller is absent. */
export function readCpuBandwidth(
  root: KernelRoot,
  directory: string,
  version: CgroupVersion,
): CpuBandwidth | undefined {
  const [quota, period] =
    version === 1
      ? [root.read(`${directory}/cpu.cfs_quota_us`), root.read(`${directory}/cpu.cfs_period_us`)]
      : (root.read(`${directory}/cpu.max`)?.split(' ') ?? []);
  if (quota === undefined || period === undefined) return undefined;
  const quotaUs = quota === 'max' ? -1 : Number(quota);
  return { periodUs: Number(period), quotaUs: quotaUs < 0 ? -1 : quotaUs };
}

/**
 * What libvirt calls `cpu_shares`: v1 `cpu.shares`, v2 `cpu.weight`, each as it stands. Libvirt converts nothing: on
 * v2 it writes the given number to cpu.weight (by systemd's CPUWeight on the scope) after a check for 1..10000 (before
 * libvirt 9.1: for 2..262144, and then systemd or the kernel refuses what is above 10000). systemd's own translation,
 * weight = shares × 100 / 1024, is for its CPUShares property alone and libvirt does not use it. So a value that was
 * read can be written back and reads the same. 0 on v2: the group is idle (cpu.idle). Undefined: absent.
 */
export function readCpuShares(
  root: KernelRoot,
  directory: string,
  version: CgroupVersion,
): number | undefined {
  const text = root.read(`${directory}/${version === 1 ? 'cpu.shares' : 'cpu.weight'}`);
  return text === undefined ? undefined : Number(text);
}

export interface CpuThrottling {
  /** Periods that have passed in which the group wanted to run. */
  readonly periods: number;
  /** Periods in which it used up its quota. */
  readonly throttledCount: number;
  /** Time that its threads had to wait for the next period, summed over CPUs. */
  readonly throttledUs: number;
}

/** Counters of cpu.stat since the group was made; undefined where the group has none (v1 and v2 without a quota give 0). */
export function readCpuThrottling(
  root: KernelRoot,
  directory: string,
  version: CgroupVersion,
): CpuThrottling | undefined {
  const time = version === 1 ? 'throttled_time' : 'throttled_usec';
  // On v2 the same file counts what the group uses, which is always another number.
  const text = measured(root, `throttling of ${directory}`, (kernel) =>
    countersIn(kernel.read(`${directory}/cpu.stat`), ['nr_periods', 'nr_throttled', time]),
  );
  if (text === undefined) return undefined;
  const [periods = 0, throttledCount = 0, throttledTime = 0] = text.split(' ').map(Number);
  // v1 counts nanoseconds.
  const throttledUs = version === 1 ? Math.round(throttledTime / 1000) : throttledTime;
  return { periods, throttledCount, throttledUs };
}

function countersIn(text: string | undefined, names: readonly string[]): string | undefined {
  if (text === undefined) return undefined;
  const counters = new Map(text.split('\n').map((line) => line.split(' ') as [string, string]));
  return names.map((name) => counters.get(name) ?? '0').join(' ');
}
