/** What sysctl files will set at the next boot, in the order of systemd-sysctl (sysctl.d(5)) and sysctl --system. */
import { sysctlPath, sysctlValue } from '../../../../proto/tuners/sysctl-names.js';
import type { KernelRoot } from '../../../kernel/root.js';

/** A file hides those of its name in the directories behind it. */
const directories = [
  '/etc/sysctl.d',
  '/run/sysctl.d',
  '/usr/local/lib/sysctl.d',
  '/usr/lib/sysctl.d',
  '/lib/sysctl.d',
];

/** Most files and lines that are read; more of them are not looked at. */
export const maximumFiles = 256;
export const maximumLines = 4_096;

export interface BootSetting {
  /** Path below /proc/sys, or a pattern of paths. */
  readonly pattern: string;
  /** Undefined: the path is left out of patterns. */
  readonly value: string | undefined;
  readonly file: string;
  readonly line: number;
}

/**
 * Every line that sets something, the winning ones last: files by name whatever their directory, then /etc/sysctl.conf,
 * which `sysctl --system` reads last and Debian gives systemd by a link named 99-sysctl.conf.
 */
export function readBootSettings(kernel: KernelRoot): BootSetting[] {
  const files = new Map<string, string>();
  for (const directory of directories)
    for (const name of kernel.list(directory).filter((each) => each.endsWith('.conf')))
      if (!files.has(name)) files.set(name, `${directory}/${name}`);
  const ordered = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
  return [...ordered, '/etc/sysctl.conf']
    .slice(-maximumFiles)
    .flatMap((file) => parseBootFile(kernel.read(file) ?? '', file))
    .slice(-maximumLines);
}

/** The lines of one file that set something. Pure. */
export function parseBootFile(text: string, file: string): BootSetting[] {
  return text.split('\n').flatMap((line, index) => {
    const match = /^\s*(-?)\s*([^#;\s=][^=]*?)\s*(?:=(.*))?$/.exec(line);
    // Without a value only `-name` means something.
    if (!match || (match[3] === undefined && match[1] === '')) return [];
    const value = match[3] === undefined ? undefined : sysctlValue(match[3]);
    return [{ pattern: sysctlPath(match[2] as string), value, file, line: index + 1 }];
  });
}

/** The line that decides about a path at boot; undefined: none. A line that names it goes before every pattern. Pure. */
export function bootSettingOf(settings: readonly BootSetting[], path: string): BootSetting | undefined {
  const named = settings.findLast(({ pattern }) => pattern === path);
  if (named) return named.value === undefined ? undefined : named;
  return settings.findLast(({ pattern, value }) => value !== undefined && matches(pattern, path));
}

/** glob(7) within one part of a path: `*`, `?` and `[abc]`. */
function matches(pattern: string, path: string): boolean {
  if (!/[*?[]/.test(pattern)) return false;
  const source = pattern
    .replaceAll(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]')
    .replaceAll('[!', '[^');
  try {
    return new RegExp(`^${source}$`).test(path);
  } catch {
    return false; // brackets without an end
  }
}
