/** Limits of control groups that systemd owns. */
import { dirname } from 'node:path';
import { parseCpuSet } from '../../../../proto/wire/cpu-set.js';
import type { TunerPorts } from '../../tuner.js';

/**
 * Sets cpuset.cpus or memory.max of a slice through systemd, and answers whether it was one that systemd owns: on cgroup v2
 * systemd is the only writer of its units (systemd's CGROUP_DELEGATION), and a value behind its back lasts until it next
 * writes. Until the next boot. systemd always gets a set or a number, never nothing: a cleared AllowedCPUs leaves the old
 * cpuset in force (systemd issue 43846). False where systemd does not answer, and on v1, where it keeps no cpuset.
 */
export async function limitBySystemd(
  { kernel, services }: TunerPorts,
  source: string,
  value: string,
): Promise<boolean> {
  const [file = '', unit = ''] = source.split('/').toReversed();
  const isUnified = kernel.exists(`${dirname(source)}/cgroup.controllers`);
  if (!services?.setResources || !unit.endsWith('.slice') || !isUnified) return false;
  if (file === 'cpuset.cpus') await services.setResources(unit, { allowedCpus: parseCpuSet(value) });
  else if (file === 'memory.max')
    await services.setResources(unit, { memoryMaxBytes: value === 'max' ? Infinity : Number(value) });
  else return false;
  return true;
}
