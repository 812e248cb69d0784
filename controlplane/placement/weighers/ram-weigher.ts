import type { Weigher } from './weigher.js';

/** Most free memory first: total - used in MiB, without the ratio. Nova `weights/ram.py`. */
export const ramWeigher: Weigher = {
  name: 'RAMWeigher',
  multiplierKey: 'ram_weight_multiplier',
  multiplier: 1,
  prepare: (_request, columns) => ({ column: columns.memoryMb.free, floor: 0 }),
};
