/** What is worked out from files, kept as long as the files themselves are. */
import type { KernelRoot } from './root.js';

/**
 * What `make` works out from files. Where the root reads each file once, it is worked out once for a key and then shared:
 * nobody may change it.
 */
export function derived<Result>(root: KernelRoot, key: string, make: () => Result): Result {
  return root.derive ? root.derive(key, make) : make();
}

/**
 * As `derived`, and kept from look to look: where the root remembers (`Recall`), everything that `make` read is read again,
 * and only where something of it, or one of the `inputs`, is another is it worked out anew. What is answered twice as the
 * same object says the same. `make` must be synchronous and must go by its inputs and the root that it is given alone.
 */
export function recalled<Result>(
  root: KernelRoot,
  key: string,
  inputs: readonly unknown[],
  make: (root: KernelRoot) => Result,
): Result {
  return root.recall ? root.recall(key, inputs, make) : make(root);
}

/**
 * A short text or number out of a file of which most changes all the time (counters, statistics): of it alone is
 * remembered what was read. One look takes it once for a key.
 */
export function measured<Result extends string | number | boolean | undefined>(
  root: KernelRoot,
  key: string,
  make: (root: KernelRoot) => Result,
): Result {
  return root.measure ? root.measure(key, make) : make(root);
}
