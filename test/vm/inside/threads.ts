/** Threads and pages of a domain, by the kernel's own files. */
import { readdirSync } from 'node:fs';
import { text } from './kernel-files.js';

/** `vcpu 0`, `emulator`, `iothread 1` to the CPUs that the thread may use. */
export type Masks = Readonly<Record<string, string>>;

export const pidOf = (domain: string): number => Number(text(`/run/libvirt/qemu/${domain}.pid`));

/** Cpus_allowed_list of each vCPU, of QEMU's main thread and of each I/O thread, by the names that QEMU gives them. */
export function masksOf(domain: string): Masks {
  const pid = pidOf(domain);
  const found: Record<string, string> = {};
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const role = tid === `${pid}` ? 'emulator' : roleOf(text(`/proc/${pid}/task/${tid}/comm`));
    if (role !== undefined) found[role] = allowed(pid, tid);
  }
  return Object.fromEntries(Object.entries(found).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Cpus_allowed_list of every thread, whatever it is. */
export function everyMask(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((tid) => allowed(pid, tid));
}

function allowed(pid: number, tid: string): string {
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(text(`/proc/${pid}/task/${tid}/status`))?.[1] ?? '';
}

function roleOf(name: string): string | undefined {
  const vcpu = /^CPU (\d+)\//.exec(name)?.[1];
  const ioThread = /^IO iothread(\d+)$/.exec(name)?.[1];
  return vcpu !== undefined ? `vcpu ${vcpu}` : ioThread === undefined ? undefined : `iothread ${ioThread}`;
}

/** Pages of a process by NUMA cell (proc(5), numa_maps), those of files left out. */
export function pagesByCell(pid: number): number[] {
  const cells = [0, 0];
  const own = text(`/proc/${pid}/numa_maps`)
    .split('\n')
    .filter((line) => /anon=/.test(line));
  for (const [, cell, pages] of own.join('\n').matchAll(/ N(\d+)=(\d+)/g))
    cells[Number(cell)] = (cells[Number(cell)] ?? 0) + Number(pages);
  return cells;
}
