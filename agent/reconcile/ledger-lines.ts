/** The text form of the ledger: one JSON object a line, each with a checksum over itself. Pure. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DroverError } from '../../proto/wire/errors.js';
import { tunerSettings, type TunerName } from '../../proto/wire/tuner-settings.js';
import { knobKey, type Knob } from '../tuners/tuner.js';

/** What was there before Drover first wrote a knob. */
export interface LedgerEntry {
  /** As `knobKey` makes it. */
  readonly key: string;
  readonly knob: Knob;
  readonly original: string;
  /** Of the boot in which it was recorded. */
  readonly bootId: string;
  readonly recordedUnixMs: number;
  /** The wanted value that the knob was last seen to have; known only where drift is reported or adopted. */
  readonly settled?: string;
}

const domain = z.strictObject({
  uuid: z.string(),
  name: z.string(),
  incarnation: z.string(),
  id: z.int().optional(),
});
const knob = z.strictObject({
  tuner: z.enum(Object.keys(tunerSettings) as [TunerName, ...TunerName[]]),
  setting: z.string(),
  source: z.string(),
  domain: domain.optional(),
  persistent: z.literal(true).optional(),
});
const record = z.strictObject({
  kind: z.literal('record'),
  knob,
  original: z.string(),
  bootId: z.string(),
  recordedUnixMs: z.number(),
  settled: z.string().optional(),
});
const release = z.strictObject({ kind: z.literal('release'), key: z.string() });
const settle = z.strictObject({ kind: z.literal('settle'), key: z.string(), value: z.string().optional() });
const adopt = z.strictObject({ kind: z.literal('adopt'), key: z.string(), original: z.string() });
const schema = z.discriminatedUnion('kind', [record, release, settle, adopt]);

type Line = z.infer<typeof schema>;

/** One `record` line with its newline. */
export function recordLine({ key: _key, ...entry }: LedgerEntry): string {
  return seal({ kind: 'record', ...entry });
}

/** One `release` line with its newline: the knob is as it was, the entry is over. */
export function releaseLine(key: string): string {
  return seal({ kind: 'release', key });
}

/** One `settle` line with its newline: the knob has the wanted value; without one, it is being written. */
export function settleLine(key: string, value: string | undefined): string {
  return seal({ kind: 'settle', key, ...(value !== undefined && { value }) });
}

/** One `adopt` line with its newline: somebody else set the knob, and undo leaves it as they did. */
export function adoptLine(key: string, original: string): string {
  return seal({ kind: 'adopt', key, original });
}

export interface ReadLedger {
  /** Live entries by key, in the order in which they were recorded. */
  readonly entries: Map<string, LedgerEntry>;
  /** Lines in the file, live and dead. */
  readonly lines: number;
  /** The last line was cut off by a crash; it is not among `entries`, for its write had not been let through. */
  readonly truncated: boolean;
}

/**
 * Reads a whole ledger. A last line without its newline is a write that a crash cut short, unless it is whole. Errors:
 * `storage-corrupt` naming file and line for damage anywhere else.
 */
export function parseLedger(text: string, file: string): ReadLedger {
  const lines = text.split('\n');
  const tail = lines.pop() as string;
  const entries = new Map<string, LedgerEntry>();
  lines.forEach((line, index) => take(entries, readLine(line) ?? corrupt(file, index + 1)));
  const last = tail === '' ? undefined : readLine(tail);
  if (last) take(entries, last);
  return { entries, lines: lines.length, truncated: tail !== '' };
}

function take(entries: Map<string, LedgerEntry>, line: Line): void {
  if (line.kind === 'release') return void entries.delete(line.key);
  if (line.kind === 'record') return takeRecord(entries, line);
  const entry = entries.get(line.key);
  if (!entry) return;
  entries.set(
    line.key,
    line.kind === 'settle' ? settledAs(entry, line.value) : { ...entry, original: line.original },
  );
}

/** The entry with another settled value, or without one. */
export function settledAs(entry: LedgerEntry, value: string | undefined): LedgerEntry {
  const { key, knob, original, bootId, recordedUnixMs } = entry;
  return { key, knob, original, bootId, recordedUnixMs, ...(value !== undefined && { settled: value }) };
}

function takeRecord(
  entries: Map<string, LedgerEntry>,
  { knob: read, kind: _kind, settled, ...rest }: Extract<Line, { kind: 'record' }>,
): void {
  const { domain: owner, persistent, ...name } = read;
  const own: Knob = { ...name, ...(owner && { domain: owner }), ...(persistent && { persistent }) };
  const key = knobKey(own);
  if (!entries.has(key))
    entries.set(key, { key, knob: own, ...rest, ...(settled !== undefined && { settled }) });
}

function corrupt(file: string, line: number): never {
  const cure = 'restore it from a copy, or remove the file to give up what it could undo';
  throw new DroverError('storage-corrupt', `${file}: line ${line} cannot be read; ${cure}`, {
    field: file,
    value: `line ${line}`,
    cure,
  });
}

function seal(line: Line): string {
  const text = JSON.stringify(line);
  return `${text.slice(0, -1)},"sum":"${sum(text)}"}\n`;
}

/** Undefined where the line is no JSON, has another checksum, or is not of a known kind. */
function readLine(text: string): Line | undefined {
  const match = /^(.*),"sum":"([0-9a-f]{8})"\}$/.exec(text);
  const body = match ? `${match[1]}}` : '';
  if (!match || sum(body) !== match[2]) return undefined;
  const result = schema.safeParse(JSON.parse(body));
  return result.success ? result.data : undefined;
}

/** 32 bits tell a torn or flipped line from a whole one; nothing here defends against an attacker. */
function sum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
