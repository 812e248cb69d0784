/**
 * Reads the demonstration's settings back from the kernel, by a way of its own: plain file reads and none of the agent's
 * code, so that what it shows is a second opinion.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ReadBack {
  readonly what: string;
  readonly file: string;
  readonly value: string;
}

const text = (file: string): string => readFileSync(file, 'utf8').trim();

/** What threads, cgroups and /sys say for a running domain (by QEMU's process number) and the host. */
export function readBack(pid: number | undefined): ReadBack[] {
  return [...(pid === undefined ? [] : [...threads(pid), ...groups(pid)]), ...host()];
}

function threads(pid: number): ReadBack[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
    const name = text(`/proc/${pid}/task/${tid}/comm`);
    if (!name.startsWith('CPU ') && tid !== `${pid}`) return [];
    const file = `/proc/${pid}/task/${tid}/status`;
    const allowed = /Cpus_allowed_list:\s*(\S+)/.exec(text(file))?.[1] ?? '?';
    return [{ what: `thread ${name} may run on`, file, value: `CPU ${allowed}` }];
  });
}

/** The domain's limits, by the groups that its threads are in: found through the mount table. */
function groups(pid: number): ReadBack[] {
  const found: ReadBack[] = [];
  const vcpu = readdirSync(`/proc/${pid}/task`).find((tid) =>
    text(`/proc/${pid}/task/${tid}/comm`).startsWith('CPU '),
  );
  const cpu = groupOf(`/proc/${pid}/task/${vcpu ?? pid}/cgroup`, 'cpu');
  const block =
    groupOf(`/proc/${pid}/cgroup`, 'blkio')?.replace(/\/(libvirt\/)?emulator$/, '') ??
    groupOf(`/proc/${pid}/cgroup`, 'io')?.replace(/\/libvirt\/emulator$/, '');
  for (const name of ['cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.max']) add(found, 'vCPU time', cpu, name);
  const limits = ['read_bps', 'write_bps', 'read_iops', 'write_iops'].map(
    (kind) => `blkio.throttle.${kind}_device`,
  );
  for (const name of [...limits, 'io.max']) add(found, 'disk limit', block, name);
  return found;
}

function add(found: ReadBack[], what: string, directory: string | undefined, name: string): void {
  if (directory === undefined) return;
  const file = join(directory, name);
  try {
    found.push({ what, file, value: `${name} = ${text(file) || 'none'}` });
  } catch {
    // the other cgroup version has this file
  }
}

function groupOf(file: string, controller: string): string | undefined {
  const lines = text(file)
    .split('\n')
    .map((line) => line.split(':'));
  const v1 = lines.find(([, names]) => names?.split(',').includes(controller));
  const mounts = text('/proc/mounts')
    .split('\n')
    .map((line) => line.split(' '));
  const v1Mount = mounts.findLast(
    ([, , type, options]) => type === 'cgroup' && options?.split(',').includes(controller),
  );
  if (v1 && v1Mount) return join(v1Mount[1] as string, v1.slice(2).join(':'));
  const v2 = lines.find(([id]) => id === '0');
  const v2Mount = mounts.findLast(([, , type]) => type === 'cgroup2');
  return v2 && v2Mount ? join(v2Mount[1] as string, v2.slice(2).join(':')) : undefined;
}

function host(): ReadBack[] {
  const found: ReadBack[] = [];
  add(found, 'KSM', '/sys/kernel/mm/ksm', 'run');
  add(found, 'transparent hugepages', '/sys/kernel/mm/transparent_hugepage', 'enabled');
  add(found, 'transparent hugepages', '/sys/kernel/mm/transparent_hugepage', 'defrag');
  return found;
}
