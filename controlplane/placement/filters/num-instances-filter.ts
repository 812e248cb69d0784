import { prepareCountTest } from './count-test.js';
import type { Filter } from './filter.js';

/** Fewer servers are on the host than `max_instances_per_host`. Nova `num_instances_filter.py`. */
export const numInstancesFilter: Filter = {
  name: 'NumInstancesFilter',
  reasons: ['instances-at-limit'],
  prepare: (_request, columns, { maxInstancesPerHost }) =>
    prepareCountTest(columns.servers, maxInstancesPerHost, 'instances'),
};
