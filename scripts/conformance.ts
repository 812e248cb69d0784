/**
 * `make conformance VECTORS=FILE…`: decides cases with Drover's code and compares with Nova's answers. Files are JSON lines,
 * gzipped or not, or folders of them. Differences go to standard error; the last line of standard output is the tally.
 * Exit: 0 all agree, 1 some do not, 64 usage, or not one case.
 */
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { judge } from './conformance/judge.js';
import type { Vector } from './conformance/vector.js';

const shownIds = 20;
const shownDifferences = 50;

/** Files of an argument: itself, or what a folder holds. */
function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => /\.jsonl(\.gz)?$/.test(name))
    .toSorted()
    .map((name) => join(path, name));
}

async function* vectorsOf(file: string): AsyncGenerator<Vector> {
  const bytes = createReadStream(file);
  const text = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  let number = 0;
  for await (const line of createInterface({ input: text, crlfDelay: Infinity })) {
    number++;
    if (line.trim() !== '') yield read(file, number, line);
  }
}

function read(file: string, number: number, line: string): Vector {
  try {
    return JSON.parse(line) as Vector;
  } catch (cause) {
    throw new Error(`${file}:${number}: no JSON: ${(cause as Error).message}`, { cause });
  }
}

const tally = { cases: 0, agree: 0, disagree: 0, unsupported: 0, ids: [] as string[] };

function count(file: string, vector: Vector): void {
  const { verdict, why } = judge(vector);
  tally.cases++;
  tally[verdict]++;
  if (verdict === 'agree') return;
  if (tally.ids.length < shownIds) tally.ids.push(vector.id);
  if (tally.disagree + tally.unsupported <= shownDifferences)
    process.stderr.write(`${file}: ${vector.id}: ${verdict}: ${why}\n`);
}

const paths = process.argv.slice(2);
if (paths.length === 0) {
  process.stderr.write('usage: make conformance VECTORS="FILE|FOLDER …"\n');
  process.exit(64);
}
try {
  for (const file of paths.flatMap(filesOf)) for await (const vector of vectorsOf(file)) count(file, vector);
} catch (error) {
  process.stderr.write(`conformance: ${(error as Error).message}\n`);
  process.exit(64);
}
process.stdout.write(`${JSON.stringify(tally)}\n`);
if (tally.cases === 0) {
  process.stderr.write(
    `conformance: no case in ${paths.join(', ')}: want lines of JSON in *.jsonl or *.jsonl.gz\n`,
  );
  process.exit(64);
}
process.exit(tally.agree === tally.cases ? 0 : 1);
