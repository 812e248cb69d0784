/** What a bed leaves on the machine, by its number, and how all of it goes away again. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runner, succeeds } from '../../scripts/hypervisor/command.js';
import { endProcesses, processesIn, startTime } from '../../scripts/hypervisor/processes.js';

const run = runner();

/** One directory for each bed, named by its number; the number is the third part of its addresses too. */
export const stateRoot = '/var/lib/drover-bed';

/** Beds that can stand at a time: one for each 10.77.x.0/24. */
export const maximumBeds = 255;

export const bridgeName = (bed: number) => `drb${bed}`;
export const namespaceName = (bed: number, host: number) => `drb${bed}-${host}`;
/** Outer end of a host's cable; the kernel takes 15 characters. */
export const cableName = (bed: number, host: number) => `drv${bed}-${host}`;

/** Takes the first free number from `first` on, and its bridge. Errors: when all are taken. */
export async function claimBed(first: number): Promise<{ bed: number; directory: string }> {
  mkdirSync(stateRoot, { recursive: true, mode: 0o755 });
  for (let step = 0; step < maximumBeds; step++) {
    const bed = (first + step) % maximumBeds;
    const directory = join(stateRoot, `${bed}`);
    if (!claimDirectory(directory)) continue;
    if (await succeeds(run, ['ip', 'link', 'add', bridgeName(bed), 'type', 'bridge']))
      return { bed, directory };
    rmSync(directory, { recursive: true });
  }
  throw new Error(`all ${maximumBeds} beds are taken: see ${stateRoot}`);
}

function claimDirectory(directory: string): boolean {
  try {
    mkdirSync(directory);
  } catch {
    return false;
  }
  writeFileSync(join(directory, 'owner'), `${process.pid} ${startTime(process.pid)}`);
  return true;
}

/** Takes down the beds whose owner died. A bed is first renamed, which only one cleaner can do. */
export async function removeLeftovers(): Promise<void> {
  for (const name of listed(stateRoot)) {
    const bed = Number.parseInt(name, 10);
    if (Number.isNaN(bed) || ownerLives(join(stateRoot, name))) continue;
    const mine = join(stateRoot, `${bed}.removed-by-${process.pid}`);
    try {
      renameSync(join(stateRoot, name), mine);
      writeFileSync(join(mine, 'owner'), `${process.pid} ${startTime(process.pid)}`);
    } catch {
      continue; // another cleaner was first
    }
    await removeBed(bed, mine);
  }
}

function ownerLives(directory: string): boolean {
  try {
    const [pid, since] = readFileSync(join(directory, 'owner'), 'utf8').split(' ');
    return startTime(Number(pid)) === since;
  } catch {
    return ageMs(directory) < 10_000; // its owner may be about to write its name
  }
}

function ageMs(directory: string): number {
  try {
    return Date.now() - statSync(directory).mtimeMs;
  } catch {
    return 0;
  }
}

/** Ends every process of a bed and removes its cgroups, namespaces, bridge and directory. Works on what is half there. */
export async function removeBed(bed: number, directory: string): Promise<void> {
  const groups = new Set<string>();
  for (const name of listed('/run/netns').filter((entry) => entry.startsWith(`${bridgeName(bed)}-`))) {
    await endNamespace(join('/run/netns', name), groups);
    await succeeds(run, ['ip', 'netns', 'del', name]);
  }
  for (const name of listed('/sys/class/net').filter((entry) => entry.startsWith(`drv${bed}-`)))
    await succeeds(run, ['ip', 'link', 'del', name]); // a namespace's end removes its cables too, but later
  await removeCgroups(bed, groups);
  await succeeds(run, ['ip', 'link', 'del', bridgeName(bed)]);
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Kills what runs in a network namespace, again and again while there is something; notes domains' cgroups. */
async function endNamespace(path: string, groups: Set<string>): Promise<void> {
  const namespace = `net:[${statSync(path).ino}]`;
  for (let round = 0; round < 10; round++) {
    const pids = processesIn('net', namespace);
    if (pids.length === 0) return;
    for (const pid of pids) for (const group of machineGroups(pid)) groups.add(group);
    await endProcesses(pids, 0);
  }
}

/** Names such as `qemu-1-NAME.libvirt-qemu` that libvirt gave to the cgroups of this process. */
function machineGroups(pid: number): string[] {
  try {
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
    return [...lines.matchAll(/:\/machine\/(qemu-[^/\n]+)/g)].map((match) => match[1] as string);
  } catch {
    return [];
  }
}

/** libvirt removes a domain's cgroups itself when it sees its end; a killed libvirtd does not. */
async function removeCgroups(bed: number, groups: ReadonlySet<string>): Promise<void> {
  const ours = (name: string) => groups.has(name) || new RegExp(`^qemu-\\d+-${bridgeName(bed)}-`).test(name);
  for (const machine of machineDirectories())
    for (const name of listed(machine).filter(ours)) await removeTree(join(machine, name));
}

function machineDirectories(): string[] {
  const root = '/sys/fs/cgroup';
  return [root, ...listed(root).map((controller) => join(root, controller))].map((directory) =>
    join(directory, 'machine'),
  );
}

/** Removes a cgroup, its children first. A group stays busy for some milliseconds after its last process has ended. */
async function removeTree(group: string): Promise<void> {
  for (const child of listed(group, true)) await removeTree(join(group, child));
  for (let round = 0; round < 50; round++) {
    try {
      return rmdirSync(group);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EBUSY') return;
      await sleep(20);
    }
  }
}

function listed(directory: string, directoriesOnly = false): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries
      .filter((entry) => !directoriesOnly || entry.isDirectory())
      .map((entry) => basename(entry.name));
  } catch {
    return [];
  }
}
