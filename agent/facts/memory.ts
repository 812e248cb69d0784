/** Memory of the host. */
import { readMeminfo } from '../kernel/procfs.js';
import type { Fact } from './fact.js';

/** `memory`: what the kernel manages (MemTotal is less than the modules hold: the firmware and kernel keep some). */
export const memory: Fact = {
  name: 'memory',
  gather(look) {
    const sizes = readMeminfo(look.root);
    const totalBytes = sizes?.get('MemTotal');
    if (totalBytes === undefined) {
      look.warn('proc/meminfo: absent or without MemTotal, so the memory is unknown');
      return {};
    }
    return { memory: { totalBytes, swapTotalBytes: sizes?.get('SwapTotal') ?? 0 } };
  },
};
