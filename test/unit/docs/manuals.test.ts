/** The manuals say all that the schemas and the tuners say, no more and no less, and their pages are fresh. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { manuals } from '../../../proto/tuners/manual/index.js';
import type { TunerManual } from '../../../proto/tuners/manual/manual.js';
import { checkProfile } from '../../../proto/wire/profile.js';
import { tunerSettings } from '../../../proto/wire/tuner-settings.js';
import { tunerPage } from '../../../scripts/tuner-pages/page.js';
import { keysBelow, topKeys } from './schema-keys.js';

const root = join(import.meta.dirname, '../../../..');

/** What `docs/reference/tuners.md` says once for all tuners. */
const common = ['drift', 'override_explicit'];

/** `pools` and `size` of `pools[].size`. */
const segments = (name: string): string[] => name.split(/\[\]\.|\./);

t.test('a manual names the keys of its schema', async (t) => {
  for (const manual of manuals) {
    const schema = tunerSettings[manual.name];
    const named = manual.settings.map(({ name }) => name);
    t.equal(new Set(named).size, named.length, `${manual.name}: each once`);
    const said = new Set(named.flatMap(segments));
    const known = new Set(keysBelow(schema));
    t.same(
      [...said].filter((name) => !known.has(name)),
      [],
      `${manual.name}: nothing that the schema does not take`,
    );
    t.same(
      topKeys(schema).filter((key) => !said.has(key) && !common.includes(key)),
      [],
      `${manual.name}: every key`,
    );
    const values = manual.settings.map((one) => one.values).join(' ');
    t.same(
      [...known].filter((key) => !said.has(key) && !common.includes(key) && !values.includes(key)),
      [],
      `${manual.name}: every key below them, as a setting or among the values of one`,
    );
  }
});

t.test('every text of a manual is there, and its example is a profile', async (t) => {
  for (const manual of manuals) {
    const { name, summary, verify, undo, sources, knobs, settings, example } = manual;
    const texts = [summary, verify, undo, ...sources, ...knobs, example];
    for (const one of settings) texts.push(one.what, one.values, one.default, one.writes, one.since);
    t.ok(
      sources.length > 0 &&
        (knobs.length > 0 || name === 'qos-classes') &&
        texts.every((text) => text.trim() !== ''),
      `${name}: no text is empty`,
    );
    const tuners = parse(example) as Record<string, unknown>;
    t.ok(name in tuners, `${name}: the example shows it`);
    const beside =
      name === 'irq-affinity' || name === 'machine-slice' ? { 'vcpu-pinning': { reserved: '0' } } : {};
    t.doesNotThrow(
      () => checkProfile({ name: 'example', tuners: { ...beside, ...tuners } }),
      `${name}: and Drover takes it`,
    );
  }
});

/** Extra specs that the code under a folder reads; of a text with a part to fill in, what stands before that part. */
function specsRead(folder: string): string[] {
  const files = (readdirSync(join(root, folder), { recursive: true }) as string[]).filter((file) =>
    file.endsWith('.ts'),
  );
  return files.flatMap((file) => {
    const text = readFileSync(join(root, folder, file), 'utf8').replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '');
    return [...text.matchAll(/['`]((?:hw|quota|drover|hw_\w+):[a-z_]+)/g)].map((match) => match[1] as string);
  });
}

t.test('every extra spec that the agent reads is in a manual, and no other', async (t) => {
  const read = [...new Set([...specsRead('agent/tuners'), ...specsRead('agent/reconcile')])];
  const specs = manuals.flatMap(({ extraSpecs = [] }) => extraSpecs.map(({ name }) => name));
  t.ok(read.length > 10, `${read.length} are read`);
  t.same(
    read.filter(
      (name) => !specs.some((spec) => spec === name || (name.endsWith('_') && spec.startsWith(name))),
    ),
    [],
    'each is in a manual',
  );
  t.same(
    specs.filter(
      (spec) => !read.some((name) => spec === name || (name.endsWith('_') && spec.startsWith(name))),
    ),
    [],
    'each in a manual is read',
  );
  t.equal(new Set(specs).size, specs.length, 'by one tuner');
});

t.test('the pages are as the manuals say', async (t) => {
  const script = join(root, 'build/scripts/tuner-pages.js');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  t.same([status, stderr], [0, ''], 'make tuner-pages writes them anew');
  t.same(
    readdirSync(join(root, 'docs/reference/tuners')).toSorted(),
    manuals.map(({ name }) => `${name}.md`).toSorted(),
    'a page for each tuner, and no other',
  );
});

t.test('the agent prints the manuals that drover prints', async (t) => {
  const agent = (...argv: string[]) =>
    spawnSync(process.execPath, [join(root, 'build/agent/bin.cjs'), 'explain', ...argv], {
      encoding: 'utf8',
    });
  const golden = readFileSync(join(root, 'test/e2e/golden/explain-tuner.txt'), 'utf8');
  const table = agent('tuner', 'disk-cache');
  t.equal(table.status, 0);
  t.ok(golden.startsWith(`$ drover explain tuner disk-cache\n${table.stdout}`), 'the same text');
  t.match(JSON.parse(agent('tuner', 'disk-cache', '--output', 'json').stdout), { name: 'disk-cache' });
  const wrong = agent('tuner', 'disk-cahce');
  t.same([wrong.status, wrong.stdout], [64, '']);
  t.match(wrong.stderr, /^drover-agent: tuner: disk-cahce is not known; did you mean disk-cache\?/);
  t.match(agent('tuners').stderr, /explain: got "tuners"; want tuner/);
});

t.test('a page', async (t) => {
  const manual: TunerManual = {
    ...{
      name: 'ksm',
      summary: 'merges pages',
      knobs: ['run', 'pace'],
      verify: 'Read.',
      undo: 'Written back.',
    },
    settings: [
      {
        ...{ name: 'run', what: 'Whether it runs.', values: 'on | off', default: 'off' },
        writes: '/run',
        since: 'Linux 1',
        effect: 'host-reboot',
      },
    ],
    ...{ limits: ['One.'], owners: ['a', 'b'], sources: ['ksm.rst'], example: 'ksm:\n  run: on\n' },
  };
  const table: [what: string, part: Partial<TunerManual>, has: RegExp, hasNot?: RegExp][] = [
    ['summary', {}, /^# ksm\n\nMerges pages\. `drover explain tuner ksm`/],
    ['a summary with its own end', { summary: 'Does it work?' }, /\n\nDoes it work\? `drover/],
    [
      'a row, its strokes kept out of the table',
      {},
      /\| `run` \| Whether it runs\. \| on \\\| off \| off \| \/run \| Linux 1 \| after a restart of the host \|/,
    ],
    ['no extra specs', {}, /Knobs in plans: `run`, `pace`\./, /Extra specs/],
    [
      'extra specs',
      { extraSpecs: [{ name: 'a:b', becomes: 'c' }] },
      /before the profile:\n\n\| extra spec \| becomes \|\n\| --- \| --- \|\n\| `a:b` \| c \|/,
    ],
    ['owners', {}, /Other owners: a, b\./],
    [
      'tags and stars as they are',
      { limits: ['<iotune> and *.cfg, `<a>`'] },
      /- \\<iotune> and \\\*\.cfg, `<a>`\n/,
    ],
    ['no knobs', { knobs: [] }, /Knobs in plans: none\./],
    ['no owners', { owners: [] }, /Other owners: none known\./],
    ['limits', {}, /## Limits\n\n- One\.\n/],
    ['no limits', { limits: [] }, /Undo: Written back\./, /## Limits/],
    ['the example', {}, /```yaml\ntuners:\n {2}ksm:\n {4}run: on\n```/],
    ['sources', {}, /## Sources\n\n- ksm\.rst\n/],
  ];
  for (const [what, part, has, hasNot] of table) {
    const page = tunerPage({ ...manual, ...part });
    t.match(page, has, what);
    if (hasNot) t.notMatch(page, hasNot, what);
  }
});
