/** Makes a disk with the project on it: what was compiled, the contract, and the modules that it needs to run. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/** Beside the modules: what runs, and what install-units.sh packages it with. */
const parts = ['build', 'proto', 'systemd', 'docs', 'scripts/setup', 'package.json', 'package-lock.json'];

/** Writes an ext4 image of the project to `disk`, by way of the directory `stage`, which is removed. Answers its files' MiB. */
export function writeDataDisk(project: string, stage: string, disk: string): number {
  mkdirSync(stage, { recursive: true });
  try {
    const copy = (part: string): void =>
      cpSync(join(project, part), join(stage, part), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (source) => !source.endsWith('.map') && !source.endsWith('.tsbuildinfo'),
      });
    for (const part of [...parts, ...productionModules(project)]) copy(part);
    const usedMiB = Number(execFileSync('du', ['-sm', stage]).toString().split('\t')[0]);
    // Inodes and block rounding take more than the files: modules are many and small.
    const size = `${Math.ceil(usedMiB * 1.5) + 32}M`;
    execFileSync('mke2fs', [
      '-q',
      '-F',
      '-t',
      'ext4',
      '-O',
      '^has_journal',
      '-L',
      'drover',
      '-d',
      stage,
      disk,
      size,
    ]);
    return usedMiB;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** Folders of the installed packages that the lock file does not call development only. */
function productionModules(project: string): string[] {
  const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as LockFile;
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path.startsWith('node_modules/') && dev !== true)
    .map(([path]) => path)
    .filter((path) => existsSync(join(project, path)));
}
