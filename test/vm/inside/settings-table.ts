/** Settings, the files that show them, and undo: one row for each. */
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';
import type { Checks } from './checks.js';
import { text } from './kernel-files.js';
import { inWords, type LocalHost } from './local-host.js';

/** A file and what it holds under the settings. */
export type Rows = Readonly<Record<string, string>>;

/** Brings the settings in force, reads every file, puts them back, and reads every file again. */
export async function checkRows(
  checks: Checks,
  host: LocalHost,
  what: string,
  { settings, rows }: { readonly settings: TunerSettings; readonly rows: Rows },
): Promise<void> {
  const files = Object.keys(rows);
  const before = contents(files);
  const faulty = (await host.enforce(settings)).filter(({ outcome }) => outcome !== 'in-sync');
  checks.equal(`${what}: everything is in sync`, faulty.map(inWords), []);
  checks.equal(`${what}: the kernel's files`, contents(files), rows);
  checks.equal(`${what}: undone without failures`, await host.revert(), []);
  checks.equal(`${what}: every file is as it was`, contents(files), before);
}

function contents(files: readonly string[]): Record<string, string> {
  return Object.fromEntries(files.map((file) => [file, text(file)]));
}
