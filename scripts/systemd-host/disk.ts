/** A host's disk: what it writes lies in memory, over a shared tree that it only reads. It outlives the host's power. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runner } from '../hypervisor/command.js';

/** Most that a host may write: its journal, its database, its guests' disks. */
const scratchBytes = 2 ** 30;

/** Mounts the disk below `directory` and answers where its root is. `layers` lie over the tree, the first on top. */
export async function mountDisk(directory: string, layers: readonly string[]): Promise<string> {
  const run = runner();
  const [scratch, root] = [join(directory, 'scratch'), join(directory, 'root')];
  const [upper, work] = [join(scratch, 'upper'), join(scratch, 'work')];
  mkdirSync(scratch);
  mkdirSync(root);
  // Memory, because an overlay cannot write to a directory that is itself on an overlay, as in a container.
  await run(['mount', '-t', 'tmpfs', '-o', `size=${scratchBytes},mode=755`, 'drover-host', scratch]);
  mkdirSync(upper, { mode: 0o755 });
  mkdirSync(work);
  const options = `lowerdir=${layers.join(':')},upperdir=${upper},workdir=${work}`;
  await run(['mount', '-t', 'overlay', '-o', options, 'drover-host', root]);
  return root;
}

/** Unmounts whatever is mounted below the directory, the last first, and removes it. What is half there is well. */
export async function removeDisk(directory: string): Promise<void> {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${directory}/`));
  // Lazily: a reader of the journal may still stand in it.
  for (const point of points.toReversed()) await runner()(['umount', '-l', point]);
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
