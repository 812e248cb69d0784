/** A look that reads each file once, however many values are taken from it. */
import type { KernelRoot } from '../../kernel/root.js';

/**
 * The same root, with every file read at most once. Made for one look at one domain and dropped with it, so what it
 * holds is a handful of short files and is never older than that look.
 */
export function readingOnce(kernel: KernelRoot): KernelRoot {
  const seen = new Map<string, string | undefined>();
  const read = (file: string): string | undefined => {
    if (!seen.has(file)) seen.set(file, kernel.read(file));
    return seen.get(file);
  };
  return {
    path: kernel.path,
    read,
    list: (directory) => kernel.list(directory),
    exists: (file) => kernel.exists(file),
    link: (file) => kernel.link(file),
    write: (file, value) => kernel.write(file, value),
  };
}
