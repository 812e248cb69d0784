/** The error of a name that nothing has, with the name that was meant where one is near. Pure. */
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { nearest } from '../../proto/wire/nearest.js';

/** Longest name, and most names, that are compared letter by letter: about a millisecond for usual names. */
const compared = { chars: 48, names: 200 } as const;

/** `not-found` naming the field, the name and the nearest known one. `list`: the command that shows those that are known. */
export function unknownName(
  kind: string,
  name: string,
  field: string,
  known: Iterable<string>,
  list: string,
): DroverError {
  const meant = nearestOf(name, known);
  const cure = meant === undefined ? `${list} shows those that are known` : `did you mean ${meant}?`;
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  return new DroverError('not-found', `${field}: ${kind} ${shown} is not known; ${cure}`, {
    field,
    value: shown,
    cure,
  });
}

/** `invalid-argument` for a word that is none of a fixed set, such as the name of a setting or a filter. */
export function unknownWord(
  kind: string,
  word: string,
  field: string,
  known: readonly string[],
): DroverError {
  const meant = nearestOf(word, known);
  return invalid(
    field,
    word,
    meant === undefined
      ? `the name of a ${kind}: one of ${known.join(', ')}`
      : `a known ${kind}; did you mean ${meant}?`,
  );
}

function nearestOf(name: string, known: Iterable<string>): string | undefined {
  if (name.length > compared.chars) return undefined;
  const lower = name.toLowerCase();
  const likely: string[] = [];
  for (const each of known) {
    if (Math.abs(each.length - name.length) > 3) continue;
    if (each.toLowerCase() === lower) return each;
    if (likely.length < compared.names) likely.push(each);
  }
  return nearest(name, likely);
}
