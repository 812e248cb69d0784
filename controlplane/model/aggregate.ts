/** Reading host aggregates as Nova does: strings are split on commas, numbers are not and the smallest wins. Pure. */

/** A host aggregate as one host sees it. */
export interface Aggregate {
  readonly id: number;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Every value of a key over a host's aggregates, split on commas and stripped; undefined: no aggregate has the key. */
export function aggregateStrings(
  aggregates: readonly Aggregate[],
  key: string,
): readonly string[] | undefined {
  const texts = valuesOf(aggregates, key);
  if (texts.length === 0) return undefined;
  return [...new Set(texts.flatMap((text) => text.split(',').map((part) => part.trim())))];
}

/**
 * The smallest number that a host's aggregates give for a key; undefined when none does, or when one of them is not a
 * number: Nova then falls back to the option for the whole host.
 */
export function aggregateNumber(aggregates: readonly Aggregate[], key: string): number | undefined {
  const numbers = valuesOf(aggregates, key).map(parseNumber);
  return numbers.length > 0 && numbers.every(Number.isFinite) ? Math.min(...numbers) : undefined;
}

function valuesOf(aggregates: readonly Aggregate[], key: string): string[] {
  return aggregates
    .filter(({ metadata }) => Object.hasOwn(metadata, key))
    .map(({ metadata }) => metadata[key] as string);
}

/** A decimal number with blanks around it; NaN for anything else. JavaScript's own reading would take `` and `0x10`. */
function parseNumber(text: string): number {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN;
}
