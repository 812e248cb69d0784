/** The CPUs that the control group above a domain leaves it: pins beyond them are never in force. */
import { basename, dirname } from 'node:path';
import type { CgroupFacts } from '../../../../proto/gen/drover/v1/CgroupFacts.js';
import { formatCpuSet } from '../../../../proto/wire/cpu-set.js';
import { controllerVersion, domainGroup } from '../../../kernel/cgroup.js';
import { derived } from '../../../kernel/derived.js';
import { effectiveCpus } from '../../../kernel/machine-group.js';
import type { KernelRoot } from '../../../kernel/root.js';

export interface PinBounds {
  /** Name of the group: machine.slice. */
  readonly group: string;
  /** Its effective CPUs, ascending, at least one. */
  readonly cpus: readonly number[];
}

/**
 * The effective cpuset of the group that a domain's own group lies in (cgroup-v2.rst, cpuset.cpus.effective; on v1
 * cpuset.effective_cpus); undefined where none is told.
 */
export function pinBounds(kernel: KernelRoot, layout: CgroupFacts, pid: number): PinBounds | undefined {
  const version = controllerVersion(layout, 'cpuset');
  const own = version === undefined ? undefined : domainGroup(kernel, layout, pid, 'cpuset');
  if (version === undefined || own === undefined) return undefined;
  const directory = dirname(own.replace(/\/libvirt$/, ''));
  return derived(kernel, `effective CPUs of ${directory}`, () => {
    const cpus = effectiveCpus(kernel, { directory, version });
    return cpus && cpus.length > 0 ? { group: basename(directory), cpus } : undefined;
  });
}

/** `control group machine.slice leaves it CPUs 4-7 alone`. */
export function boundsText({ group, cpus }: PinBounds): string {
  return `control group ${group} leaves it CPUs ${formatCpuSet(cpus)} alone`;
}
