import type { Filter } from './filter.js';
import { prepareResourceTest } from './resource-test.js';

/** The host has the memory: MiB against total x ram_allocation_ratio - used. Nova 18 `ram_filter.py`. */
export const ramFilter: Filter = {
  name: 'RamFilter',
  reasons: ['ram-over-total', 'ram-short'],
  prepare: (request, columns) =>
    prepareResourceTest({
      resource: columns.memoryMb,
      amount: request.memoryMb,
      unit: 'MiB',
      limits: { of: (memoryMb) => ({ memoryMb }) },
    }),
};
