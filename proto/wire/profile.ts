/** A profile file: YAML to a checked profile, and back to the canonical form that digests and the wire use. */
import { createHash } from 'node:crypto';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { parseCpuSet } from './cpu-set.js';
import { DroverError, invalid } from './errors.js';
import { checkSimpleName } from './names.js';
import { tunerSettings, type TunerName, type TunerSettings } from './tuner-settings.js';

/** Largest profile file. */
export const maximumProfileBytes = 256 * 1024;

const selector = z
  .strictObject({
    hosts: z.array(z.string().min(1).max(253)).max(1000).optional(),
    labels: z.record(z.string(), z.string()).optional(),
    availability_zones: z.array(z.string()).max(100).optional(),
  })
  .optional();

const schema = z.strictObject({
  name: z.string(),
  description: z.string().max(1024).optional(),
  priority: z.int().min(-1000).max(1000).optional(),
  selector,
  tuners: z.strictObject(
    Object.fromEntries(
      Object.entries(tunerSettings).map(([name, settings]) => [name, settings.optional()]),
    ) as {
      [Name in TunerName]: z.ZodOptional<(typeof tunerSettings)[Name]>;
    },
  ),
});

export interface ProfileDocument {
  name: string;
  description: string;
  priority: number;
  selector: { hosts: string[]; labels: Record<string, string>; availabilityZones: string[] };
  tuners: TunerSettings;
}

/**
 * Reads a profile from YAML text. Errors: `invalid-argument` that names the key, the value and what would be right, with
 * the nearest known key where one is misspelt.
 */
export function parseProfile(text: string, source = 'profile'): ProfileDocument {
  if (Buffer.byteLength(text) > maximumProfileBytes)
    throw invalid(source, `${Buffer.byteLength(text)} bytes`, `at most ${maximumProfileBytes} bytes`);
  const document = parseDocument(text, { uniqueKeys: true, maxAliasCount: 10 } as Parameters<
    typeof parseDocument
  >[1]);
  const fault = document.errors[0];
  if (fault)
    throw new DroverError('invalid-argument', `${source}: ${fault.message.split('\n')[0]}`, {
      field: source,
      cause: fault,
    });
  return checkProfile(document.toJS({ maxAliasCount: 10 }));
}

/** Checks a profile given as plain data. Errors as `parseProfile`. */
export function checkProfile(value: unknown): ProfileDocument {
  const result = schema.safeParse(value, { reportInput: true });
  if (!result.success) throw fromIssue(result.error.issues[0] as z.core.$ZodIssue, value);
  const { name, description = '', priority = 0, selector: selected = {}, tuners } = result.data;
  checkSimpleName(name, 'name');
  checkTuners(tuners as TunerSettings);
  return {
    name,
    description,
    priority,
    selector: {
      hosts: selected.hosts ?? [],
      labels: selected.labels ?? {},
      availabilityZones: selected.availability_zones ?? [],
    },
    tuners: tuners as TunerSettings,
  };
}

/** Checks what a schema cannot say: CPU lists that can be read without knowing the host. */
function checkTuners(tuners: TunerSettings): void {
  const pinning = tuners['vcpu-pinning'];
  for (const key of ['reserved', 'shared'] as const) {
    const text = pinning?.[key];
    if (text === undefined) continue;
    // The highest possible CPU stands in for `$`; what lies beyond a host is refused there, where the host is known.
    if (parseCpuSet(text, `tuners.vcpu-pinning.${key}`, 8191).length === 0)
      throw invalid(`tuners.vcpu-pinning.${key}`, text, 'at least one CPU');
  }
}

/** Checks settings as the wire carries them: tuner name to JSON. Errors: `invalid-argument` naming `tuners.NAME.key`. */
export function parseTuners(tuners: Record<string, string>): TunerSettings {
  const plain: Record<string, unknown> = {};
  for (const [name, json] of Object.entries(tuners)) plain[name] = parseJson(json, `tuners.${name}`);
  return checkProfile({ name: 'wire', tuners: plain }).tuners;
}

function parseJson(json: string, field: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new DroverError('invalid-argument', `${field}: got ${json.slice(0, 80)}; want JSON`, {
      field,
      value: json.slice(0, 80),
      cure: 'JSON',
      cause,
    });
  }
}

/** Settings in the form of the wire: canonical JSON (keys sorted), so equal settings give equal text. */
export function encodeTuners(tuners: TunerSettings): Record<string, string> {
  const entries = Object.entries(tuners).filter(([, settings]) => settings !== undefined);
  return Object.fromEntries(entries.map(([name, settings]) => [name, canonicalJson(settings)]));
}

/** JSON with the keys of every object sorted. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** SHA-256 of a desired state, hexadecimal: equal states have equal digests on both sides. */
export function desiredDigest(profileName: string, revision: number, tuners: Record<string, string>): string {
  return createHash('sha256').update(canonicalJson({ profileName, revision, tuners })).digest('hex');
}

function fromIssue(issue: z.core.$ZodIssue, root: unknown): DroverError {
  const path = issue.path.map(String);
  const field = path.join('.') || 'profile';
  if (issue.code === 'unrecognized_keys')
    return unknownKey([...path, issue.keys[0] as string], siblings(path));
  const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], root);
  return invalid(field, value === undefined ? 'nothing' : value, describeIssue(issue));
}

/** What would be right, in words, for a zod issue. */
export function describeIssue(issue: z.core.$ZodIssue): string {
  // A text of our own says it best; zod's begin with these words.
  if (!/^(Invalid|Too|Unrecognized|Expected)/.test(issue.message)) return issue.message;
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small') return `at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum}`;
  if (issue.code === 'invalid_type')
    return issue.expected === 'int' ? 'a whole number' : `a value of type ${issue.expected}`;
  if (issue.code === 'invalid_format') return `text of the form ${issue.pattern ?? issue.format}`;
  return issue.message;
}

/** The keys that are known where an unknown one stands. */
function siblings(path: string[]): string[] {
  if (path.length === 0) return Object.keys(schema.shape);
  if (path[0] === 'selector') return ['hosts', 'labels', 'availability_zones'];
  if (path.length === 1) return Object.keys(tunerSettings);
  const settings = tunerSettings[path[1] as TunerName] as { shape?: object } | undefined;
  return Object.keys(settings?.shape ?? {});
}

/** The error for a key that is not known, with the nearest one that is. */
export function unknownKey(path: readonly string[], known: readonly string[], prefix = ''): DroverError {
  const key = path.at(-1) as string;
  const near = known.toSorted((a, b) => distance(key, a) - distance(key, b))[0];
  const hint = near !== undefined && distance(key, near) <= 3 ? `; did you mean ${near}?` : '';
  const field = prefix + path.join('.');
  const cure = `one of ${known.join(', ')}`;
  return new DroverError('invalid-argument', `${field}: unknown key${hint} (known: ${known.join(', ')})`, {
    field,
    value: key,
    cure,
  });
}

/** Levenshtein distance, for short words. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
