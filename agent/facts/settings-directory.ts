/** Settings that a kernel subsystem keeps as one file for each in a directory. */
import type { KernelRoot } from '../kernel/root.js';

/** File name to value for the files of a directory, counters left out: a fact changes only when the host does. */
export function readSettings(
  root: KernelRoot,
  directory: string,
  isCounter: (file: string) => boolean,
): Record<string, string> {
  const files = root.list(directory).filter((file) => !isCounter(file));
  const settings = files.flatMap((file) => {
    const value = root.read(`${directory}/${file}`);
    return value === undefined ? [] : [[file, chosen(value)] as const];
  });
  return Object.fromEntries(settings);
}

/** Of `always [madvise] never` the word in brackets, which is in force; any other text as it stands. */
function chosen(value: string): string {
  return /\[([^\]]+)\]/.exec(value)?.[1] ?? value;
}
