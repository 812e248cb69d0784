import type { Filter } from './filter.js';
import { prepareAggregateResourceTest } from './resource-test.js';

/** As DiskFilter, with the ratio of the host's aggregates before its own. Nova 18 `disk_filter.py`. */
export const aggregateDiskFilter: Filter = {
  name: 'AggregateDiskFilter',
  reasons: ['disk-over-total', 'disk-short'],
  prepare: (request, columns) =>
    prepareAggregateResourceTest(
      {
        resource: columns.diskMb,
        amount: request.diskMb,
        unit: 'MiB',
        limits: { of: (diskMb) => ({ diskGb: diskMb / 1024 }) },
      },
      'disk_allocation_ratio',
      columns,
    ),
};
