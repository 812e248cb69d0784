/** What is worked out from files, kept as long as the files themselves are. */
import type { KernelRoot } from './root.js';

/**
 * What `make` works out from files. Where the root reads each file once, it is worked out once for a key and then shared:
 * nobody may change it.
 */
export function derived<Result>(root: KernelRoot, key: string, make: () => Result): Result {
  return root.derive ? root.derive(key, make) : make();
}
