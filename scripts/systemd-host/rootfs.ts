/** The tree that every systemd host stands on, and what a machine needs to have such hosts. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = fileURLToPath(new URL('../../../scripts/systemd-host/', import.meta.url));

/** Why no systemd host can be had here, in words; undefined: it can. */
export function systemdHostObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  if (!existsSync('/dev/kvm')) return 'needs /dev/kvm';
  const programs = ['systemd-nspawn', 'nsenter', 'setpriv', 'journalctl'];
  const missing = programs.find((program) => !existsSync(join('/usr/bin', program)));
  return missing === undefined ? undefined : `needs ${missing} (make setup as root installs it)`;
}

/**
 * The directory of the finished tree, to be read only. The first call for a list of packages builds it (one to three
 * minutes); calls at the same time wait for one build. Errors: `Error` with the script's last words.
 */
export const rootTree = (): Promise<string> => madeBy('root-tree.sh');

/** A directory with the compiled Drover as it is packaged, for `HostOptions.layers`. Errors: as `rootTree`. */
export const programLayer = (): Promise<string> => madeBy('program-layer.sh');

async function madeBy(script: string): Promise<string> {
  const running = promisify(execFile)(join(folder, script), { maxBuffer: 2 ** 20 });
  if (process.stderr.isTTY) running.child.stderr?.pipe(process.stderr);
  return (await running).stdout.trim();
}
