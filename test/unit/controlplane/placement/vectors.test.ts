/** Every case of the Nova vectors, judged as `make conformance` judges it: answers of the real Nova and Placement. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { judge } from '../../../../scripts/conformance/judge.js';
import type { Vector } from '../../../../scripts/conformance/vector.js';

const folder = resolve(process.env['DROVER_SHARED'] ?? resolve(process.cwd(), '../shared'), 'nova-vectors');
/** What the folder held when this was written: fewer would be a folder that was not read whole. */
const known = { files: 45, cases: 3460 };
/** Differences that are shown of one file. */
const shown = 5;

function files(): string[] {
  return readdirSync(folder).filter((name) => /\.jsonl(\.gz)?$/.test(name));
}

function casesOf(file: string): Vector[] {
  const bytes = readFileSync(resolve(folder, file));
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Vector);
}

if (existsSync(folder)) {
  let cases = 0;
  for (const file of files()) {
    t.test(file, async (t) => {
      const vectors = casesOf(file);
      cases += vectors.length;
      const differing = vectors
        .map((vector) => ({ id: vector.id, ...judge(vector) }))
        .filter(({ verdict }) => verdict !== 'agree');
      t.strictSame(differing.slice(0, shown), [], `${differing.length} of ${vectors.length} differ`);
    });
  }
  t.test('the folder is whole', async (t) => {
    t.ok(files().length >= known.files, `${files().length} files`);
    t.ok(cases >= known.cases, `${cases} cases`);
  });
} else {
  t.test('every case', { skip: 'needs the Nova vectors: set DROVER_SHARED' }, async () => {});
}
