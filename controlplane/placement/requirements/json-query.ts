/**
 * The query language of Nova's JsonFilter: `[operator, argument, …]`, where an argument is a value, a `$variable` of the host,
 * or a query. Read once for a request, asked of many hosts. Pure.
 */
import { invalid } from '../../../proto/wire/errors.js';
import { isEqual, isList, isMap, isTruthy, order, type Value } from './json-values.js';

/** Limits of one query. */
export const queryLimits = {
  textBytes: 65_536,
  levels: 32,
  /** Operators and arguments; keys of objects do not count. */
  terms: 1_000,
} as const;

const field = 'scheduler_hints.query';

/** Python would raise here: Nova then fails the request. */
export const raised = Symbol('raised');
export type Answer = Value | typeof raised;

/** How a variable is read on a row; null and undefined: the host has no such thing, and the argument falls away. */
export type Bind = (path: readonly string[]) => Node;

export interface JsonQuery {
  /** Names of the variables it asks for, each once, without `$`. */
  readonly variables: readonly string[];
  readonly terms: number;
  /** What the query makes of a row. */
  readonly ask: (row: number) => Answer;
}

export type Node = (row: number) => Answer;
type Operation = (nodes: readonly Node[]) => Node;
type Test = (first: Value, other: Value) => boolean | typeof raised;

const compares =
  (holds: (order: number) => boolean): Test =>
  (first, other) => {
    const found = order(first, other);
    return found === undefined ? raised : holds(found);
  };

/** The first argument against each of the others; one argument alone is never right. */
const againstFirst =
  (test: Test): Operation =>
  (nodes) => {
    const [one, other] = nodes;
    return nodes.length === 2 ? testTwo(test, one as Node, other as Node) : testAll(test, nodes);
  };

function testTwo(test: Test, one: Node, other: Node): Node {
  return (row) => {
    const first = one(row);
    const second = other(row);
    if (first === raised || second === raised) return raised;
    if (first === null || first === undefined || second === null || second === undefined) return false;
    return test(first, second);
  };
}

function testAll(test: Test, nodes: readonly Node[]): Node {
  return withValues(nodes, ([first, ...others]) => {
    const answers = others.map((other) => test(first, other));
    return answers.includes(raised) ? raised : others.length > 0 && answers.every(Boolean);
  });
}

/** Whether any value, or all of them, are true. Each is worked out, whatever the others are: one may raise. */
const joins =
  (isAny: boolean): Operation =>
  (nodes) =>
  (row) => {
    let answer: Answer = !isAny;
    for (const node of nodes) {
      const value = node(row);
      if (value === raised || answer === raised) answer = raised;
      else if (value !== null && value !== undefined && isTruthy(value) === isAny) answer = isAny;
    }
    return answer;
  };

/** Nova leaves arguments out that are None. */
function withValues(nodes: readonly Node[], answer: (values: readonly Value[]) => Answer): Node {
  return (row) => {
    const values = nodes.map((node) => node(row));
    if (values.includes(raised)) return raised;
    return answer((values as Value[]).filter((value) => value !== null && value !== undefined));
  };
}

const operations: Readonly<Record<string, Operation>> = {
  '=': againstFirst(isEqual),
  '<': againstFirst(compares((found) => found < 0)),
  '>': againstFirst(compares((found) => found > 0)),
  '<=': againstFirst(compares((found) => found <= 0)),
  '>=': againstFirst(compares((found) => found >= 0)),
  in: (nodes) => withValues(nodes, ([first, ...others]) => others.some((other) => isEqual(first, other))),
  // A list, which counts as true wherever it is an argument: Nova takes the values out at the top only.
  not: (nodes) => withValues(nodes, (values) => values.map((value) => !isTruthy(value))),
  or: joins(true),
  and: joins(false),
};

/**
 * The query that a text holds. Errors: `invalid-argument` naming scheduler_hints.query for what is no JSON, is over a limit,
 * or has an operator that there is not.
 */
export function readJsonQuery(text: string, bind: Bind): JsonQuery {
  const bytes = Buffer.byteLength(text);
  if (bytes > queryLimits.textBytes)
    throw invalid(field, `${bytes} bytes`, `at most ${queryLimits.textBytes} bytes`);
  const query = parsed(text);
  const terms = countTerms(query);
  const variables = new Set<string>();
  return { terms, ask: readTop(query, bind, variables), variables: [...variables] };
}

function parsed(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    throw invalid(field, text, 'JSON, such as [">=", "$free_ram_mb", 1024]');
  }
}

/** With a list of its own and not by recursion: a query may be nested deeper than the stack is. */
function countTerms(query: Value): number {
  const rest: { value: Value; level: number }[] = [{ value: query, level: 1 }];
  let terms = 0;
  for (let item = rest.pop(); item; item = rest.pop()) {
    const { value, level } = item;
    if (++terms > queryLimits.terms)
      throw invalid(field, 'a longer query', `at most ${queryLimits.terms} terms`);
    if (!isList(value) && !isMap(value)) continue;
    if (level > queryLimits.levels)
      throw invalid(field, 'a query nested deeper', `at most ${queryLimits.levels} levels`);
    for (const inner of Object.values(value)) rest.push({ value: inner, level: level + 1 });
    if (rest.length > queryLimits.terms) terms = queryLimits.terms; // as many are still to come
  }
  return terms;
}

/** Nova takes a text for the list of its characters: `"<ab"` is `["<", "a", "b"]`. */
function readTop(query: Value, bind: Bind, variables: Set<string>): Node {
  if (!isTruthy(query)) return () => true;
  const list = typeof query === 'string' ? Array.from(query) : query;
  if (isList(list)) return readCall(list, bind, variables);
  throw invalid(field, query, 'a list that starts with an operator');
}

function readCall([operator, ...args]: readonly Value[], bind: Bind, variables: Set<string>): Node {
  const operate =
    typeof operator === 'string' && Object.hasOwn(operations, operator) ? operations[operator] : undefined;
  if (!operate) throw invalid(field, operator, `an operator: ${Object.keys(operations).join(', ')}`);
  return operate(args.map((argument) => readArgument(argument, bind, variables)));
}

function readArgument(argument: Value, bind: Bind, variables: Set<string>): Node {
  if (isList(argument)) return argument.length === 0 ? () => true : readCall(argument, bind, variables);
  if (typeof argument !== 'string' || !argument.startsWith('$'))
    return () => (argument === '' ? null : argument);
  const name = argument.slice(1);
  variables.add(name);
  return bind(name.split('.'));
}
