/**
 * Interrupts as /proc/irq shows them (Documentation/core-api/irq/irq-affinity.rst; ABI/stable/sysfs-kernel-irq, Linux
 * 4.9). Only those that a driver has asked for are listed: the others never fire.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { formatCpuSet, parseCpuMask, parseCpuSet } from '../../proto/wire/cpu-set.js';
import type { KernelRoot } from './root.js';

export const irqDirectory = '/proc/irq';
export const defaultAffinityFile = `${irqDirectory}/default_smp_affinity`;

export interface Irq {
  readonly number: number;
  /** Names that drivers gave it, as in /proc/interrupts: `virtio1-req.0`. */
  readonly label: string;
  /** CPUs that it may go to. */
  readonly affinity: readonly number[];
  /** CPUs that it goes to now; empty: it is off, or this kernel does not tell. */
  readonly effective: readonly number[];
  /**
   * The kernel shows that nobody may move it: a file without the write bit. Since Linux 6.11 that is so for managed IRQs
   * (queues of NVMe and virtio-blk) and those of one CPU; before, the file looks writable and the write ends in EIO.
   */
  readonly isFixed: boolean;
}

/** The interrupts in use, by number. One that goes away meanwhile is left out. */
export function readIrqs(kernel: KernelRoot): Irq[] {
  const numbers = kernel
    .list(irqDirectory)
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
  const named = new Map<number, string>();
  const label = (irq: number): string => {
    const own = kernel.read(`/sys/kernel/irq/${irq}/actions`);
    if (own !== undefined) return own.trim();
    if (named.size === 0) readNames(kernel, named);
    return named.get(irq) ?? '';
  };
  return numbers.toSorted((a, b) => a - b).flatMap((number) => readIrq(kernel, number, label(number)));
}

function readIrq(kernel: KernelRoot, number: number, label: string): Irq[] {
  const directory = `${irqDirectory}/${number}`;
  const affinity = kernel.read(`${directory}/smp_affinity_list`);
  if (label === '' || affinity === undefined) return [];
  const effective = kernel.read(`${directory}/effective_affinity_list`) ?? '';
  return [
    {
      number,
      label,
      affinity: parseCpuSet(affinity, 'smp_affinity_list'),
      effective: parseCpuSet(effective, 'effective_affinity_list'),
      isFixed: !hasWriteBit(join(kernel.path, directory, 'smp_affinity_list')),
    },
  ];
}

/** root may open a file without that bit as well, so only the bit itself tells. */
function hasWriteBit(path: string): boolean {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  return mode === undefined || (mode & 0o200) !== 0;
}

/** Names by /proc/interrupts, for kernels without /sys/kernel/irq: what stands behind counters, chip and line. */
function readNames(kernel: KernelRoot, names: Map<number, string>): void {
  const [header = '', ...lines] = (kernel.read('/proc/interrupts') ?? '').split('\n');
  const cpus = header.split(/\s+/).filter((word) => word.startsWith('CPU')).length;
  for (const line of lines) {
    const [, number, rest = ''] = /^\s*(\d+):\s+(.*)$/.exec(line) ?? [];
    const words = rest.split(/\s+/).slice(cpus);
    if (number !== undefined) names.set(Number(number), words.slice(2).join(' '));
  }
}

/** How often an interrupt has fired since the start of the host; undefined where the kernel does not tell. */
export function irqCount(kernel: KernelRoot, number: number): number | undefined {
  const text = kernel.read(`/sys/kernel/irq/${number}/per_cpu_count`);
  return text?.split(',').reduce((sum, each) => sum + Number(each), 0);
}

/** CPUs of interrupts that are yet to come, as a list; undefined where the kernel has no such file. */
export function readDefaultAffinity(kernel: KernelRoot): string | undefined {
  const text = kernel.read(defaultAffinityFile);
  return text === undefined ? undefined : formatCpuSet(parseCpuMask(text));
}

/** A CPU set as the kernel takes masks: hexadecimal, a comma before each 32 bits. */
export function formatCpuMask(cpus: readonly number[]): string {
  const words = Array.from({ length: Math.floor(Math.max(0, ...cpus) / 32) + 1 }, () => 0);
  for (const cpu of cpus) {
    const word = Math.floor(cpu / 32);
    words[word] = (words[word] as number) + 2 ** (cpu % 32);
  }
  return words
    .toReversed()
    .map((word, index) => word.toString(16).padStart(index === 0 ? 1 : 8, '0'))
    .join(',');
}
