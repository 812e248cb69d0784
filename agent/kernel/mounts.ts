/**
 * The mount table (proc(5), `mounts` and `mountinfo`). Cgroup hierarchies, hugetlbfs and debugfs stand where the
 * administrator put them, so nothing in Drover assumes a mount point.
 */
import type { KernelRoot } from './root.js';

export interface Mount {
  readonly source: string;
  readonly directory: string;
  readonly type: string;
  /** Options of the mount and of its file system together. */
  readonly options: readonly string[];
  /** Which directory of the file system is mounted; `/` where the table does not say. */
  readonly fsRoot: string;
}

/** The kernel writes space, tab, newline and backslash in a name as three octal digits: `\040`. */
function unescape(name: string): string {
  return name.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** Lines of `/proc/self/mounts` in their order; lines that are too short are left out. */
export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [source, directory, type, options] = line.split(' ');
    if (source === undefined || directory === undefined || type === undefined || options === undefined)
      return [];
    return [
      {
        source: unescape(source),
        directory: unescape(directory),
        type,
        options: options.split(','),
        fsRoot: '/',
      },
    ];
  });
}

/** Lines of `/proc/self/mountinfo` in their order; optional fields end at a lone `-`. */
export function parseMountinfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ');
    const dash = fields.indexOf('-', 6);
    const [fsRoot, directory, mountOptions] = fields.slice(3, 6);
    const [type, source, superOptions = ''] = fields.slice(dash + 1);
    if (dash < 0 || fsRoot === undefined || directory === undefined || mountOptions === undefined) return [];
    if (type === undefined || source === undefined) return [];
    const options = [...mountOptions.split(','), ...superOptions.split(',')].filter(
      (option) => option !== '',
    );
    return [
      { source: unescape(source), directory: unescape(directory), type, options, fsRoot: unescape(fsRoot) },
    ];
  });
}

/**
 * The mounts that this process sees, oldest first, so that of two on one directory the last counts. Undefined where
 * no mount table can be read.
 */
export function readMounts(root: KernelRoot): Mount[] | undefined {
  const text = root.read('proc/self/mounts') ?? root.read('proc/mounts');
  if (text !== undefined) return parseMounts(text);
  const info = root.read('proc/self/mountinfo');
  return info === undefined ? undefined : parseMountinfo(info);
}

/** Which directory of its file system is mounted at `directory`: not `/` in containers and after bind mounts. */
export function mountedRoot(root: KernelRoot, directory: string): string {
  const info = root.read('proc/self/mountinfo');
  if (info === undefined) return '/';
  return parseMountinfo(info).findLast((mount) => mount.directory === directory)?.fsRoot ?? '/';
}
