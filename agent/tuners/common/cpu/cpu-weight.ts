/** cgroup v1 shares as cgroup v2 weight: the same proportions in another measure. */
import { cpuShares } from '../../../kernel/cgroup-cpu.js';
import type { CgroupVersion } from '../../../kernel/cgroup.js';
import type { Part } from './cpu-allowance.js';

/**
 * Shares as cpu.shares (v1) or cpu.weight (v2) of this host is to hold them. On v2 weight = shares × 100 / 1024, rounded to
 * the nearest, which is the kernel's own mapping (sched_weight_to_cgroup in kernel/sched) and keeps every proportion;
 * docs/adr/0008 says why. The remark says both numbers. What is beyond 2..10000 is clamped: libvirt before 9.1 refuses the
 * kernel's lowest weight, 1.
 */
export function sharesHere(asked: Part | undefined, version: CgroupVersion | undefined): Part | undefined {
  if (!asked || 'fault' in asked || version !== 2) return asked;
  const exact = Math.round((asked.value * cpuShares[2].default) / cpuShares[1].default);
  const value = Math.min(cpuShares[2].maximum, Math.max(lowestWeight, exact));
  const clamped = value === exact ? '' : `, clamped to ${value}`;
  const before = asked.remark === undefined ? '' : `${asked.remark}; `;
  return { value, remark: `${before}${asked.value} shares are weight ${exact}${clamped}` };
}

/** The lowest weight that every libvirt takes. */
const lowestWeight = 2;

/** `held` for a group of SCHED_IDLE (cpu.idle), whose cpu.weight reads 0: the kernel refuses a weight for it. */
export function idleGroup(version: CgroupVersion | undefined, value: string | undefined): { held?: string } {
  return version === 2 && value === '0' ? { held: 'cpu.idle is 1: the group has no weight to set' } : {};
}
