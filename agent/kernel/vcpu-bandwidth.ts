/** CFS limits and counters of all vCPUs of a domain together, by their control groups. */
import { readCpuThrottling, type CpuThrottling } from './cgroup-cpu.js';
import type { CgroupVersion } from './cgroup.js';
import type { KernelRoot } from './root.js';

/** The counters of the vCPUs' groups (cpu.stat), added up; they begin when the groups are made, which is at the domain's start. */
export function throttlingOf(
  kernel: KernelRoot,
  groups: readonly string[],
  version: CgroupVersion,
): CpuThrottling {
  const counters = groups.flatMap((group) => readCpuThrottling(kernel, group, version) ?? []);
  const sum = (key: keyof CpuThrottling): number => counters.reduce((total, each) => total + each[key], 0);
  return { periods: sum('periods'), throttledCount: sum('throttledCount'), throttledUs: sum('throttledUs') };
}

/**
 * Writes one number for each vCPU, in the order of their numbers (`30000,-1`), below the domain's group, for vCPUs that
 * differ, which no libvirt call can say. `source`: that file
 * in the group of any one vCPU, `…/vcpu0/cpu.max`. cpu.max holds two numbers, of which the other one stays. A vCPU that
 * is gone is passed over. Errors: `kernel-write-failed`.
 */
export async function writeEachVcpu(
  kernel: KernelRoot,
  source: string,
  isPeriod: boolean,
  values: string,
): Promise<void> {
  const [, group = '', file = ''] = /^(.*\/vcpu)\d+\/([^/]+)$/.exec(source) ?? [];
  const numbers = values.split(',');
  for (const [index, vcpu] of vcpusBelow(kernel, group.slice(0, group.lastIndexOf('/'))).entries()) {
    const value = numbers[index];
    const path = `${group}${vcpu}/${file}`;
    if (value !== undefined)
      await kernel.write(path, file === 'cpu.max' ? withOther(kernel, path, isPeriod, value) : value);
  }
}

function vcpusBelow(kernel: KernelRoot, directory: string): number[] {
  return kernel
    .list(directory)
    .flatMap((entry) => /^vcpu(\d+)$/.exec(entry)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b);
}

function withOther(kernel: KernelRoot, file: string, isPeriod: boolean, value: string): string {
  const [quotaNow = 'max', periodNow = '100000'] = kernel.read(file)?.split(' ') ?? [];
  return isPeriod ? `${quotaNow} ${value}` : `${value === '-1' ? 'max' : value} ${periodNow}`;
}
