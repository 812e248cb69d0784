import type { Filter } from './filter.js';
import { prepareResourceTest } from './resource-test.js';

/**
 * The host has the vCPUs: against total x cpu_allocation_ratio - used. A host that reports none passes, since its count is
 * taken to be broken. Nova 18 `core_filter.py`.
 */
export const coreFilter: Filter = {
  name: 'CoreFilter',
  reasons: ['vcpus-over-total', 'vcpus-short'],
  prepare: (request, columns) => prepareResourceTest(columns.vcpus, request.vcpus, 'vCPUs'),
};
