/** A look that reads each file once, however many tuners and values take from it. */
import type { Recall } from '../../kernel/recall.js';
import type { KernelRoot } from '../../kernel/root.js';

/**
 * The same root, with every file, directory and link read at most once. Made for one look at the host and dropped with it:
 * all tuners of a pass see one state, and what it holds (some short files a domain) is never older than that look. A root
 * that reads once already is answered as it is. `recall`: what looks before this one worked out; absent: nothing.
 */
export function readingOnce(kernel: KernelRoot, recall?: Recall): KernelRoot {
  if (kernel.derive) return kernel;
  const made = new Map<string, unknown>();
  const make = <Result>(key: string, work: () => Result): Result => {
    if (!made.has(key)) made.set(key, work());
    return made.get(key) as Result;
  };
  const look = {
    path: kernel.path,
    read: once((file) => kernel.read(file)),
    list: once((directory) => kernel.list(directory)),
    exists: once((file) => kernel.exists(file)),
    link: once((file) => kernel.link(file)),
    write: (file: string, value: string) => kernel.write(file, value),
    content: (file: string) => kernel.content(file),
    putFile: (file: string, content: string) => kernel.putFile(file, content),
    removeFile: (file: string) => kernel.removeFile(file),
    derive: make,
    measure: <Result>(key: string, work: (root: KernelRoot) => Result): Result =>
      make(`measure ${key}`, () => work(kernel)),
  };
  if (!recall) return look;
  return {
    ...look,
    recall: (key, inputs, work) => recall.get(look, key, inputs, work),
    forgetOthers: () => recall.keepOnly(look),
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
