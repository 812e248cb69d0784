import { AggregateQuestions } from '../requirements/aggregate-question.js';
import { prepareConsentTest } from './consent-test.js';
import type { Filter } from './filter.js';

/**
 * An aggregate with `instance_type` takes only the flavors it names, by name and exactly; of several aggregates one that
 * names the flavor is enough. Nova `type_filter.py`.
 */
export const aggregateTypeAffinityFilter: Filter = {
  name: 'AggregateTypeAffinityFilter',
  reasons: ['flavor-not-in-aggregate'],
  isOncePerRequest: true,
  prepare: ({ flavor }, columns) =>
    prepareConsentTest(
      new AggregateQuestions([{ key: 'instance_type', accepts: (name) => name === flavor.name }]),
      columns,
      () => `instance_type "${flavor.name}"`,
    ),
};
