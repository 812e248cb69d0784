/** The test of the filters that isolate aggregates: whoever says something of a key must name what the request has. */
import type { Columns } from '../../fleet/registry-resources.js';
import type { AggregateQuestions } from '../requirements/aggregate-question.js';
import type { PreparedFilter } from './filter.js';

/** Passes where each question is met by an aggregate of the host, or none has anything to say to it. */
export function prepareConsentTest(
  questions: AggregateQuestions,
  columns: Columns,
  wanted: (question: number) => string,
): PreparedFilter {
  const firstUnmet = (row: number) => questions.firstUnmet(columns.aggregatesOf(row), true);
  return {
    passes: (row) => firstUnmet(row) < 0,
    reasonOf: () => 0,
    wordsOf: (row) => {
      const question = firstUnmet(row);
      return {
        observed: questions.inWords(question, columns.aggregatesOf(row)),
        wanted: wanted(question),
      };
    },
  };
}
