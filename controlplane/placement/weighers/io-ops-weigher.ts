import { isEven } from './raw-values.js';
import type { Weigher } from './weigher.js';

/** Fewest builds, resizes and migrations under way first, since the multiplier is negative. Nova `weights/io_ops.py`. */
export const ioOpsWeigher: Weigher = {
  name: 'IoOpsWeigher',
  multiplierKey: 'io_ops_weight_multiplier',
  multiplier: -1,
  prepare: (_request, { ioOps }) => (isEven(ioOps, 0) ? undefined : { column: ioOps, floor: 0 }),
};
