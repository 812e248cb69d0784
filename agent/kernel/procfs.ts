/** Processes, threads and memory as /proc shows them (proc(5)). A process that is gone gives undefined or nothing. */
import { formatCpuSet, parseCpuSet } from '../../proto/wire/cpu-set.js';
import { derived, measured } from './derived.js';
import type { KernelRoot } from './root.js';

export interface Thread {
  readonly tid: number;
  /** As the process named it, cut to 15 characters by the kernel. */
  readonly name: string;
}

/** The threads of a process by number; empty when the process is gone. Threads that end meanwhile are left out. */
export function threadsOf(root: KernelRoot, pid: number): readonly Thread[] {
  return derived(root, `threads of ${pid}`, () => readThreads(root, pid));
}

function readThreads(root: KernelRoot, pid: number): Thread[] {
  return root
    .list(`proc/${pid}/task`)
    .flatMap((entry) => {
      const name = threadPart(root, pid, entry, 0);
      return name === undefined || name === '' ? [] : [{ tid: Number(entry), name }];
    })
    .sort((a, b) => a.tid - b.tid);
}

/** Of a thread's status file what is ever asked, in this order; the rest of it are counters. */
const statusParts = ['Name', 'Cpus_allowed_list', 'Mems_allowed_list'] as const;

/** One part of a thread's status, which is read once for all of them; undefined where the thread or the part is not there. */
function threadPart(
  root: KernelRoot,
  pid: number,
  tid: number | string,
  part: 0 | 1 | 2,
): string | undefined {
  const parts = measured(root, `status of ${pid} ${tid}`, (kernel) => readStatus(kernel, pid, tid));
  const text = parts?.split('\n')[part];
  return text === '-' ? undefined : text;
}

function readStatus(kernel: KernelRoot, pid: number, tid: number | string): string | undefined {
  const status = kernel.read(`proc/${pid}/task/${tid}/status`);
  const found = statusParts.map((field) => (status === undefined ? undefined : statusField(status, field)));
  found[0] ??= kernel.read(`proc/${pid}/task/${tid}/comm`);
  return found.every((each) => each === undefined) ? undefined : found.map((each) => each ?? '-').join('\n');
}

/**
 * vCPU number to the thread that runs it, for a QEMU process. QEMU names them `CPU 0/KVM` or `CPU 0/TCG` when it runs
 * with debug-threads=on, as libvirt starts it. Empty for a TCG guest whose vCPUs all share one thread (`thread=single`,
 * or a guest architecture that cannot do better): no vCPU of it can be pinned alone, see `sharedVcpuThread`.
 */
export function vcpuThreads(root: KernelRoot, pid: number): Map<number, number> {
  const threads = new Map<number, number>();
  for (const { tid, name } of threadsOf(root, pid)) {
    const match = /^CPU (\d+)\//.exec(name);
    if (match) threads.set(Number(match[1]), tid);
  }
  return threads;
}

/** The thread that runs every vCPU of a single-threaded TCG guest (QEMU names it `ALL CPUs/TCG`); undefined: not such a guest. */
export function sharedVcpuThread(root: KernelRoot, pid: number): number | undefined {
  return threadsOf(root, pid).find(({ name }) => name.startsWith('ALL CPUs/'))?.tid;
}

/** CPUs that the scheduler may use for a thread, ascending: the effect of affinity and cpuset together. */
export function allowedCpus(root: KernelRoot, pid: number, tid: number): readonly number[] | undefined {
  return allowedCpuSet(root, pid, tid)?.cpus;
}

export interface AllowedCpus {
  readonly cpus: readonly number[];
  /** The same as `formatCpuSet` writes it. */
  readonly text: string;
}

/** As `allowedCpus`, with its text. Threads with equal CPUs share one answer in a look that reads each file once. */
export function allowedCpuSet(root: KernelRoot, pid: number, tid: number): AllowedCpus | undefined {
  const list = threadPart(root, pid, tid, 1);
  if (list === undefined) return undefined;
  return derived(root, `CPUs ${list}`, () => {
    const cpus = parseCpuSet(list, 'Cpus_allowed_list');
    return { cpus, text: formatCpuSet(cpus) };
  });
}

/** The list of cells that a thread may take memory from, `0-1`; undefined: it is gone. */
export function allowedCellList(root: KernelRoot, pid: number, tid: number): string | undefined {
  return threadPart(root, pid, tid, 2);
}

/** A status file has some 50 lines: it is searched, not split. */
function statusField(status: string, field: string): string | undefined {
  const isFirst = status.startsWith(`${field}:`);
  const at = isFirst ? 0 : status.indexOf(`\n${field}:`) + 1;
  if (at === 0 && !isFirst) return undefined;
  const end = status.indexOf('\n', at);
  return status.slice(at + field.length + 1, end < 0 ? undefined : end).trim();
}

/** Random id of this boot; another value means that the host was restarted. */
export function bootId(root: KernelRoot): string | undefined {
  return root.read('proc/sys/kernel/random/boot_id');
}

/**
 * When a process began, in clock ticks after boot (field 22 of /proc/PID/stat). With the pid it names a process for
 * good, as pids are used again. The name in field 2 may hold spaces and parentheses: fields count from the last `)`.
 */
export function startTicks(root: KernelRoot, pid: number): number | undefined {
  return measured(root, `start of ${pid}`, (kernel) => readStartTicks(kernel, pid));
}

function readStartTicks(root: KernelRoot, pid: number): number | undefined {
  const stat = root.read(`proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  return Number.isSafeInteger(ticks) ? ticks : undefined;
}

/** Command line of a process, one entry for each argument; undefined when it is gone, empty for a kernel thread. */
export function commandLine(root: KernelRoot, pid: number): string[] | undefined {
  const text = root.read(`proc/${pid}/cmdline`);
  return text === undefined ? undefined : text === '' ? [] : text.split('\0');
}

/**
 * Sizes in bytes by name (`MemTotal`, `SwapFree`) from /proc/meminfo or a NUMA cell's meminfo, whose lines begin with
 * `Node 0`. Counts without a unit (`HugePages_Total`) are as they stand. Undefined where the file is absent.
 */
export function readMeminfo(root: KernelRoot, file = 'proc/meminfo'): Map<string, number> | undefined {
  const text = root.read(file);
  if (text === undefined) return undefined;
  const sizes = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^(?:Node \d+ )?([^:\s]+):\s+(\d+)(?: (kB))?/.exec(line);
    if (match) sizes.set(match[1] as string, Number(match[2]) * (match[3] ? 1024 : 1));
  }
  return sizes;
}
