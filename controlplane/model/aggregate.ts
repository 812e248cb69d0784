/** Reading host aggregates as Nova does: strings are split on commas, numbers are not and the smallest wins. Pure. */
import { readFloat, stripped } from './python-text.js';

/** A host aggregate as one host sees it. */
export interface Aggregate {
  readonly id: number;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A value of metadata that is a list: split on commas, each part stripped. */
export function listed(text: string): string[] {
  return text.split(',').map(stripped);
}

/** Every value of a key over a host's aggregates, split on commas and stripped; undefined: no aggregate has the key. */
export function aggregateStrings(
  aggregates: readonly Aggregate[],
  key: string,
): readonly string[] | undefined {
  const texts = valuesOf(aggregates, key);
  if (texts.length === 0) return undefined;
  return [...new Set(texts.flatMap(listed))];
}

/**
 * The smallest number that a host's aggregates give for a key; undefined when none does, or when one of them is not a
 * finite number: the option then stands for the whole host. Nova takes `inf` and `nan` for numbers.
 */
export function aggregateNumber(aggregates: readonly Aggregate[], key: string): number | undefined {
  const numbers = valuesOf(aggregates, key).map(readFloat);
  return numbers.length > 0 && numbers.every(Number.isFinite)
    ? Math.min(...(numbers as number[]))
    : undefined;
}

function valuesOf(aggregates: readonly Aggregate[], key: string): string[] {
  return aggregates
    .filter(({ metadata }) => Object.hasOwn(metadata, key))
    .map(({ metadata }) => metadata[key] as string);
}
