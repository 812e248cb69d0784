import { prepareAggregateCountTest } from './count-test.js';
import type { Filter } from './filter.js';

/** As IoOpsFilter, with the limit of the host's aggregates before the option. Nova `io_ops_filter.py`. */
export const aggregateIoOpsFilter: Filter = {
  name: 'AggregateIoOpsFilter',
  reasons: ['io-ops-at-limit'],
  prepare: (_request, columns, { maxIoOpsPerHost }) =>
    prepareAggregateCountTest(
      columns.ioOps,
      maxIoOpsPerHost,
      'I/O operations under way',
      'max_io_ops_per_host',
      columns,
    ),
};
