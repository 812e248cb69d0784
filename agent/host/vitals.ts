/** The few figures that go with every heartbeat and domain report. */
import { statSync } from 'node:fs';
import { readMeminfo } from '../kernel/procfs.js';
import type { KernelRoot } from '../kernel/root.js';
import type { DomainView } from '../libvirt/hypervisor.js';

/** Bytes that a domain's disk files may grow to, as far as this host can see them. */
export function diskBytesOf(domain: DomainView): number {
  return domain.disks.reduce(
    (sum, disk) => sum + (disk.type === 'file' && disk.source !== undefined ? sizeOf(disk.source) : 0),
    0,
  );
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

/** Memory that could be given out now, from /proc/meminfo, bytes. */
export function memoryAvailableBytes(kernel: KernelRoot): number {
  return readMeminfo(kernel)?.get('MemAvailable') ?? 0;
}

/** The 1-minute load average, from /proc/loadavg. */
export function loadAverage(kernel: KernelRoot): number {
  return Number(kernel.read('proc/loadavg')?.split(' ')[0] ?? 0);
}
