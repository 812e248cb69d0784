/** A profile file: YAML to a checked profile, and back to the canonical form that digests and the wire use. */
import { createHash } from 'node:crypto';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { maximumCpu, parseCpuSet } from './cpu-set.js';
import { DroverError, invalid } from './errors.js';
import { guestsSection, type GuestSettings } from './guest-settings.js';
import { checkSimpleName } from './names.js';
import { nearest } from './nearest.js';
import { tunerSettings, type TunerName, type TunerSettings } from './tuner-settings.js';

/** Largest profile file. */
export const maximumProfileBytes = 256 * 1024;

/** Longest trial of a profile: with the wait for the last word, a host that it cuts off is back as it was after 90 s. */
export const maximumTrialSeconds = 80;

/** What a host does when a profile fails on it: puts the state before it back, or keeps what could be set. */
export const failureWays = ['revert', 'keep'] as const;

/** How a host takes up a profile. On the wire the empty text is `revert`. */
export interface Trial {
  /** 0: no trial. */
  trialSeconds: number;
  onFailure: (typeof failureWays)[number];
}

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
  trial_seconds: z.int().min(0).max(maximumTrialSeconds).optional(),
  on_failure: z.enum(failureWays).optional(),
  selector,
  guests: guestsSection.optional(),
  tuners: z.strictObject(
    Object.fromEntries(
      Object.entries(tunerSettings).map(([name, settings]) => [name, settings.optional()]),
    ) as {
      [Name in TunerName]: z.ZodOptional<(typeof tunerSettings)[Name]>;
    },
  ),
});

export interface ProfileDocument extends Trial {
  name: string;
  description: string;
  priority: number;
  selector: { hosts: string[]; labels: Record<string, string>; availabilityZones: string[] };
  tuners: TunerSettings;
  /** Absent: Drover leaves guests alone. */
  guests?: GuestSettings;
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
  const { trial_seconds: trialSeconds = 0, on_failure: onFailure = 'revert' } = result.data;
  checkSimpleName(name, 'name');
  checkTuners(tuners as TunerSettings);
  return {
    name,
    description,
    priority,
    trialSeconds,
    onFailure,
    selector: {
      hosts: selected.hosts ?? [],
      labels: selected.labels ?? {},
      availabilityZones: selected.availability_zones ?? [],
    },
    tuners: tuners as TunerSettings,
    ...(result.data.guests && { guests: result.data.guests }),
  };
}

/** Checks what a schema cannot say: CPU lists that can be read without knowing the host. */
function checkTuners(tuners: TunerSettings): void {
  const pinning = tuners['vcpu-pinning'];
  for (const key of ['reserved', 'shared', 'dedicated'] as const)
    checkCpus(`tuners.vcpu-pinning.${key}`, pinning?.[key]);
  checkCpus('tuners.cpu-governor.cpus', tuners['cpu-governor']?.cpus);
  checkCpus('tuners.numa-memory.cells', tuners['numa-memory']?.cells);
  const { keep_off } = tuners['irq-affinity'] ?? {};
  if (keep_off !== 'dedicated') checkCpus('tuners.irq-affinity.keep_off', keep_off);
  const { reserved_cpus } = tuners['machine-slice'] ?? {};
  if (reserved_cpus !== 'reserved') checkCpus('tuners.machine-slice.reserved_cpus', reserved_cpus);
}

/** The highest possible CPU stands in for `$`; what lies beyond a host is refused there, where the host is known. */
function checkCpus(field: string, text: string | undefined): void {
  if (text !== undefined && parseCpuSet(text, field, maximumCpu).length === 0)
    throw invalid(field, text, 'at least one CPU');
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

/**
 * The section `guests` as the wire carries it: canonical JSON, the empty text for none. Errors: `invalid-argument` naming
 * `guests.key`.
 */
export function parseGuests(json: string): GuestSettings | undefined {
  if (json === '') return undefined;
  return checkProfile({ name: 'wire', tuners: {}, guests: parseJson(json, 'guests') }).guests;
}

/** `guests` in the form of the wire. */
export function encodeGuests(guests: GuestSettings | undefined): string {
  return guests ? canonicalJson(guests) : '';
}

/** JSON with the keys of every object sorted. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/**
 * SHA-256 of a desired state, hexadecimal: equal states have equal digests on both sides. A trial and guests
 * count only where they are not the default, so a state that knows none has the digest that it always had.
 */
export function desiredDigest(
  profileName: string,
  revision: number,
  tuners: Record<string, string>,
  more: { readonly trialSeconds?: number; readonly onFailure?: string; readonly guests?: string } = {},
): string {
  const { trialSeconds = 0, onFailure = '', guests = '' } = more;
  const state = {
    profileName,
    revision,
    tuners,
    ...(trialSeconds !== 0 && { trialSeconds }),
    ...(failureWay(onFailure) !== 'revert' && { onFailure }),
    ...(guests !== '' && { guests }),
  };
  return createHash('sha256').update(canonicalJson(state)).digest('hex');
}

/** `on_failure` as the wire carries it, in words: the empty text is `revert`. Others come back as they are. */
export function failureWay(onFailure: string): string {
  return onFailure === '' ? 'revert' : onFailure;
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
function siblings(path: readonly string[]): string[] {
  const place = path.reduce<SchemaPart | undefined>(
    (at, key) => below(bare(at), key),
    schema as unknown as SchemaPart,
  );
  return Object.keys(bare(place)?.def.shape ?? {});
}

/** What zod says of any schema (https://zod.dev/packages/core, "Schemas"). */
interface SchemaPart {
  readonly def: {
    readonly type: string;
    readonly innerType?: SchemaPart;
    readonly shape?: Record<string, SchemaPart>;
    readonly valueType?: SchemaPart;
    readonly element?: SchemaPart;
  };
}

/** The schema without `optional` and the like around it. */
function bare(part: SchemaPart | undefined): SchemaPart | undefined {
  return part?.def.innerType ? bare(part.def.innerType) : part;
}

function below(part: SchemaPart | undefined, key: string): SchemaPart | undefined {
  const { shape, valueType, element } = part?.def ?? {};
  return shape?.[key] ?? valueType ?? element;
}

/** The error for a key that is not known, with the nearest one that is. */
export function unknownKey(path: readonly string[], known: readonly string[], prefix = ''): DroverError {
  const key = path.at(-1) as string;
  const near = nearest(key, known);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  const field = prefix + path.join('.');
  const cure = `one of ${known.join(', ')}`;
  return new DroverError('invalid-argument', `${field}: unknown key${hint} (known: ${known.join(', ')})`, {
    field,
    value: key,
    cure,
  });
}
