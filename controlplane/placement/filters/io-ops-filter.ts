import { prepareCountTest } from './count-test.js';
import type { Filter } from './filter.js';

/** Fewer builds, migrations and the like are under way on the host than `max_io_ops_per_host`. Nova `io_ops_filter.py`. */
export const ioOpsFilter: Filter = {
  name: 'IoOpsFilter',
  reasons: ['io-ops-at-limit'],
  prepare: (_request, columns, { maxIoOpsPerHost }) =>
    prepareCountTest(columns.ioOps, maxIoOpsPerHost, 'I/O operations under way'),
};
