/** Which control plane the commands speak to, and with which certificate: one small JSON file. */
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DroverError, invalid } from '../../proto/wire/errors.js';

export interface ContextFile {
  /** The file that was read. */
  readonly file: string;
  /** HOST:PORT of the control plane's API. */
  readonly address: string;
  /** HOST:PORT at which hosts enrol; empty: not said. */
  readonly enrolAddress: string;
  /** Paths, absolute. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export interface ContextPlaces {
  /** Value of --context. */
  readonly given: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly systemDirectory: string;
}

const keys = ['address', 'enrol_address', 'authority', 'certificate', 'key'] as const;
const addressForm = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/]+):(\d{1,5})$/;

/**
 * The context in force: --context, then DROVER_CONTEXT, then `.drover/context.json` here or in a folder above, then the
 * user's configuration folder, then the system's. A file that is named must exist; of the others the first that exists is
 * taken. Errors: `failed-precondition` when there is none, `invalid-argument` for a file that cannot be used.
 */
export function findContext(places: ContextPlaces): ContextFile {
  const named = places.given ?? (places.env['DROVER_CONTEXT'] || undefined);
  if (named !== undefined)
    return readNamed(resolve(places.cwd, named), places.given === undefined ? 'DROVER_CONTEXT' : '--context');
  const candidates = candidateFiles(places);
  for (const file of candidates) {
    const text = readIfThere(file);
    if (text !== undefined) return parseContext(text, file);
  }
  throw noContext(places);
}

/** Files that are looked for when none is named, in order. */
export function candidateFiles({ env, cwd, systemDirectory }: ContextPlaces): string[] {
  const files: string[] = [];
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    files.push(join(folder, '.drover/context.json'));
    if (dirname(folder) === folder) break;
  }
  const configuration = env['XDG_CONFIG_HOME'] || (env['HOME'] && join(env['HOME'], '.config'));
  if (configuration) files.push(join(configuration, 'drover/context.json'));
  return [...files, join(systemDirectory, 'context.json')];
}

function noContext(places: ContextPlaces): DroverError {
  const user = candidateFiles(places).at(-2) as string;
  const cure = `copy context.json and the certificate files that it names from the control plane to ${dirname(user)}, or name a file with --context or DROVER_CONTEXT`;
  const looked = `.drover/context.json here and above, ${user}, ${join(places.systemDirectory, 'context.json')}`;
  return new DroverError('failed-precondition', `no control plane is known: no context file in ${looked}`, {
    cure,
  });
}

function readNamed(file: string, source: string): ContextFile {
  const text = readIfThere(file);
  if (text === undefined) throw invalid(source, file, 'a context file that exists');
  return parseContext(text, file);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new DroverError('permission-denied', `cannot read ${file}: ${(cause as Error).message}`, {
      field: file,
      cause,
    });
  }
}

/** Reads a context file. Relative paths start at its folder. Errors: `invalid-argument` naming the file and the key. */
export function parseContext(text: string, file: string): ContextFile {
  const content = parseObject(text, file);
  for (const key of Object.keys(content))
    if (!(keys as readonly string[]).includes(key))
      throw invalid(`${file}: ${key}`, content[key], `no such key (known: ${keys.join(', ')})`);
  const path = (key: string) => resolve(dirname(file), textOf(content, key, file, 'the path of a PEM file'));
  return {
    file,
    address: addressOf(content, 'address', file),
    enrolAddress: content['enrol_address'] === undefined ? '' : addressOf(content, 'enrol_address', file),
    authority: path('authority'),
    certificate: path('certificate'),
    key: path('key'),
  };
}

function parseObject(text: string, file: string): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(text);
    if (content !== null && typeof content === 'object' && !Array.isArray(content))
      return content as Record<string, unknown>;
  } catch {
    // Answered below: to the reader, text that is no JSON and JSON that is no object are the same fault.
  }
  throw invalid(file, text.slice(0, 40), `a JSON object with ${keys.join(', ')}`);
}

function textOf(content: Record<string, unknown>, key: string, file: string, cure: string): string {
  const value = content[key];
  if (typeof value !== 'string' || value === '') throw invalid(`${file}: ${key}`, value ?? 'nothing', cure);
  return value;
}

function addressOf(content: Record<string, unknown>, key: string, file: string): string {
  const address = textOf(content, key, file, 'HOST:PORT');
  const port = Number(addressForm.exec(address)?.[1]);
  if (!(port >= 1 && port <= 65_535)) throw invalid(`${file}: ${key}`, address, 'HOST:PORT');
  return address;
}
