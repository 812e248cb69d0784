import type { Filter } from './filter.js';
import { prepareAggregateResourceTest } from './resource-test.js';

/** As CoreFilter, with the ratio of the host's aggregates before its own. Nova 18 `core_filter.py`. */
export const aggregateCoreFilter: Filter = {
  name: 'AggregateCoreFilter',
  reasons: ['vcpus-over-total', 'vcpus-short'],
  prepare: (request, columns) =>
    prepareAggregateResourceTest(
      {
        resource: columns.vcpus,
        amount: request.vcpus,
        unit: 'vCPUs',
        limits: { of: (vcpus) => (vcpus > 0 ? { vcpus } : undefined), evenRefused: true },
      },
      'cpu_allocation_ratio',
      columns,
      true,
    ),
};
