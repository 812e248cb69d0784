/**
 * The control group above all domains: libvirt's partition `/machine`, on hosts with systemd `machine.slice` (libvirt's
 * docs/cgroups). Kernel: cgroup-v1/cpusets.rst, cgroup-v1/memory.rst, cgroup-v2.rst.
 */
import { join } from 'node:path';
import type { CgroupFacts } from '../../proto/gen/drover/v1/CgroupFacts.js';
import { parseCpuSet } from '../../proto/wire/cpu-set.js';
import { controllerVersion, type CgroupVersion } from './cgroup.js';
import type { KernelRoot } from './root.js';

export interface MachineGroup {
  /** As a host path. */
  readonly directory: string;
  readonly version: CgroupVersion;
}

const names = ['machine.slice', 'machine'];
/** libvirt nests four deep: slice, scope, libvirt, thread; partitions of an operator some more. */
const maximumDepth = 10;
/** Files of a control group; what is none of them may be a group below it. */
const groupFile =
  /^(?:(?:cgroup|cpuset|cpu|cpuacct|memory|io|blkio|pids|hugetlb|misc|rdma|perf_event|irq|freezer|devices)\..*|tasks|notify_on_release|release_agent)$/;

/**
 * The group above all domains for a controller. Where both names are there, the one with groups in it. Undefined: the
 * controller is not mounted, or no domain has run since the host started.
 */
export function machineGroup(
  kernel: KernelRoot,
  layout: CgroupFacts,
  controller: string,
): MachineGroup | undefined {
  const version = controllerVersion(layout, controller);
  if (version === undefined) return undefined;
  const mount = version === 1 ? (layout.controllers[controller] as string) : layout.unified;
  const there = names.map((each) => join(mount, each)).filter((each) => kernel.exists(each));
  const directory = there.find((each) => groupsBelow(kernel, each).length > 0) ?? there[0];
  return directory === undefined ? undefined : { directory, version };
}

/** Names of the groups right below one. */
export function groupsBelow(kernel: KernelRoot, directory: string): string[] {
  return kernel
    .list(directory)
    .filter((entry) => !groupFile.test(entry) && kernel.exists(`${directory}/${entry}/cgroup.procs`));
}

/** Processes in a group and all below it. Groups of threads on v2 have no list of processes; theirs are in the group above. */
export function processesBelow(kernel: KernelRoot, directory: string, depth = 0): Set<number> {
  const lines = (kernel.read(`${directory}/cgroup.procs`) ?? '').split('\n');
  const pids = new Set(lines.filter((line) => line !== '' && line !== '0').map(Number));
  if (depth >= maximumDepth) return pids;
  for (const group of groupsBelow(kernel, directory))
    for (const pid of processesBelow(kernel, `${directory}/${group}`, depth + 1)) pids.add(pid);
  return pids;
}

/** CPUs that a cpuset group holds; where it has none of its own (v2), those that are in force. Undefined: no cpuset there. */
export function groupCpus(
  kernel: KernelRoot,
  { directory, version }: MachineGroup,
): readonly number[] | undefined {
  const own = kernel.read(`${directory}/cpuset.cpus`);
  if (own !== undefined && own.trim() !== '') return parseCpuSet(own, 'cpuset.cpus');
  return effectiveCpus(kernel, { directory, version });
}

/** CPUs that tasks of a cpuset group may use; undefined where the kernel does not tell. */
export function effectiveCpus(
  kernel: KernelRoot,
  { directory, version }: MachineGroup,
): readonly number[] | undefined {
  const file = version === 1 ? 'cpuset.effective_cpus' : 'cpuset.cpus.effective';
  const text = kernel.read(`${directory}/${file}`);
  return text === undefined ? undefined : parseCpuSet(text, file);
}

export interface ChildCpus {
  /** Name of a group right below. */
  readonly group: string;
  readonly cpus: readonly number[];
}

/** CPUs of the cpuset groups right below one. */
export function childCpus(kernel: KernelRoot, { directory, version }: MachineGroup): ChildCpus[] {
  return groupsBelow(kernel, directory).map((group) => ({
    group,
    cpus: groupCpus(kernel, { directory: `${directory}/${group}`, version }) ?? [],
  }));
}

export interface GroupMemory {
  /** The limit as the kernel writes it; unlimited is `max` on v2 and a number near 2^63 on v1. */
  readonly limit: string;
  readonly usedBytes: number;
  /** Of that, page cache of files, which the kernel takes back when it meets the limit. */
  readonly cacheBytes: number;
  /** How often the limit was met. */
  readonly limitedCount: number;
}

/** Memory of a group with all below it; undefined where it has no memory controller. */
export function groupMemory(
  kernel: KernelRoot,
  { directory, version }: MachineGroup,
): GroupMemory | undefined {
  const read = (file: string): string | undefined => kernel.read(`${directory}/${file}`);
  const fields = (file: string): Map<string, number> =>
    new Map(
      (read(file) ?? '').split('\n').map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]),
    );
  const limit = read(memoryLimitFile(version));
  const used = read(version === 1 ? 'memory.usage_in_bytes' : 'memory.current');
  if (limit === undefined || used === undefined) return undefined;
  const stat = fields('memory.stat');
  const prefix = version === 1 ? 'total_' : '';
  const cacheBytes = ['inactive_file', 'active_file'].reduce(
    (sum, key) => sum + (stat.get(prefix + key) ?? 0),
    0,
  );
  const limitedCount = version === 1 ? Number(read('memory.failcnt')) : fields('memory.events').get('max');
  return { limit, usedBytes: Number(used), cacheBytes, limitedCount: limitedCount ?? 0 };
}

export function memoryLimitFile(version: CgroupVersion): string {
  return version === 1 ? 'memory.limit_in_bytes' : 'memory.max';
}
