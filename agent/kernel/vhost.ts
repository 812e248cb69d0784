/** vhost-net as /proc shows it: QEMU's open files, and the kernel's worker threads (kernel: drivers/vhost/vhost.c). */
import type { CgroupFacts } from '../../proto/gen/drover/v1/CgroupFacts.js';
import { formatCpuSet } from '../../proto/wire/cpu-set.js';
import { controllerVersion, emulatorGroup } from './cgroup.js';
import { allowedCpus, threadsOf } from './procfs.js';
import type { KernelRoot } from './root.js';

export const vhostNode = '/dev/vhost-net';

/** Most open files of one QEMU that are looked at; one with 256 queues has under 2,000. */
const maximumFiles = 4_096;

/** How many queue pairs a QEMU process has handed to vhost-net: one open file each. Undefined: its files cannot be seen. */
export function vhostQueues(root: KernelRoot, pid: number): number | undefined {
  // Where nobody can have it open there is no need to look at every file, or to list them.
  if (!root.exists(vhostNode)) return root.exists(`/proc/${pid}/fd/0`) ? 0 : undefined;
  const files = root.list(`/proc/${pid}/fd`);
  if (files.length === 0) return undefined;
  return files.slice(0, maximumFiles).filter((file) => root.link(`/proc/${pid}/fd/${file}`) === vhostNode)
    .length;
}

export interface VhostThread {
  readonly tid: number;
  /** CPUs that it may use, `0-3`; undefined: it ended meanwhile. */
  readonly cpus: string | undefined;
}

/**
 * The threads `vhost-PID` that work for a QEMU process, ascending. Since Linux 6.4 they are threads of that process;
 * before, they are the kernel's own, in the group of its emulator threads. So that group's CPUs are theirs too.
 */
export function vhostThreads(root: KernelRoot, layout: CgroupFacts, pid: number): VhostThread[] {
  const own = threadsOf(root, pid).map(({ tid }) => tid);
  const version = controllerVersion(layout, 'cpuset');
  const group = emulatorGroup(root, layout, pid, 'cpuset');
  const file = version === 2 ? 'cgroup.threads' : 'tasks';
  const inGroup = (group === undefined ? '' : (root.read(`${group}/${file}`) ?? '')).split('\n').map(Number);
  return [...new Set([...own, ...inGroup])]
    .filter((tid) => tid > 0 && root.read(`/proc/${tid}/comm`) === `vhost-${pid}`)
    .toSorted((a, b) => a - b)
    .map((tid) => {
      const cpus = allowedCpus(root, tid, tid);
      return { tid, cpus: cpus && formatCpuSet(cpus) };
    });
}
