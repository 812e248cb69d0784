import type { Filter } from './filter.js';
import { prepareResourceTest } from './resource-test.js';

/**
 * The host has the vCPUs: against total x cpu_allocation_ratio - used. A host that reports none passes, since its count is
 * taken to be broken, and has no limit then; any other has one even where it is refused. Nova 18 `core_filter.py`.
 */
export const coreFilter: Filter = {
  name: 'CoreFilter',
  reasons: ['vcpus-over-total', 'vcpus-short'],
  prepare: (request, columns) =>
    prepareResourceTest({
      resource: columns.vcpus,
      amount: request.vcpus,
      unit: 'vCPUs',
      limits: { of: (vcpus) => (vcpus > 0 ? { vcpus } : undefined), evenRefused: true },
    }),
};
