/**
 * Drover's own file below /etc/default/grub.d, whose arguments GRUB puts on the kernel command line after update-grub
 * (grub-mkconfig(8) of Debian and its likes reads that directory after /etc/default/grub).
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DroverError } from '../../proto/wire/errors.js';
import { osProberObstacle } from './os-prober.js';
import type { KernelRoot } from './root.js';

export const bootFile = '/etc/default/grub.d/90-drover.cfg';
const updateProgram = '/usr/sbin/update-grub';
const grubConfig = '/boot/grub/grub.cfg';

/** What stands in the file; `arguments` are one line. */
export interface BootArguments {
  readonly arguments: string;
  /** update-grub is run after each change. */
  readonly update: boolean;
}

const header = '# Made by drover-agent from its profile (kernel-command-line). Changes here are lost.';
const updateLine = '# update-grub: the agent runs it after each change.';
const operatorLine = '# update-grub: yours to run after each change.';
const variable = 'GRUB_CMDLINE_LINUX_DEFAULT';

/** The file's content. The variable is the one that GRUB leaves out of recovery entries: those start without the arguments. */
export function bootFileContent({ arguments: line, update }: BootArguments): string {
  const assignment = `${variable}="\${${variable}} ${line}"`;
  return `${[header, update ? updateLine : operatorLine, assignment].join('\n')}\n`;
}

/** What a content says; undefined: it is not exactly what `bootFileContent` writes. */
export function parseBootFile(content: string): BootArguments | undefined {
  const line = /^GRUB_CMDLINE_LINUX_DEFAULT="\$\{GRUB_CMDLINE_LINUX_DEFAULT\} ([^"\n]*)"$/m.exec(
    content,
  )?.[1];
  if (line === undefined) return undefined;
  const parsed = { arguments: line, update: content.includes(`\n${updateLine}\n`) };
  return bootFileContent(parsed) === content ? parsed : undefined;
}

/** Why the file would do nothing on this host, and what to do instead; undefined: GRUB reads it. */
export function bootFileObstacle(root: KernelRoot): string | undefined {
  if (root.exists(dirname(bootFile)) || root.exists(updateProgram)) return undefined;
  if (root.exists('/usr/sbin/grubby') || root.exists('/sbin/grubby'))
    return 'this host has no update-grub: put the arguments in by grubby --update-kernel=ALL --args="…"';
  return 'this host has neither /etc/default/grub.d nor update-grub: put the arguments into the configuration of its boot loader';
}

/** The first kernel line of GRUB's configuration, which is its default entry; undefined: there is none to be read. */
export function grubLine(root: KernelRoot): string | undefined {
  return /^\s*linux(?:16|efi)?\s+\S+\s+(.*)$/m.exec(root.content(grubConfig) ?? '')?.[1];
}

export interface UpdateOptions {
  /** How long update-grub may take. 120,000. */
  readonly timeoutMs?: number;
}

/**
 * Writes the file, or takes it away for `undefined`. With `update`, update-grub runs then; where that fails the former
 * content is put back, so that nothing is left half done. Errors: `kernel-write-failed`, with update-grub's own words;
 * `failed-precondition` with nothing written where update-grub may run os-prober.
 */
export async function putBootFile(
  root: KernelRoot,
  content: string | undefined,
  update: boolean,
  options: UpdateOptions = {},
): Promise<void> {
  const prober = update ? osProberObstacle(root) : undefined;
  if (prober)
    throw new DroverError('failed-precondition', `${prober.message}: wants ${prober.cure}`, {
      field: bootFile,
      cure: prober.cure,
    });
  const before = root.content(bootFile);
  await put(root, content);
  if (!update) return;
  try {
    await runUpdate(root, options.timeoutMs ?? 120_000);
  } catch (thrown) {
    await put(root, before);
    throw thrown;
  }
}

async function put(root: KernelRoot, content: string | undefined): Promise<void> {
  if (content === undefined) return root.removeFile(bootFile);
  await mkdir(dirname(join(root.path, bootFile)), { recursive: true });
  return root.putFile(bootFile, content);
}

/** Most bytes of what update-grub says; it says some lines. */
const maximumOutputBytes = 256 * 1024;

function runUpdate(root: KernelRoot, timeoutMs: number): Promise<void> {
  const limits = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: maximumOutputBytes } as const;
  return new Promise((resolve, reject) => {
    execFile(join(root.path, updateProgram), [], limits, (error, _stdout, stderr) => {
      if (!error) return resolve();
      const why = error.killed
        ? `no end in ${timeoutMs} ms`
        : stderr.trim().split('\n').at(-1) || error.message;
      reject(
        new DroverError('kernel-write-failed', `${updateProgram}: ${why}`, { field: bootFile, cause: error }),
      );
    });
  });
}
