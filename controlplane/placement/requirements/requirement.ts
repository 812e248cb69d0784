/**
 * What an extra spec asks of a value: Nova's `extra_specs_ops.py`. The first word may be an operator; a text without one is
 * compared whole. Parsed once for a request, asked of many hosts. Pure.
 */
import { compareTexts, readFloat, wordsOf } from '../../model/python-text.js';

export interface Requirement {
  readonly text: string;
  /** What is wrong with it whatever the value: Nova then fails the whole request. undefined: nothing. */
  readonly fault: string | undefined;
  /** Whether a value meets it; undefined: a number is asked for, and the value or the requirement is none. */
  readonly matches: (value: string) => boolean | undefined;
}

type Test = (value: string) => boolean | undefined;

const never: Test = () => false;

/** `=` means at least: so it is in Nova since 2011. */
const numeric: Readonly<Record<string, (value: number, wanted: number) => boolean>> = {
  '=': (value, wanted) => value >= wanted,
  '==': (value, wanted) => value === wanted,
  '!=': (value, wanted) => value !== wanted,
  '>=': (value, wanted) => value >= wanted,
  '<=': (value, wanted) => value <= wanted,
};

const lexical: Readonly<Record<string, (order: number) => boolean>> = {
  's==': (order) => order === 0,
  's!=': (order) => order !== 0,
  's<': (order) => order < 0,
  's<=': (order) => order <= 0,
  's>': (order) => order > 0,
  's>=': (order) => order >= 0,
};

/** Requirements that Nova fails on: for words to a person. */
export const operatorHelp =
  'a number behind =, ==, !=, >=, <=; words behind s==, s!=, s<, s<=, s>, s>=, <in>, <all-in>, <or>; or a plain text';

/** The requirement that a text states. Of an operator without operand nothing is met; `<or>` without one is a fault. */
export function parseRequirement(text: string): Requirement {
  const [operator = '', ...operands] = wordsOf(text);
  const first = operands[0];
  if (operator === '<or>') return alternatives(text, operands);
  if (Object.hasOwn(numeric, operator))
    return first === undefined ? met(text, never) : comparison(text, operator, first);
  const test = textTest(operator, operands);
  return met(text, test ?? ((value) => value === text));
}

function met(text: string, matches: Test): Requirement {
  return { text, fault: undefined, matches };
}

function comparison(text: string, operator: string, operand: string): Requirement {
  const wanted = readFloat(operand);
  const compare = numeric[operator] as (value: number, wanted: number) => boolean;
  if (wanted === undefined)
    return { text, fault: `${operand} behind ${operator} is no number`, matches: () => undefined };
  return met(text, (value) => {
    const own = readFloat(value);
    return own === undefined ? undefined : compare(own, wanted);
  });
}

/** `<or> a <or> b`: what stands in every second place, whatever stands between. */
function alternatives(text: string, operands: readonly string[]): Requirement {
  if (operands.length === 0) return { text, fault: 'nothing stands behind <or>', matches: () => undefined };
  const wanted = operands.filter((_, place) => place % 2 === 0);
  return met(text, (value) => wanted.includes(value));
}

/** undefined: no operator. Only the first operand counts but for `<all-in>`. */
function textTest(operator: string, operands: readonly string[]): Test | undefined {
  const [first] = operands;
  const order = Object.hasOwn(lexical, operator) ? lexical[operator] : undefined;
  if (!order && operator !== '<in>' && operator !== '<all-in>') return undefined;
  if (first === undefined) return never;
  if (order) return (value) => order(compareTexts(value, first));
  if (operator === '<in>') return (value) => value.includes(first);
  return (value) => operands.every((operand) => value.includes(operand));
}
