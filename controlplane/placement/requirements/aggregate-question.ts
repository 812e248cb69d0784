/** Questions to the metadata of a host's aggregates: is there such a key, and does one of its values do? */
import { type Aggregate, aggregateStrings, listed } from '../../model/aggregate.js';
import { AggregateMemo } from './aggregate-memo.js';
import { Verdicts } from './verdicts.js';

/**
 * What all aggregates of a host together answer; of several the highest counts. `blank`: an empty value that cannot be read. Nova
 * goes through a Python set and fails at the first value that it cannot read; the empty text, whose hash is 0 whatever the
 * seed, comes first there, so no other value is looked at.
 */
export const answer = { absent: 0, differs: 1, unreadable: 2, met: 3, blank: 4 } as const;

type Answer = (typeof answer)[keyof typeof answer];

export interface Question {
  /** Of the metadata; its values are split on commas and stripped. */
  readonly key: string;
  /** Whether a value does; undefined: it cannot be read. */
  readonly accepts: (value: string) => boolean | undefined;
}

/** The questions of one request. */
export class AggregateQuestions {
  readonly #questions: readonly Question[];
  readonly #answers: AggregateMemo<Uint8Array>;
  /** Of one host at a time: the best answer to each question. */
  readonly #best: Uint8Array;

  constructor(questions: readonly Question[]) {
    const askers = questions.map(askerOf);
    this.#questions = questions;
    this.#best = new Uint8Array(questions.length);
    this.#answers = new AggregateMemo((aggregate) => Uint8Array.from(askers, (ask) => ask(aggregate)));
  }

  /** The answer to one question. */
  answerTo(question: number, aggregates: readonly Aggregate[]): Answer {
    this.#collect(aggregates);
    return this.#best[question] as Answer;
  }

  /** The first question that is not met, with `absent` taken for met where silence is consent; -1: none. */
  firstUnmet(aggregates: readonly Aggregate[], silenceIsConsent: boolean): number {
    if (silenceIsConsent && aggregates.length === 0) return -1;
    this.#collect(aggregates);
    const best = this.#best;
    for (let question = 0; question < best.length; question++) {
      const own = best[question];
      if (own !== answer.met && !(silenceIsConsent && own === answer.absent)) return question;
    }
    return -1;
  }

  #collect(aggregates: readonly Aggregate[]): void {
    const best = this.#best;
    best.fill(answer.absent);
    for (let index = 0; index < aggregates.length; index++) {
      const own = this.#answers.of(aggregates[index] as Aggregate);
      for (let question = 0; question < best.length; question++)
        if ((own[question] as number) > (best[question] as number)) best[question] = own[question] as number;
    }
  }

  /** For words: what the aggregates say to a question, such as `"gold", "silver" in aggregates ssd, gpu`. */
  inWords(question: number, aggregates: readonly Aggregate[]): string {
    const { key } = this.#questions[question] as Question;
    const values = aggregateStrings(aggregates, key);
    if (values) {
      const speaking = aggregates.filter(({ metadata }) => Object.hasOwn(metadata, key));
      return `${values.map((value) => `"${value}"`).join(', ')} in ${named(speaking)}`;
    }
    return aggregates.length === 0 ? 'in no aggregate' : `not set in ${named(aggregates)}`;
  }
}

function named(aggregates: readonly Aggregate[]): string {
  const names = aggregates.map(({ name, id }) => name || String(id));
  return `${names.length === 1 ? 'aggregate' : 'aggregates'} ${names.join(', ')}`;
}

/** Asks an aggregate; its whole text is remembered with the answer, since aggregates repeat each other. */
function askerOf({ key, accepts }: Question): (aggregate: Aggregate) => Answer {
  const answers = new Verdicts<string, Answer>((text) => answerOf(listed(text), accepts));
  return ({ metadata }) =>
    Object.hasOwn(metadata, key) ? answers.of(metadata[key] as string) : answer.absent;
}

function answerOf(values: readonly string[], accepts: Question['accepts']): Answer {
  if (values.includes('') && accepts('') === undefined) return answer.blank;
  const verdicts = values.map(accepts);
  if (verdicts.includes(true)) return answer.met;
  return verdicts.includes(undefined) ? answer.unreadable : answer.differs;
}
