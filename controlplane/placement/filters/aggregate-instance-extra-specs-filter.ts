import type { CheckedRequest } from '../../model/request.js';
import { answer, AggregateQuestions } from '../requirements/aggregate-question.js';
import {
  checkRequirement,
  specRequirement,
  type SpecRequirement,
  wantedInWords,
} from '../requirements/extra-specs.js';
import { asksNothing, type Filter } from './filter.js';

const scope = 'aggregate_instance_extra_specs:';
const reasons = ['aggregate-spec-missing', 'aggregate-spec-differs', 'aggregate-spec-not-a-number'] as const;

/**
 * Each extra spec without a scope, or with `aggregate_instance_extra_specs:`, is met by a value that an aggregate of the
 * host has under its key. Nova `aggregate_instance_extra_specs.py`. A value that is no number where one is asked for meets
 * nothing, and an empty one refuses the host whatever else its aggregates say; Nova fails the whole request over them, over the
 * former by the order of a set: whoever writes into an aggregate could stop every such request.
 */
export const aggregateInstanceExtraSpecsFilter: Filter = {
  name: 'AggregateInstanceExtraSpecsFilter',
  reasons,
  isOncePerRequest: true,
  prepare: (request, columns) => {
    const specs = specsOf(request);
    if (specs.length === 0) return asksNothing;
    specs.forEach(checkRequirement);
    const questions = new AggregateQuestions(specs.map(({ key, matches }) => ({ key, accepts: matches })));
    const firstUnmet = (row: number) => questions.firstUnmet(columns.aggregatesOf(row), false);
    return {
      passes: (row) => firstUnmet(row) < 0,
      reasonOf: (row) => reasonOf(questions.answerTo(firstUnmet(row), columns.aggregatesOf(row))),
      wordsOf: (row) => {
        const unmet = firstUnmet(row);
        const observed = questions.inWords(unmet, columns.aggregatesOf(row));
        return { observed, wanted: wantedInWords(specs[unmet] as SpecRequirement) };
      },
    };
  },
};

function reasonOf(given: number): number {
  if (given === answer.absent) return 0;
  return given === answer.differs ? 1 : 2;
}

function specsOf({ extraSpecs }: CheckedRequest): SpecRequirement[] {
  return Object.entries(extraSpecs).flatMap(([spec, text]) => {
    const key = spec.startsWith(scope) ? spec.slice(scope.length) : spec;
    return key === spec && spec.includes(':') ? [] : [specRequirement(spec, key, text)];
  });
}
