/**
 * What is reserved for the host, enforced on the control group above all domains: its CPUs (cpuset) and its memory.
 * Kernel: cgroup-v1/cpusets.rst, cgroup-v1/memory.rst, cgroup-v2.rst; systemd.resource-control(5) for machine.slice.
 */
import { dirname } from 'node:path';
import type { CgroupFacts } from '../../proto/gen/drover/v1/CgroupFacts.js';
import { formatCpuSet, parseCpuSet, subtractCpus } from '../../proto/wire/cpu-set.js';
import { invalid } from '../../proto/wire/errors.js';
import { formatBytes } from '../../proto/wire/units.js';
import { controllerVersion, domainGroup, readCgroupLayout } from '../kernel/cgroup.js';
import {
  childCpus,
  effectiveCpus,
  groupCpus,
  groupMemory,
  machineGroup,
  memoryLimitFile,
  processesBelow,
  type ChildCpus,
  type GroupMemory,
  type MachineGroup,
} from '../kernel/machine-group.js';
import { readMeminfo } from '../kernel/procfs.js';
import type { KernelRoot } from '../kernel/root.js';
import { namedCpus } from './common/cpu/named-cpus.js';
import { checkThreads } from './common/cpu/stray-threads.js';
import { limitBySystemd } from './common/cpu/unit-limits.js';
import { plannedHugeBytes } from './common/memory/planned-hugepages.js';
import type { HostView, Knob, Reading, Tuner, Want } from './tuner.js';

const name = 'machine-slice';
const cpuset = 'cpuset.cpus';
const mebibyte = 2 ** 20;
/** The largest page of a kernel: limits are kept to whole pages, and so read back as written. */
const pageBytes = 65_536;

/** A reading with what else decides about its knob. */
interface SliceReading extends Reading {
  /** CPUs of the group above. */
  readonly above?: readonly number[];
  /** Groups right below, which v1 does not let have more CPUs than this one. */
  readonly below?: readonly ChildCpus[];
  readonly memory?: GroupMemory & { readonly totalBytes: number; readonly hugetlbBytes: number };
}

export const machineSlice: Tuner<typeof name> = {
  name,

  async observe({ kernel }, host) {
    const layout = host.facts.cgroup ?? readCgroupLayout(kernel);
    return [observeCpus(kernel, layout, host), observeMemory(kernel, layout, host)];
  },

  want(settings, readings, host) {
    const [cpus, memory] = readings as readonly SliceReading[];
    const { reserved_cpus, reserved_host_memory_mb } = settings;
    return [
      ...(reserved_cpus === undefined || !cpus ? [] : [wantCpus(reserved_cpus, cpus, host)]),
      ...(reserved_host_memory_mb === undefined || !memory
        ? []
        : [wantMemory(reserved_host_memory_mb, memory)]),
    ];
  },

  async write(ports, knob, value) {
    if (!(await limitBySystemd(ports, knob.source, value))) await ports.kernel.write(knob.source, value);
  },
};

function knobOf(setting: string, source: string): Knob {
  return { tuner: name, setting, source };
}

function without(setting: string, controller: string, layout: CgroupFacts): SliceReading {
  const mounted = controllerVersion(layout, controller) !== undefined;
  const unsupported = mounted
    ? `there is no machine group with ${controller}: no domain has run since the host started`
    : `no cgroup ${controller} controller is mounted`;
  return { knob: knobOf(setting, '/sys/fs/cgroup'), unsupported };
}

function observeCpus(kernel: KernelRoot, layout: CgroupFacts, host: HostView): SliceReading {
  const group = machineGroup(kernel, layout, 'cpuset');
  const cpus = group && groupCpus(kernel, group);
  if (!group || !cpus) return without(cpuset, 'cpuset', layout);
  const { directory, version } = group;
  const above = effectiveCpus(kernel, { directory: dirname(directory), version });
  return {
    knob: knobOf(cpuset, `${directory}/${cpuset}`),
    value: formatCpuSet(cpus),
    ...(above && { above }),
    below: version === 1 ? childCpus(kernel, group) : [],
    ...threadsOf(kernel, layout, group, cpus, host),
  };
}

function threadsOf(
  kernel: KernelRoot,
  layout: CgroupFacts,
  { directory }: MachineGroup,
  cpus: readonly number[],
  { domains }: HostView,
): { evidence: string; ineffective?: string } {
  const names = new Map(domains.map((view) => [view.pid, view.name]));
  const nameOf = (pid: number): string => names.get(pid) ?? `process ${pid}`;
  const check = checkThreads(kernel, processesBelow(kernel, directory), cpus, nameOf);
  const stray = check.stray ?? outsider(kernel, layout, 'cpuset', directory, domains);
  const evidence = `${check.threads} threads of ${check.processes} domains checked`;
  return { evidence, ...(stray !== undefined && { ineffective: stray }) };
}

/** A domain that an operator put into another partition is not held by this group. */
function outsider(
  kernel: KernelRoot,
  layout: CgroupFacts,
  controller: string,
  directory: string,
  domains: HostView['domains'],
): string | undefined {
  for (const { pid, name: domain } of domains) {
    const own = pid === undefined ? undefined : domainGroup(kernel, layout, pid, controller);
    if (own !== undefined && !own.startsWith(`${directory}/`)) return `${domain} is not below ${directory}`;
  }
  return undefined;
}

function observeMemory(
  kernel: KernelRoot,
  layout: CgroupFacts,
  { domains, settings }: HostView,
): SliceReading {
  const file = memoryLimitFile(controllerVersion(layout, 'memory') ?? 2);
  const group = machineGroup(kernel, layout, 'memory');
  const memory = group && groupMemory(kernel, group);
  const sizes = readMeminfo(kernel);
  const totalBytes = sizes?.get('MemTotal');
  if (!group || !memory || totalBytes === undefined) return without(file, 'memory', layout);
  const stray = outsider(kernel, layout, 'memory', group.directory, domains);
  const used = `domains use ${formatBytes(memory.usedBytes)}, ${formatBytes(memory.cacheBytes)} of it cache`;
  return {
    knob: knobOf(file, `${group.directory}/${file}`),
    value: memory.limit,
    memory: { ...memory, totalBytes, hugetlbBytes: plannedHugeBytes(kernel, settings?.hugepages) },
    evidence: `${used}; limit met ${memory.limitedCount} times`,
    ...(stray !== undefined && { ineffective: stray }),
  };
}

/** Errors: `invalid-argument` where no CPU would be left for domains; those of `namedCpus`. */
function wantCpus(reserved: string, { knob, above, below = [] }: SliceReading, host: HostView): Want {
  const field = `tuners.${name}.reserved_cpus`;
  const taken = namedCpus(field, reserved, 'reserved', host);
  const open = subtractCpus(above ?? parseCpuSet(host.facts.cpu?.online ?? ''), taken);
  if (open.length === 0)
    throw invalid(field, reserved, `a set that leaves a CPU for domains (online: ${host.facts.cpu?.online})`);
  const wide = below.find(({ cpus }) => subtractCpus(cpus, open).length > 0);
  const held = `cgroup v1 wants the groups below first: ${wide?.group} has CPUs ${formatCpuSet(wide?.cpus ?? [])}`;
  return { knob, value: formatCpuSet(open), effect: 'now', affects: [], ...(wide && { held }) };
}

/**
 * The limit leaves the reserved memory and that of huge pages, which the kernel does not count here: the pools as they are,
 * or as the profile wants them where that is more, so that a pool that grows in this pass changes nothing in the next. Page cache that the
 * kernel can take back is in nobody's way. Errors: `invalid-argument` where nothing would be left.
 */
function wantMemory(reservedMb: number, { knob, memory }: SliceReading): Want {
  if (!memory) return { knob, value: '', effect: 'now', affects: [] };
  const { totalBytes, hugetlbBytes, usedBytes, cacheBytes } = memory;
  const ordinaryBytes = totalBytes - hugetlbBytes;
  const limit = Math.floor((ordinaryBytes - reservedMb * mebibyte) / pageBytes) * pageBytes;
  if (limit <= 0)
    throw invalid(
      `tuners.${name}.reserved_host_memory_mb`,
      reservedMb,
      `less than the ${Math.max(0, Math.floor(ordinaryBytes / mebibyte))} MiB that are not huge pages`,
    );
  const bound = usedBytes - cacheBytes;
  const held = `domains hold ${formatBytes(bound)} (${bound} bytes), the limit would be ${formatBytes(limit)} (${limit} bytes)`;
  return { knob, value: String(limit), effect: 'now', affects: [], ...(bound > limit && { held }) };
}
