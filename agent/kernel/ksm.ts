/** What KSM counts, and the kernel thread that does its work (admin-guide/mm/ksm.rst, proc(5)). */
import { readMeminfo } from './procfs.js';
import type { KernelRoot } from './root.js';

export const ksmFolder = '/sys/kernel/mm/ksm';

/** Bytes of one rmap item on a 64-bit kernel: what each scanned page costs. */
const rmapItemBytes = 64;

export interface KsmCounts {
  /** Pages that stand for others. */
  readonly shared: number;
  /** Pages that were given up for them: what is saved. */
  readonly sharing: number;
  /** Empty pages that became the kernel's zero page. */
  readonly zeroPages: number;
  readonly fullScans: number;
  readonly pageBytes: number;
  /** Bytes saved less what the bookkeeping takes; the kernel's own number since Linux 6.4, else by its documented formula. */
  readonly profitBytes: number;
}

/** Counters of KSM; all 0 where the kernel has none of them. */
export function readKsmCounts(kernel: KernelRoot): KsmCounts {
  const count = (file: string): number => Number(kernel.read(`${ksmFolder}/${file}`) ?? 0);
  const [shared, sharing, zeroPages] = [
    count('pages_shared'),
    count('pages_sharing'),
    count('ksm_zero_pages'),
  ];
  const pageBytes = readPageBytes(kernel);
  const items = sharing + shared + count('pages_unshared') + count('pages_volatile');
  const told = kernel.read(`${ksmFolder}/general_profit`);
  const profitBytes = told === undefined ? sharing * pageBytes - items * rmapItemBytes : Number(told);
  return { shared, sharing, zeroPages, fullScans: count('full_scans'), pageBytes, profitBytes };
}

/**
 * Bytes of a page. A huge page is a page table's worth of pages, and an entry has eight bytes: page² / 8. Without huge
 * pages in the kernel, the 4 KiB of x86-64.
 */
export function readPageBytes(kernel: KernelRoot): number {
  const hugeBytes = Number(kernel.read('/sys/kernel/mm/transparent_hugepage/hpage_pmd_size') ?? 0);
  const bytes = Math.sqrt(hugeBytes * 8);
  return bytes > 0 && Number.isInteger(Math.log2(bytes)) ? bytes : 4096;
}

export interface HostMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** In pools of huge pages, used or not. */
  readonly hugetlbBytes: number;
}

/** Memory of the host from /proc/meminfo; undefined where it does not tell. */
export function readHostMemory(kernel: KernelRoot): HostMemory | undefined {
  const sizes = readMeminfo(kernel);
  const [totalBytes, availableBytes] = [sizes?.get('MemTotal'), sizes?.get('MemAvailable')];
  if (totalBytes === undefined || availableBytes === undefined) return undefined;
  return { totalBytes, availableBytes, hugetlbBytes: sizes?.get('Hugetlb') ?? 0 };
}

/** Kernel threads are made at boot and have low numbers; a host with more processes before ksmd is not known. */
const lookedAt = 1024;

/** Process number of the kernel thread ksmd; undefined: this kernel has none. Reads at most 1,024 process names. */
export function findKsmd(kernel: KernelRoot): number | undefined {
  const pids = kernel.list('/proc').filter((name) => /^\d+$/.test(name));
  const first = pids.map(Number).toSorted((a, b) => a - b);
  return first.slice(0, lookedAt).find((pid) => readKsmdTicks(kernel, pid) !== undefined);
}

/** CPU time of ksmd since boot in clock ticks (fields 14 and 15 of /proc/PID/stat); undefined: that is not ksmd. */
export function readKsmdTicks(kernel: KernelRoot, pid: number): number | undefined {
  const stat = kernel.read(`/proc/${pid}/stat`);
  if (!stat?.startsWith(`${pid} (ksmd) `)) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Its parent is kthreadd, process 2: anybody may name a process of his own ksmd.
  return fields[1] === '2' ? Number(fields[11]) + Number(fields[12]) : undefined;
}
