import type { Weigher } from './weigher.js';

/** Most free vCPUs first: total x cpu_allocation_ratio - used. Nova `weights/cpu.py`. */
export const cpuWeigher: Weigher = {
  name: 'CPUWeigher',
  multiplierKey: 'cpu_weight_multiplier',
  multiplier: 1,
  prepare: (_request, columns) => ({ column: columns.vcpus.usable, floor: 0 }),
};
