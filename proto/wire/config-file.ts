/** Configuration files of both programs: YAML with a strict schema, and errors that name file, key, value and cure. */
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { DroverError, invalid } from './errors.js';
import { describeIssue, unknownKey } from './profile.js';

/** The text of a file. Errors: `not-found` naming it. */
export function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DroverError('not-found', `${file} cannot be read`, { field: file, cause });
  }
}

/** YAML text as checked data. `source` stands before the key in errors, which are `invalid-argument`. */
export function parseConfigText<Shape extends z.core.$ZodLooseShape>(
  schema: z.ZodObject<Shape>,
  text: string,
  source: string,
): z.infer<z.ZodObject<Shape>> {
  const document = parseDocument(text, { uniqueKeys: true });
  const fault = document.errors[0];
  if (fault)
    throw new DroverError('invalid-argument', `${source}: ${fault.message.split('\n')[0]}`, {
      field: source,
    });
  return checkConfigData(schema, document.toJS({ maxAliasCount: 10 }), source);
}

/** Plain data, checked; what is absent takes its default. Errors as `parseConfigText`. */
export function checkConfigData<Shape extends z.core.$ZodLooseShape>(
  schema: z.ZodObject<Shape>,
  value: unknown,
  source: string,
): z.infer<z.ZodObject<Shape>> {
  const result = schema.safeParse(value ?? {}, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  if (issue.code === 'unrecognized_keys')
    throw unknownKey([String(issue.keys[0])], Object.keys(schema.shape), `${source}: `);
  throw invalid(`${source}: ${issue.path.join('.')}`, issue.input, describeIssue(issue));
}
