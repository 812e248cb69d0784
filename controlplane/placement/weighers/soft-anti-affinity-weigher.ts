import { groupColumn } from './group-column.js';
import type { Weigher } from './weigher.js';

/** For a soft-anti-affinity group: fewest of its servers first. Nova `weights/affinity.py`. */
export const softAntiAffinityWeigher: Weigher = {
  name: 'ServerGroupSoftAntiAffinityWeigher',
  multiplierKey: 'soft_anti_affinity_weight_multiplier',
  multiplier: 1,
  prepare: ({ group }, columns) => {
    const column = group?.policy === 'soft-anti-affinity' ? groupColumn(group, columns, -1) : undefined;
    return column && { column, floor: undefined };
  },
};
