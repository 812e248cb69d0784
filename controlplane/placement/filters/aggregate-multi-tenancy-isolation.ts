import { AggregateQuestions } from '../requirements/aggregate-question.js';
import { prepareConsentTest } from './consent-test.js';
import type { Filter } from './filter.js';

/**
 * An aggregate with `filter_tenant_id` takes only the projects it names; of several aggregates one that names the project
 * is enough; a request without a project is named by none. Keys that only begin with that name, which later releases read too, say nothing. Nova `aggregate_multitenancy_isolation.py`.
 */
export const aggregateMultiTenancyIsolation: Filter = {
  name: 'AggregateMultiTenancyIsolation',
  reasons: ['project-not-in-aggregate'],
  isOncePerRequest: true,
  prepare: ({ projectId }, columns) =>
    prepareConsentTest(
      new AggregateQuestions([{ key: 'filter_tenant_id', accepts: (project) => project === projectId }]),
      columns,
      () => (projectId === null ? 'a host for no project in particular' : `filter_tenant_id "${projectId}"`),
    ),
};
