/** What hosts leave on the machine when the process that had them dies: found by name, removed by whoever comes next. */
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTime } from '../hypervisor/processes.js';
import { removeDisk } from './disk.js';
import { removeGroups } from './groups.js';
import { removePropagation } from './power.js';

/** One directory for each host, of the host's name. */
export const hostsDirectory = '/var/lib/drover-host';

/** Makes the directory of a host of this process. Errors: EEXIST for a name that is in use. */
export function claimHost(name: string): string {
  const directory = join(hostsDirectory, name);
  mkdirSync(hostsDirectory, { recursive: true, mode: 0o755 });
  mkdirSync(directory, { mode: 0o755 });
  writeFileSync(join(directory, 'owner'), `${process.pid} ${startTime(process.pid)}`);
  return directory;
}

/** Ends what runs in a host and removes its groups, mounts and directory. Works on what is half there. */
export async function removeHost(name: string): Promise<void> {
  await removeGroups(name);
  removePropagation(name);
  await removeDisk(join(hostsDirectory, name));
}

/** Removes the hosts of dead processes. A host is taken by renaming its owner file, which only one can do. */
export async function removeLeftovers(): Promise<void> {
  for (const name of listed(hostsDirectory)) {
    const directory = join(hostsDirectory, name);
    if (ownerLives(directory)) continue;
    try {
      renameSync(join(directory, 'owner'), join(directory, `removed-by-${process.pid}`));
    } catch (cause) {
      // Somebody was first; but a remover that died too leaves a directory without an owner, which ages.
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT' || ageMs(directory) < 60_000) continue;
    }
    await removeHost(name);
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

function listed(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
