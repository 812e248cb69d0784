/** Kernel samepage merging (Documentation/admin-guide/mm/ksm.rst). */
import type { Fact } from './fact.js';
import { readSettings } from './settings-directory.js';

const counters =
  /^(pages_(shared|sharing|unshared|volatile|scanned|skipped)|full_scans|general_profit|ksm_zero_pages|stable_node_(chains|dups))$/;

/** `ksm`: its settings; empty where the kernel has no KSM. */
export const ksm: Fact = {
  name: 'ksm',
  gather: ({ root }) => ({ ksm: readSettings(root, 'sys/kernel/mm/ksm', (file) => counters.test(file)) }),
};
