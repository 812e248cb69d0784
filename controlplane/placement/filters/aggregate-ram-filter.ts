import type { Filter } from './filter.js';
import { prepareAggregateResourceTest } from './resource-test.js';

/** As RamFilter, with the ratio of the host's aggregates before its own. Nova 18 `ram_filter.py`. */
export const aggregateRamFilter: Filter = {
  name: 'AggregateRamFilter',
  reasons: ['ram-over-total', 'ram-short'],
  prepare: (request, columns) =>
    prepareAggregateResourceTest(
      {
        resource: columns.memoryMb,
        amount: request.memoryMb,
        unit: 'MiB',
        limits: { of: (memoryMb) => ({ memoryMb }) },
      },
      'ram_allocation_ratio',
      columns,
    ),
};
