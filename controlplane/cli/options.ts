/** Values of options: texts become numbers, sizes and maps, and a wrong one is named with its option. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { maximumProfileBytes, parseProfile, type ProfileDocument } from '../../proto/wire/profile.js';
import { parseBytes } from '../../proto/wire/units.js';
import type { Io } from './command.js';

/** A whole number from `least` to `most`, or undefined when the option is not given. Errors: `invalid-argument`. */
export function wholeNumber(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw invalid(name, text, `a whole number from ${least} to ${most}`);
  return value;
}

/** A ratio above 0 and up to 1000, or undefined when the option is not given. Errors: `invalid-argument`. */
export function ratio(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0 && value <= 1000))
    throw invalid(name, text, 'a number above 0 and up to 1000, such as 4 or 1.5');
  return value;
}

/**
 * A size in whole `unitBytes`, written with its unit, or undefined when the option is not given. A bare number is refused:
 * it could be meant as bytes or as the unit of a flavor. Errors: `invalid-argument`.
 */
export function sizeIn(
  unitBytes: number,
  name: string,
  text: string | undefined,
  example: string,
): number | undefined {
  if (text === undefined) return undefined;
  const cure = `a size with its unit, such as ${example}`;
  if (!/^\s*\d+(?:\.\d+)?\s*[kmgtp]i?b?\s*$/i.test(text)) throw invalid(name, text, cure);
  const size = parseBytes(text, name) / unitBytes;
  if (!Number.isSafeInteger(size))
    throw invalid(name, text, `whole ${unitBytes === 2 ** 20 ? 'MiB' : 'GiB'}, such as ${example}`);
  return size;
}

/** `key=value` pairs as a map. The first `=` divides. Errors: `invalid-argument` for a pair without one, or a key that comes twice. */
export function keyValues(name: string, pairs: readonly string[]): Record<string, string> {
  const map: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw invalid(name, pair, 'KEY=VALUE');
    const key = pair.slice(0, at);
    if (key in map) throw invalid(name, pair, `each key once; ${key} is given already`);
    map[key] = pair.slice(at + 1);
  }
  return { ...map };
}

/** `key=value` pairs as a map of lists, in the order given. Errors: `invalid-argument` for a pair without `=`. */
export function valuesByKey(name: string, pairs: readonly string[]): Record<string, string[]> {
  const map = new Map<string, string[]>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw invalid(name, pair, 'KEY=VALUE');
    const key = pair.slice(0, at);
    map.set(key, [...(map.get(key) ?? []), pair.slice(at + 1)]);
  }
  return Object.fromEntries(map);
}

/** The text of a file. Relative names start at the working folder. Errors: `not-found`, `invalid-argument`. */
export async function fileText(io: Io, name: string, what: string, maximumBytes: number): Promise<string> {
  const file = resolve(io.cwd, name);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'not-found' : 'invalid-argument';
    const cure = `a YAML file of at most ${maximumBytes} bytes`;
    throw new DroverError(code, `cannot read the ${what} ${file}: ${(cause as Error).message}`, {
      field: name,
      cure,
      cause,
    });
  }
}

/** The profile in a YAML file. Relative names start at the working folder. Errors: `invalid-argument`, `not-found`. */
export async function profileFile(io: Io, name: string): Promise<ProfileDocument> {
  return parseProfile(await fileText(io, name, 'profile', maximumProfileBytes), name);
}
