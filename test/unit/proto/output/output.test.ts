/** Tables, views, formats, styles and streams of both programs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import { cutToWidth, displayWidth, printable } from '../../../../proto/output/display-width.js';
import { render } from '../../../../proto/output/formats.js';
import { writeText } from '../../../../proto/output/stdout.js';
import { createStyle, plainStyle, wantsColour } from '../../../../proto/output/style.js';
import { fitWidths, tableLines, tableOf } from '../../../../proto/output/table.js';
import { renderView } from '../../../../proto/output/view.js';
import { mapFields, snakeCase, wireNames } from '../../../../proto/output/wire-names.js';
import { protoRoot } from '../../../../proto/wire/load.js';

t.test('width on screen', async (t) => {
  const table: [text: string, width: number][] = [
    ['', 0],
    ['abc', 3],
    ['データ', 6],
    ['한글', 4],
    ['e\u0301', 1],
    ['🐑', 2],
    ['👩‍👩‍👧', 2],
    ['×–…', 3],
    ['ｱ', 1],
    ['Ａ', 2],
  ];
  for (const [text, width] of table) t.equal(displayWidth(text), width, JSON.stringify(text));
  t.equal(cutToWidth('データ', 4), 'デ…', 'a wide character is not halved');
  t.equal(cutToWidth('abc', 3), 'abc');
  t.equal(cutToWidth('abcd', 3), 'ab…');
  t.equal(cutToWidth('abcd', 0), '');
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.nat(20),
      (text, width) => displayWidth(cutToWidth(printable(text), width)) <= width,
    ),
  );
  t.equal(
    printable('a\u001b[31mb\nc\u202ed\u0000'),
    'a�[31mb c�d�',
    'nothing from elsewhere drives the terminal',
  );
});

t.test('tables', async (t) => {
  const rows = [
    { name: 'データ', size: 5 },
    { name: 'a-name-that-is-long', size: 12_345 },
  ];
  const columns = [
    { heading: 'NAME', cell: (row: (typeof rows)[0]) => row.name },
    { heading: 'SIZE', align: 'right' as const, cell: (row: (typeof rows)[0]) => String(row.size) },
  ];
  const table = tableOf(columns, rows);
  t.same(tableLines(table, { style: plainStyle }), [
    'NAME                  SIZE',
    'データ                   5',
    'a-name-that-is-long  12345',
  ]);
  t.same(
    tableLines(table, { style: plainStyle, width: 20 }),
    ['NAME            SIZE', 'データ             5', 'a-name-that…   12345'].map((line) =>
      line.replace('…   12345', '-…  12345'),
    ),
    'text is cut, numbers are not',
  );
  t.same(
    tableLines(tableOf(columns, []), { style: plainStyle }, 2),
    ['  NAME  SIZE'],
    'headings alone, moved in',
  );
  const styled = tableLines(
    { columns: [{ heading: 'S' }], rows: [[{ text: 'up', tone: 'good' }]] },
    { style: createStyle({ isTerminal: true, env: {} }) },
  );
  t.equal(styled[1], '\u001b[32mup\u001b[39m', 'padding is outside the colour');
  fc.assert(
    fc.property(fc.array(fc.nat(60), { minLength: 1, maxLength: 8 }), fc.nat(200), (natural, width) => {
      const headings = natural.map(() => ({ heading: 'H' }));
      const fitted = fitWidths(headings, natural, width);
      const total = fitted.reduce((sum, one) => sum + one, 2 * (fitted.length - 1));
      return (
        fitted.every(
          (one, index) => one <= (natural[index] as number) && one >= Math.min(8, natural[index] as number),
        ) &&
        (total <= width || fitted.every((one) => one <= 8))
      );
    }),
  );
});

t.test('views', async (t) => {
  const page = { style: plainStyle };
  const view = renderView(
    [
      { kind: 'text', text: 'one\ntwo\u0007' },
      {
        kind: 'pairs',
        title: 'Pairs',
        pairs: [
          ['A', '1'],
          ['Long', { text: 'x', tone: 'bad' }],
        ],
      },
      { kind: 'pairs', pairs: [] },
      { kind: 'table', title: 'Rows', table: { columns: [{ heading: 'H' }], rows: [['v']] } },
      { kind: 'verbatim', text: 'a\tb\n' },
    ],
    page,
  );
  t.equal(view, 'one\ntwo�\n\nPairs\n  A     1\n  Long  x\n\nRows\n  H\n  v\n\na\tb\n');
  t.equal(renderView([], page), '');
});

t.test('formats', async (t) => {
  const answer = {
    message: {
      lastSeenUnixMs: 5,
      labels: { fooBar: 'x' },
      facts: null,
      secretSha256: Buffer.from('hi'),
      list: [{ rootGb: 1 }],
    },
    view: [{ kind: 'text', text: 'seen' }],
  } as const;
  const expected = {
    last_seen_unix_ms: 5,
    labels: { fooBar: 'x' },
    facts: null,
    secret_sha256: 'aGk=',
    list: [{ root_gb: 1 }],
  };
  t.equal(await render(answer, 'table', { style: plainStyle }), 'seen\n');
  t.equal(await render(answer, 'json', { style: plainStyle }), `${JSON.stringify(expected, null, 2)}\n`);
  t.equal(
    await render(answer, 'yaml', { style: plainStyle }),
    'last_seen_unix_ms: 5\nlabels:\n  fooBar: x\nfacts: null\nsecret_sha256: aGk=\nlist:\n  - root_gb: 1\n',
  );
});

t.test('names of the wire are those of the contract', async (t) => {
  const folder = join(protoRoot(), 'drover/v1');
  const maps = new Set<string>();
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, name] of text.matchAll(/map<[^>]+>\s+(\w+)\s*=/g)) maps.add(name as string);
    for (const [, name = ''] of text.matchAll(/^\s+(?:repeated |map<[^>]+> )?[\w.]*\s*(\w+) = \d+;/gm)) {
      const camel = name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
      t.equal(snakeCase(camel), name, `${file}: ${name} there and back`);
    }
  }
  t.same([...mapFields].toSorted(), [...maps].toSorted(), 'the list of maps');
  t.same(wireNames({ weights: { CPUWeigher: 1 } }), { weights: { CPUWeigher: 1 } });
});

t.test('colour', async (t) => {
  const table: [isTerminal: boolean, env: Record<string, string>, colour: boolean][] = [
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [true, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [true, { TERM: 'dumb' }, false],
  ];
  for (const [isTerminal, env, colour] of table)
    t.equal(
      wantsColour({ isTerminal, env }),
      colour,
      `${isTerminal ? 'terminal' : 'pipe'} ${JSON.stringify(env)}`,
    );
  t.equal(createStyle({ isTerminal: true, env: {} }).paint(undefined, 'x'), 'x');
});

t.test('a stream that fails', async (t) => {
  const failing = (code: string) =>
    new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) });
  t.equal(await writeText(failing('EPIPE'), 'x'), 'closed');
  await t.rejects(writeText(failing('ENOSPC'), 'x'), { message: 'ENOSPC' });
  const ended = new Writable({ write: (_chunk, _encoding, done) => done() });
  t.equal(await writeText(ended, 'x'), 'written');
  t.equal(ended.listenerCount('error'), 0, 'leaves no listener behind');
  ended.destroy();
  t.equal(await writeText(ended, 'x'), 'closed');
  t.equal(await writeText(ended, ''), 'written');
});
