import type { SchedulerSettings } from '../../model/scheduler-settings.js';
import { AggregateQuestions } from '../requirements/aggregate-question.js';
import { imageProperties } from '../requirements/image-properties.js';
import { prepareConsentTest } from './consent-test.js';
import { asksNothing, type Filter } from './filter.js';

/**
 * An aggregate whose metadata has the name of an image property takes only images with one of its values; an image without
 * the property goes anywhere. Only properties that Nova knows count, with the value that Nova makes of them: `True` for
 * `yes`, `x86_64` for `amd64`, and what is empty, 0 or off counts as absent. A namespace narrows the keys to those that
 * begin with it; they are looked up with it, so that only namespaces such as `hw` with `_` find any. Nova
 * `aggregate_image_properties_isolation.py`.
 */
export const aggregateImagePropertiesIsolation: Filter = {
  name: 'AggregateImagePropertiesIsolation',
  reasons: ['image-property-not-in-aggregate'],
  isOncePerRequest: true,
  prepare: ({ image }, columns, settings) => {
    const start = namespaceOf(settings);
    const properties = [...imageProperties(image)].filter(([name]) => name.startsWith(start));
    if (properties.length === 0) return asksNothing;
    const questions = properties.map(([name, value]) => ({
      key: name,
      accepts: (one: string) => one === value,
    }));
    return prepareConsentTest(
      new AggregateQuestions(questions),
      columns,
      (question) => `image property ${properties[question]?.[0]} "${properties[question]?.[1]}"`,
    );
  },
};

function namespaceOf({
  aggregateImagePropertiesIsolationNamespace: namespace,
  aggregateImagePropertiesIsolationSeparator: separator,
}: SchedulerSettings): string {
  return namespace ? namespace + separator : '';
}
