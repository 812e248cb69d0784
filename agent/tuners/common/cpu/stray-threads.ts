/** Looks at every thread of the domains: may one run where it must not? */
import { formatCpuSet, subtractCpus } from '../../../../proto/wire/cpu-set.js';
import { allowedCpus } from '../../../kernel/procfs.js';
import type { KernelRoot } from '../../../kernel/root.js';

export interface ThreadCheck {
  readonly threads: number;
  readonly processes: number;
  /** The first that may run elsewhere, in words: `CPU 0/KVM (4711) of vm1 may run on 0-1`. */
  readonly stray?: string;
}

/**
 * Compares Cpus_allowed_list of each thread, which shows affinity and cpuset together, with the CPUs that it may have.
 * Threads that end meanwhile do not count. `nameOf` names the domain of a process.
 */
export function checkThreads(
  kernel: KernelRoot,
  pids: Iterable<number>,
  cpus: readonly number[],
  nameOf: (pid: number) => string,
): ThreadCheck {
  let [threads, processes] = [0, 0];
  let stray: string | undefined;
  for (const pid of pids) {
    const before = threads;
    for (const tid of kernel.list(`proc/${pid}/task`).map(Number)) {
      const allowed = allowedCpus(kernel, pid, tid);
      if (!allowed) continue;
      threads++;
      if (subtractCpus(allowed, cpus).length > 0)
        stray ??= `${kernel.read(`proc/${pid}/task/${tid}/comm`) ?? 'a thread'} (${tid}) of ${nameOf(pid)} may run on ${formatCpuSet(allowed)}`;
    }
    if (threads > before) processes++;
  }
  return { threads, processes, ...(stray !== undefined && { stray }) };
}
