/** Single values of a request: numbers, texts, lists and maps within their limits. Each error names the field. Pure. */
import { invalid } from '../../proto/wire/errors.js';

/** `value` if it is a whole number from `least` to `most`. Errors: `invalid-argument`. */
export function whole(value: number, field: string, least: number, most: number, unit: string): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(field, value, `a whole number of ${unit}, ${least} to ${most}`);
}

/** `value` if it has at most `most` characters. Errors: `invalid-argument`. */
export function text(value: string, field: string, most: number): string {
  if (value.length <= most) return value;
  throw invalid(field, value, `at most ${most} characters`);
}

/** `values` if there are at most `most`, none empty and none over `chars` characters. Errors: `invalid-argument`. */
export function texts(
  values: readonly string[],
  field: string,
  most: number,
  chars: number,
): readonly string[] {
  atMost(values.length, field, most);
  for (const [index, value] of values.entries()) {
    if (value === '') throw invalid(`${field}[${index}]`, value, 'a text that is not empty');
    text(value, `${field}[${index}]`, chars);
  }
  return values;
}

/** `map` if it has at most `most` entries, and keys and values of at most `chars` characters. Errors: `invalid-argument`. */
export function textMap(
  map: Readonly<Record<string, string>>,
  field: string,
  most: number,
  chars: number,
): Readonly<Record<string, string>> {
  const keys = Object.keys(map);
  atMost(keys.length, field, most);
  for (const key of keys) {
    checkKey(key, field, chars);
    text(map[key] as string, `${field}.${key}`, chars);
  }
  return map;
}

/** A key of a map. Errors: `invalid-argument` where it is empty or too long. */
export function checkKey(key: string, field: string, chars: number): void {
  if (key === '') throw invalid(`${field} key`, key, 'a key that is not empty');
  text(key, `${field} key`, chars);
}

/** Errors: `invalid-argument` for more than `most` entries. */
export function atMost(count: number, field: string, most: number): void {
  if (count > most) throw invalid(field, `${count} entries`, `at most ${most}`);
}
