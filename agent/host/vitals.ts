/** The few figures that go with every heartbeat and domain report. */
import { readMeminfo } from '../kernel/procfs.js';
import type { KernelRoot } from '../kernel/root.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { FileStats } from '../tuners/common/block/file-stats.js';

/** A pass looks at every image anew; the reports that events make in between do not. */
const sizesAgeMs = 25_000;

/**
 * How to tell the bytes that a domain's disk files may grow to, as far as this host can see them. Made once for an agent:
 * while a mount does not answer, the last size counts, and each call ends within the deadline of `files`. Never throws.
 */
export function diskBytesReader(
  kernel: KernelRoot,
  files: FileStats = new FileStats({ maximumAgeMs: sizesAgeMs }),
): (domain: DomainView) => Promise<number> {
  return async ({ disks }) => {
    const images = disks.flatMap((disk) => (disk.type === 'file' ? (disk.source ?? []) : []));
    const found = await Promise.all(images.map((image) => files.look(kernel, image)));
    return found.reduce((sum, each) => sum + ('fault' in each ? 0 : each.sizeBytes), 0);
  };
}

/** Memory that could be given out now, from /proc/meminfo, bytes. */
export function memoryAvailableBytes(kernel: KernelRoot): number {
  return readMeminfo(kernel)?.get('MemAvailable') ?? 0;
}

/** The 1-minute load average, from /proc/loadavg. */
export function loadAverage(kernel: KernelRoot): number {
  return Number(kernel.read('proc/loadavg')?.split(' ')[0] ?? 0);
}
