import { groupColumn } from './group-column.js';
import type { Weigher } from './weigher.js';

/** For a soft-affinity group: most of its servers first. Nova `weights/affinity.py`. */
export const softAffinityWeigher: Weigher = {
  name: 'ServerGroupSoftAffinityWeigher',
  multiplierKey: 'soft_affinity_weight_multiplier',
  multiplier: 1,
  prepare: ({ group }, columns) => {
    const column = group?.policy === 'soft-affinity' ? groupColumn(group, columns, 1) : undefined;
    return column && { column, floor: undefined };
  },
};
