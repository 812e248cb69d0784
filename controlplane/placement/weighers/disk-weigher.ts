import type { Weigher } from './weigher.js';

/** Most free disk first: total - used in MiB, without the ratio. Nova `weights/disk.py`. */
export const diskWeigher: Weigher = {
  name: 'DiskWeigher',
  multiplierKey: 'disk_weight_multiplier',
  multiplier: 1,
  prepare: (_request, columns) => ({ column: columns.diskMb.free, floor: 0 }),
};
