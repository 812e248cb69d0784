/** kernel-command-line: the file is written, the running kernel waits for a restart and says so, undo takes the file away. */
import { existsSync, mkdirSync } from 'node:fs';
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';
import type { Checks } from './checks.js';
import { text } from './kernel-files.js';
import { entryOf, type LocalHost } from './local-host.js';

const folder = '/etc/default/grub.d';
const file = `${folder}/90-drover.cfg`;
const wish: TunerSettings = { 'kernel-command-line': { arguments: ['hugepagesz=1G', 'hugepages=2'] } };

export async function checkBootFile(checks: Checks, host: LocalHost): Promise<void> {
  mkdirSync(folder, { recursive: true }); // as Debian's grub-pc has it
  const entries = await host.apply(wish);
  checks.equal('boot file: written', entryOf(entries, 'boot file')?.outcome, 'changed');
  const assignment = 'GRUB_CMDLINE_LINUX_DEFAULT="${GRUB_CMDLINE_LINUX_DEFAULT} hugepagesz=1G hugepages=2"';
  checks.equal('boot file: the line for GRUB', text(file).split('\n').at(-1), assignment);
  const running = entryOf(entries, 'running kernel');
  checks.equal(
    'boot file: the kernel waits for a restart',
    [running?.outcome, running?.effect],
    ['deferred', 'host-reboot'],
  );
  checks.ok(
    'boot file: and says which arguments',
    /hugepagesz=1G hugepages=2/.test(running?.reason ?? ''),
    running?.reason,
  );
  checks.equal('boot file: undone without failures', await host.revert(), []);
  checks.equal('boot file: gone', existsSync(file), false);
}
