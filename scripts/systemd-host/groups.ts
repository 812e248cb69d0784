/**
 * Control groups of one host: a group of its name in every hierarchy (one for each controller with cgroup v1, one in all
 * with v2), in which the host's systemd finds itself as at the root of its own.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcesses } from '../hypervisor/processes.js';

/** Mount points of all hierarchies; /proc/mounts, third field. */
function hierarchies(): string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , type]) => type === 'cgroup' || type === 'cgroup2')
    .map(([, point]) => point as string);
}

/** Makes the host's groups and answers the files that a process writes its id into to be in them. */
export function makeGroups(name: string): string[] {
  return hierarchies().map((hierarchy) => {
    const group = join(hierarchy, name);
    mkdirSync(group, { recursive: true });
    // Version 1 starts a set empty, and takes no process then.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) copySet(join(hierarchy, file), join(group, file));
    return join(group, 'cgroup.procs');
  });
}

function copySet(from: string, to: string): void {
  try {
    writeFileSync(to, readFileSync(from, 'utf8'));
  } catch {
    // not the hierarchy of this controller
  }
}

/** Ends every process of the host's groups and removes them. Errors: when a group is still busy after 5 s. */
export async function removeGroups(name: string): Promise<void> {
  const groups = hierarchies().map((hierarchy) => join(hierarchy, name));
  for (let round = 0; round < 10; round++) {
    const pids = [...new Set(groups.flatMap(processesBelow))];
    if (pids.length === 0) break;
    await endProcesses(pids, 0);
  }
  for (const group of groups) await removeTree(group);
}

function processesBelow(group: string): number[] {
  const own = read(join(group, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
  return [...own, ...children(group).flatMap((child) => processesBelow(join(group, child)))];
}

/** A group stays busy for some milliseconds after its last process has ended. */
async function removeTree(group: string): Promise<void> {
  for (const child of children(group)) await removeTree(join(group, child));
  for (let round = 0; round < 250; round++) {
    try {
      return rmdirSync(group);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
      await sleep(20);
    }
  }
  throw new Error(`${group} is still busy`);
}

function children(group: string): string[] {
  try {
    const entries = readdirSync(group, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
