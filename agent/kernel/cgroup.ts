/**
 * Control groups, version 1 and 2 behind one face (Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst), and where
 * libvirt puts a domain in them (libvirt's docs/cgroups). The controller that v1 calls `blkio` is `io` in v2; here it
 * is `blkio` for both.
 */
import { join } from 'node:path';
import type { CgroupFacts } from '../../proto/gen/drover/v1/CgroupFacts.js';
import { mountedRoot, readMounts } from './mounts.js';
import type { Mount } from './mounts.js';
import { derived } from './derived.js';
import type { KernelRoot } from './root.js';

export type CgroupVersion = 1 | 2;

/** Controllers that v1 kernels have; a kernel's own list in /proc/cgroups adds to them. */
const knownControllers = [
  ...['cpuset', 'cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'freezer', 'net_cls', 'net_prio'],
  ...['perf_event', 'hugetlb', 'pids', 'rdma', 'misc'],
];

/**
 * Which hierarchies are mounted where, from the mount table alone. `controllers` also holds named hierarchies
 * (`name=systemd`). Of a controller that is mounted twice the last line counts, as in libvirt. No mount table: `none`.
 */
export function readCgroupLayout(root: KernelRoot): CgroupFacts {
  const mounts = readMounts(root) ?? [];
  const known = new Set([...knownControllers, ...kernelControllers(root)]);
  const controllers: Record<string, string> = {};
  for (const mount of mounts.filter(({ type }) => type === 'cgroup')) {
    for (const name of hierarchyNames(mount, known)) controllers[name] = mount.directory;
  }
  const unified = mounts.findLast(({ type }) => type === 'cgroup2')?.directory ?? '';
  const unifiedControllers = unified === '' ? [] : words(root.read(join(unified, 'cgroup.controllers')));
  return {
    mode: modeOf(Object.keys(controllers).length > 0, unified !== ''),
    controllers,
    unified,
    unifiedControllers,
  };
}

function modeOf(v1: boolean, v2: boolean): string {
  return v1 && v2 ? 'hybrid' : v1 ? 'v1' : v2 ? 'v2' : 'none';
}

function hierarchyNames(mount: Mount, known: ReadonlySet<string>): string[] {
  return mount.options.filter((option) => known.has(option) || option.startsWith('name='));
}

function kernelControllers(root: KernelRoot): string[] {
  const lines = root.read('proc/cgroups')?.split('\n') ?? [];
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s/)[0] as string);
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}

/** The version under which a controller is in force; undefined where neither has it. A v1 hierarchy takes it from v2. */
export function controllerVersion(layout: CgroupFacts, controller: string): CgroupVersion | undefined {
  if (layout.controllers[controller] !== undefined) return 1;
  const unifiedName = controller === 'blkio' ? 'io' : controller === 'cpuacct' ? 'cpu' : controller;
  return layout.unifiedControllers.includes(unifiedName) ? 2 : undefined;
}

/** A process's own groups: controller (v1), `name=…` or `unified` (v2) to its path below the mount point. */
export function groupsOf(root: KernelRoot, pid: number | 'self'): ReadonlyMap<string, string> | undefined {
  return derived(root, `groups of ${pid}`, () => readGroups(root, pid));
}

function readGroups(root: KernelRoot, pid: number | 'self'): Map<string, string> | undefined {
  const text = root.read(`proc/${pid}/cgroup`);
  if (text === undefined) return undefined;
  const groups = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    for (const name of match ? (match[1] as string).split(',') : []) {
      groups.set(name === '' ? 'unified' : name, (match as RegExpExecArray)[2] as string);
    }
  }
  return groups;
}

/** Tails that libvirt adds below a domain's group: a group for threads, and since 7.1 on systemd hosts `libvirt`. */
const threadTail = /\/(?:emulator|vcpu\d+|iothread\d+)$/;
const nestedTail = /\/libvirt$/;

/**
 * Directory (host path) of the whole domain's group for a controller, from the groups of its QEMU process. Libvirt
 * since 7.1 on a systemd host has two: systemd owns the scope, and CPU shares and block weights are set there; every
 * other limit is written to the group `libvirt` below it. So `cpu` gives the scope and any other controller the inner
 * group; elsewhere both are one. Undefined: process gone, controller not mounted, or the process is in the root group
 * (not libvirt's doing: its limits are nobody's).
 */
export function domainGroup(
  root: KernelRoot,
  layout: CgroupFacts,
  pid: number,
  controller: string,
): string | undefined {
  const inner = domainPath(root, layout, pid, controller);
  if (inner === undefined) return undefined;
  return groupDirectory(
    root,
    layout,
    controller,
    controller === 'cpu' ? inner.replace(nestedTail, '') : inner,
  );
}

/** Directory of one vCPU's group, where libvirt writes CFS period and quota; undefined where it has none. */
export function vcpuGroup(
  root: KernelRoot,
  layout: CgroupFacts,
  pid: number,
  vcpu: number,
  controller = 'cpu',
): string | undefined {
  return threadGroup(root, layout, pid, `vcpu${vcpu}`, controller);
}

/** Directory of the group of all threads that are no vCPU or I/O thread; undefined where it has none. */
export function emulatorGroup(
  root: KernelRoot,
  layout: CgroupFacts,
  pid: number,
  controller = 'cpu',
): string | undefined {
  return threadGroup(root, layout, pid, 'emulator', controller);
}

function threadGroup(
  root: KernelRoot,
  layout: CgroupFacts,
  pid: number,
  name: string,
  controller: string,
): string | undefined {
  const inner = domainPath(root, layout, pid, controller);
  return inner === undefined ? undefined : groupDirectory(root, layout, controller, `${inner}/${name}`);
}

/** The domain's innermost whole group, relative to the mount point. */
function domainPath(
  root: KernelRoot,
  layout: CgroupFacts,
  pid: number,
  controller: string,
): string | undefined {
  const version = controllerVersion(layout, controller);
  if (version === undefined) return undefined;
  const path = groupsOf(root, pid)
    ?.get(version === 1 ? controller : 'unified')
    ?.replace(threadTail, '');
  return path === undefined || path === '/' || path === '' ? undefined : path;
}

/** The path below the controller's mount point, less the part that a container's mount already stands for. */
function groupDirectory(
  root: KernelRoot,
  layout: CgroupFacts,
  controller: string,
  path: string,
): string | undefined {
  const mount =
    controllerVersion(layout, controller) === 1 ? (layout.controllers[controller] as string) : layout.unified;
  const whole = join(mount, path);
  if (root.exists(whole)) return whole;
  const mounted = mountedRoot(root, mount);
  if (mounted === '/' || !path.startsWith(`${mounted}/`)) return undefined;
  const below = join(mount, path.slice(mounted.length));
  return root.exists(below) ? below : undefined;
}
