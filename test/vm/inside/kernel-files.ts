/**
 * What the kernel shows, by plain file reads and none of the agent's code: a second opinion. The paths are written down as
 * libvirt's and systemd's documents give them for a unified hierarchy; a host that differs must fail here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const cgroup = '/sys/fs/cgroup';

/** A running domain, as the kernel has it. */
export interface Place {
  /** QEMU's process. */
  readonly pid: number;
  /** The group that systemd owns; libvirt's own groups are below `libvirt` in it. */
  readonly scope: string;
  /** major:minor of the disk under the image. */
  readonly disk: string;
}

export const text = (file: string): string => readFileSync(file, 'utf8').trim();

/** Finds a domain of libvirt by its name, with letters and hyphens only. systemd writes a hyphen in a unit's name as \x2d. */
export function placeOf(name: string, diskName: string): Place {
  const tail = `\\x2d${name.replaceAll('-', '\\x2d')}.scope`;
  const scopes = readdirSync(join(cgroup, 'machine.slice')).filter((entry) => entry.endsWith(tail));
  if (scopes.length !== 1) throw new Error(`${scopes.length} groups in machine.slice end in ${tail}`);
  return {
    pid: Number(text(`/run/libvirt/qemu/${name}.pid`)),
    scope: join(cgroup, 'machine.slice', scopes[0] as string),
    disk: text(`/sys/class/block/${diskName}/dev`),
  };
}

const domainFiles = [
  'cpu.max',
  'cpu.weight',
  'cpu.idle',
  'io.max',
  'io.weight',
  'io.bfq.weight',
  'memory.max',
];
const cpusetFiles = ['cpuset.cpus', 'cpuset.mems'];

/** Every limit in the groups of a domain and above it, the affinity of its threads, KSM and huge pages: path to content. */
export function snapshot(place: Place): Record<string, string> {
  const groups = [join(cgroup, 'machine.slice'), ...groupsBelow(place.scope)];
  const files = groups.flatMap((group) => [...domainFiles, ...cpusetFiles].map((name) => join(group, name)));
  return { ...read(files), ...affinity(place), ...hostFiles() };
}

/** As `snapshot`, without the masks of cpuset groups: after an undo they name all CPUs where they were empty. */
export function effects(place: Place): Record<string, string> {
  return Object.fromEntries(
    Object.entries(snapshot(place)).filter(([file]) => !cpusetFiles.some((name) => file.endsWith(name))),
  );
}

/** These files of a group and of all groups below it: path to content. */
export function groupFiles(directory: string, names: readonly string[]): Record<string, string> {
  return read(groupsBelow(directory).flatMap((group) => names.map((name) => join(group, name))));
}

/** Thread name (`CPU 0/TCG`, `main`) to the CPUs that it may use. */
export function affinity({ pid }: Place): Record<string, string> {
  const found: Record<string, string> = {};
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const name = text(`/proc/${pid}/task/${tid}/comm`);
    if (tid !== `${pid}` && !name.startsWith('CPU ')) continue;
    const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(text(`/proc/${pid}/task/${tid}/status`))?.[1] ?? '';
    found[tid === `${pid}` ? 'main' : name] = list;
  }
  return found;
}

/** KSM and huge page settings: path below /sys/kernel/mm to content. */
export function hostFiles(): Record<string, string> {
  const ksm = ['run', 'pages_to_scan', 'sleep_millisecs', 'merge_across_nodes', 'use_zero_pages'];
  const huge = ['enabled', 'defrag', 'khugepaged/defrag'];
  const names = [...ksm.map((name) => `ksm/${name}`), ...huge.map((name) => `transparent_hugepage/${name}`)];
  return Object.fromEntries(names.map((name) => [name, text(`/sys/kernel/mm/${name}`)]));
}

/** One number of a file of `name=value` words or `name value` lines, such as io.stat (on its disk's line) and cpu.stat. */
export function counter(file: string, name: string, disk?: string): number {
  const lines = text(file).split('\n');
  const within = disk === undefined ? lines : lines.filter((line) => line.startsWith(`${disk} `));
  const match = new RegExp(`(?:^|\\s)${name}[= ](\\d+)`, 'm').exec(within.join('\n'));
  return Number(match?.[1] ?? 0);
}

function groupsBelow(directory: string): string[] {
  const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [directory, ...below.flatMap(({ name }) => groupsBelow(join(directory, name)))];
}

function read(files: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const file of files) {
    try {
      found[file] = text(file);
    } catch {
      // a group has only the files of the controllers that its parent hands down
    }
  }
  return found;
}
