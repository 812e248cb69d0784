/** A look that reads each file once, however many tuners and values take from it. */
import type { KernelRoot } from '../../kernel/root.js';

/**
 * The same root, with every file, directory and link read at most once. Made for one look at the host and dropped with it:
 * all tuners of a pass see one state, and what it holds (some short files a domain) is never older than that look. A root
 * that reads once already is answered as it is.
 */
export function readingOnce(kernel: KernelRoot): KernelRoot {
  if (kernel.derive) return kernel;
  const made = new Map<string, unknown>();
  return {
    path: kernel.path,
    read: once((file) => kernel.read(file)),
    list: once((directory) => kernel.list(directory)),
    exists: once((file) => kernel.exists(file)),
    link: once((file) => kernel.link(file)),
    write: (file, value) => kernel.write(file, value),
    content: (file) => kernel.content(file),
    putFile: (file, content) => kernel.putFile(file, content),
    removeFile: (file) => kernel.removeFile(file),
    derive: <Result>(key: string, make: () => Result): Result => {
      if (!made.has(key)) made.set(key, make());
      return made.get(key) as Result;
    },
  };
}

function once<Result>(look: (file: string) => Result): (file: string) => Result {
  const seen = new Map<string, { readonly result: Result }>();
  return (file) => {
    let known = seen.get(file);
    if (!known) seen.set(file, (known = { result: look(file) }));
    return known.result;
  };
}
