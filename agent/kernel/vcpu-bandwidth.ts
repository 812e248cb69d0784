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

/** Before the numbers of vCPUs that differ. */
export const mixed = 'mixed ';

/**
 * The number that all vCPUs have, or `mixed 30000,-1` where they differ; where some of 0 to the last are missing, with their
 * numbers: `mixed 0=30000,2=-1`. `groups`: their control groups, in the same order. Undefined: not every one is known.
 */
export function vcpuValues(
  groups: readonly string[],
  values: readonly (number | undefined)[],
): string | undefined {
  if (values.length === 0 || values.includes(undefined)) return undefined;
  if (new Set(values).size === 1) return String(values[0]);
  const vcpus = groups.map((group) => Number(/(\d+)$/.exec(group)?.[1]));
  const isWhole = vcpus.every((vcpu, index) => vcpu === index);
  return mixed + values.map((value, index) => (isWhole ? `${value}` : `${vcpus[index]}=${value}`)).join(',');
}

/**
 * Writes one number for each vCPU (as in `vcpuValues`, without `mixed`) below the domain's group, for vCPUs that differ, which no libvirt call can
 * say. `source`: that file in the group of any one vCPU, `…/vcpu0/cpu.max`. cpu.max holds two numbers, of which the other
 * one stays. A vCPU that is gone is passed over, and one that was not there stays. Errors: `kernel-write-failed`.
 */
export async function writeEachVcpu(
  kernel: KernelRoot,
  source: string,
  isPeriod: boolean,
  values: string,
): Promise<void> {
  const [, group = '', file = ''] = /^(.*\/vcpu)\d+\/([^/]+)$/.exec(source) ?? [];
  const vcpus = vcpusBelow(kernel, group.slice(0, group.lastIndexOf('/')));
  const numbers = byVcpu(values, vcpus);
  for (const vcpu of vcpus) {
    const value = numbers.get(vcpu);
    const path = `${group}${vcpu}/${file}`;
    if (value !== undefined)
      await kernel.write(path, file === 'cpu.max' ? withOther(kernel, path, isPeriod, value) : value);
  }
}

/** Numbers without names are those of vCPUs 0, 1, …; ledgers of old counted the vCPUs that were there, also with gaps. */
function byVcpu(values: string, vcpus: readonly number[]): Map<number, string> {
  const parts = values.split(',').map((part) => part.split('='));
  const countsThose = parts.length === vcpus.length;
  return new Map(
    parts.map(([first = '', value], index) =>
      value === undefined ? [countsThose ? (vcpus[index] as number) : index, first] : [Number(first), value],
    ),
  );
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
