import { prepareAggregateCountTest } from './count-test.js';
import type { Filter } from './filter.js';

/** As NumInstancesFilter, with the limit of the host's aggregates before the option. Nova `num_instances_filter.py`. */
export const aggregateNumInstancesFilter: Filter = {
  name: 'AggregateNumInstancesFilter',
  reasons: ['instances-at-limit'],
  prepare: (_request, columns, { maxInstancesPerHost }) =>
    prepareAggregateCountTest(
      columns.servers,
      maxInstancesPerHost,
      'instances',
      'max_instances_per_host',
      columns,
    ),
};
