/** The threads of a QEMU process by what they do, from the names that QEMU gives them (debug-threads=on, as libvirt starts it). */
import { threadsOf } from '../../../kernel/procfs.js';
import { derived } from '../../../kernel/derived.js';
import type { KernelRoot } from '../../../kernel/root.js';

export interface DomainThreads {
  /** Thread id by vCPU number, ascending. Empty for a TCG guest whose vCPUs share one thread. */
  readonly vcpus: ReadonlyMap<number, number>;
  /** Thread id by libvirt's number of the I/O thread, ascending. */
  readonly ioThreads: ReadonlyMap<number, number>;
  /** Everything else that QEMU runs: its main loop, workers, the thread that shares all vCPUs. */
  readonly emulator: readonly number[];
}

/** Workers of the kernel that it puts into the process: they have places of their own. */
const kernelWorker = /^(?:kvm-|vhost-)/;

/** The threads of a process now; all empty when it is gone. `IO mon_iothread` is QEMU's own and counts as emulator. */
export function domainThreads(kernel: KernelRoot, pid: number): DomainThreads {
  return derived(kernel, `domain threads of ${pid}`, () => sortedThreads(kernel, pid));
}

function sortedThreads(kernel: KernelRoot, pid: number): DomainThreads {
  const vcpus: [number, number][] = [];
  const ioThreads: [number, number][] = [];
  const emulator: number[] = [];
  for (const { tid, name } of threadsOf(kernel, pid)) {
    const vcpu = /^CPU (\d+)\//.exec(name)?.[1];
    const ioThread = /^IO iothread(\d+)$/.exec(name)?.[1];
    if (vcpu !== undefined) vcpus.push([Number(vcpu), tid]);
    else if (ioThread !== undefined) ioThreads.push([Number(ioThread), tid]);
    else if (!kernelWorker.test(name)) emulator.push(tid);
  }
  const byNumber = (pairs: [number, number][]): Map<number, number> =>
    new Map(pairs.toSorted(([a], [b]) => a - b));
  return { vcpus: byNumber(vcpus), ioThreads: byNumber(ioThreads), emulator };
}
