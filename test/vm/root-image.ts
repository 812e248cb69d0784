/** The root disk of the machines; built where it is not in the cache. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Directory with root.img, vmlinuz and initrd. Errors: with the script's words when it cannot be built. */
export async function rootImage(project: string): Promise<string> {
  const script = join(project, 'test/vm/root-image.sh');
  const running = promisify(execFile)(script, { maxBuffer: 2 ** 20 });
  running.child.stderr?.pipe(process.stderr);
  return (await running).stdout.trim();
}
