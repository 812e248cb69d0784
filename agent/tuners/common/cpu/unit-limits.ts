/** Limits of control groups that systemd owns. */
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatCpuSet, parseCpuSet } from '../../../../proto/wire/cpu-set.js';
import type { KernelRoot } from '../../../kernel/root.js';
import type { TunerPorts } from '../../tuner.js';

/** systemd answers when the change is queued: the file has it a moment later, of which this is the longest. */
const longestWaitMs = 2000;
const pauseMs = 20;

/**
 * Sets cpuset.cpus or memory.max of a slice through systemd, and answers whether it was one that systemd owns: on cgroup v2
 * systemd is the only writer of its units (systemd's CGROUP_DELEGATION), and a value behind its back lasts until it next
 * writes. Until the next boot. systemd always gets a set or a number, never nothing: a cleared AllowedCPUs leaves the old
 * cpuset in force (systemd issue 43846). False where systemd does not answer, and on v1, where it keeps no cpuset.
 * Done when the file has the value, or after `waitMs` without: what it has then, the look after the write tells.
 */
export async function limitBySystemd(
  { kernel, services }: TunerPorts,
  source: string,
  value: string,
  waitMs = longestWaitMs,
): Promise<boolean> {
  const [file = '', unit = ''] = source.split('/').toReversed();
  const isUnified = kernel.exists(`${dirname(source)}/cgroup.controllers`);
  if (!services?.setResources || !unit.endsWith('.slice') || !isUnified) return false;
  if (file === 'cpuset.cpus') await services.setResources(unit, { allowedCpus: parseCpuSet(value) });
  else if (file === 'memory.max')
    await services.setResources(unit, { memoryMaxBytes: value === 'max' ? Infinity : Number(value) });
  else return false;
  await untilSet(kernel, source, value, waitMs);
  return true;
}

async function untilSet(kernel: KernelRoot, source: string, value: string, waitMs: number): Promise<void> {
  const wanted = canonical(source, value);
  for (let waitedMs = 0; waitedMs < waitMs; waitedMs += pauseMs) {
    if (canonical(source, kernel.read(source) ?? '') === wanted) return;
    await sleep(pauseMs);
  }
}

/** CPUs in the kernel's own spelling. */
function canonical(source: string, text: string): string {
  return source.endsWith('/cpuset.cpus') && text.trim() !== ''
    ? formatCpuSet(parseCpuSet(text))
    : text.trim();
}
