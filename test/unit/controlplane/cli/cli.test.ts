/** Parts of the command line that need no server. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { candidateFiles, findContext, parseContext } from '../../../../controlplane/cli/context.js';
import { everyPage, maximumPages } from '../../../../controlplane/cli/paging.js';
import { readTimeoutMs } from '../../../../controlplane/cli/client.js';
import { commands } from '../../../../controlplane/cli/commands/index.js';
import { age, bytesOf, count, times, timestamp } from '../../../../controlplane/cli/views/cells.js';
import { foremost, funnelSteps, summaryText } from '../../../../controlplane/cli/views/explanation.js';
import { funnelText } from '../../../../controlplane/cli/views/placement.js';
import { verdictText } from '../../../../controlplane/cli/views/simulation.js';
import { completionScript } from '../../../../controlplane/cli/completion.js';
import { buildProgram } from '../../../../controlplane/cli/program.js';
import { errorKinds } from '../../../../proto/wire/errors.js';
import { status } from '@grpc/grpc-js';
import { runDrover } from '../../../support/cli-run.js';

const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const good = { address: 'a:1', authority: 'ca.pem', certificate: '/c.pem', key: 'k' };

t.test('context: the first place that has one', async (t) => {
  // Outside the checkout: a developer's own `.drover/` above the test's folder would be found as well.
  const folder = mkdtempSync(join(tmpdir(), 'drover-context-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const places = {
    'work/.drover': 'above:1',
    'home/.config/drover': 'home:1',
    'xdg/drover': 'xdg:1',
    etc: 'etc:1',
    named: 'named:1',
  };
  for (const [place, address] of Object.entries(places)) {
    mkdirSync(join(folder, place), { recursive: true });
    writeFileSync(join(folder, place, 'context.json'), JSON.stringify({ ...good, address }));
  }
  mkdirSync(join(folder, 'work/deep/er'), { recursive: true });
  const at = (path: string) => join(folder, path);
  const table: [
    name: string,
    given: string | undefined,
    env: Record<string, string>,
    cwd: string,
    address: string,
  ][] = [
    ['--context', 'named/context.json', { DROVER_CONTEXT: 'x', HOME: at('home') }, '.', 'named:1'],
    [
      'DROVER_CONTEXT',
      undefined,
      { DROVER_CONTEXT: at('named/context.json'), HOME: at('home') },
      'work',
      'named:1',
    ],
    ['a folder above', undefined, { HOME: at('home') }, 'work/deep/er', 'above:1'],
    ['XDG_CONFIG_HOME', undefined, { HOME: at('home'), XDG_CONFIG_HOME: at('xdg') }, 'etc', 'xdg:1'],
    ['~/.config', undefined, { HOME: at('home') }, 'etc', 'home:1'],
    ['/etc/drover', undefined, {}, 'etc', 'etc:1'],
  ];
  for (const [name, given, env, cwd, address] of table)
    t.equal(findContext({ given, env, cwd: at(cwd), systemDirectory: at('etc') }).address, address, name);
  const lost = { given: undefined, env: { HOME: '/nonexistent' }, cwd: '/', systemDirectory: '/nonexistent' };
  t.throws(() => findContext(lost), {
    code: 'failed-precondition',
    message: /no control plane is known/,
    cure: /copy context\.json .* to \/nonexistent\/\.config\/drover/,
  });
  t.same(candidateFiles({ ...lost, cwd: '/a/b' }), [
    '/a/b/.drover/context.json',
    '/a/.drover/context.json',
    '/.drover/context.json',
    '/nonexistent/.config/drover/context.json',
    '/nonexistent/context.json',
  ]);
});

t.test('context: what a file may say', async (t) => {
  t.match(
    parseContext(
      JSON.stringify({ ...good, address: '[::1]:7443', enrol_address: 'e:2' }),
      '/etc/x/context.json',
    ),
    {
      address: '[::1]:7443',
      enrolAddress: 'e:2',
      authority: '/etc/x/ca.pem',
      certificate: '/c.pem',
      key: '/etc/x/k',
    },
  );
  const table: [text: string, said: RegExp][] = [
    ['{', /f\.json: got "\{"; want a JSON object/],
    ['[]', /want a JSON object/],
    ['{}', /f\.json: address: got "nothing"; want HOST:PORT/],
    [JSON.stringify({ ...good, address: 'a' }), /address: got "a"; want HOST:PORT/],
    [JSON.stringify({ ...good, address: 'a:70000' }), /address: got "a:70000"/],
    [JSON.stringify({ ...good, address: 'http://a:1' }), /address: got/],
    [JSON.stringify({ ...good, key: 5 }), /f\.json: key: got 5; want the path of a PEM file/],
    [JSON.stringify({ ...good, kye: 'x' }), /f\.json: kye: got "x"; want no such key \(known: /],
  ];
  for (const [text, said] of table)
    t.throws(() => parseContext(text, '/f.json'), { code: 'invalid-argument', message: said }, text);
});

t.test('pages: all of them, up to a limit', async (t) => {
  const pages = new Map([
    ['', { items: [1], nextPageToken: 'b' }],
    ['b', { items: [2, 3], nextPageToken: 'c' }],
    ['c', { items: [4], nextPageToken: '' }],
  ]);
  const whole = await everyPage(
    async (token) => pages.get(token) as { items: number[]; nextPageToken: string },
    ({ items }) => items,
  );
  t.same(whole, { items: [1, 2, 3, 4], nextPageToken: '' });
  let asked = 0;
  await t.rejects(
    everyPage(
      async () => ({ items: [0], nextPageToken: String(++asked) }),
      ({ items }) => items,
    ),
    { code: 'resource-exhausted' },
  );
  t.equal(asked, maximumPages);
  await t.rejects(
    everyPage(
      async () => ({ items: [0], nextPageToken: 'same' }),
      ({ items }) => items,
    ),
    { message: /repeats page same/ },
  );
});

t.test('texts', async (t) => {
  t.same([age(0, 5), age(1000, 61_000), age(9000, 1000)], ['-', '60 s', '0 ms']);
  t.same([timestamp(0), timestamp(Date.UTC(2026, 0, 2, 3, 4, 5))], ['-', '2026-01-02 03:04:05Z']);
  t.same(
    [
      bytesOf(0, 0),
      bytesOf(512, 1024),
      bytesOf(96 * 2 ** 30, 252 * 2 ** 30),
      bytesOf(2 ** 29, 15.5 * 2 ** 30),
    ],
    ['0/0 B', '0.5/1 KiB', '96/252 GiB', '0.5/15.5 GiB'],
  );
  t.same([times(1), times(4), times(1.25)], ['', '×4', '×1.25']);
  t.same([count(1, 'host'), count(0, 'host')], ['1 host', '0 hosts']);
  t.same([readTimeoutMs(undefined), readTimeoutMs('1.5')], [10_000, 1500]);
  t.equal(
    funnelText(51, [
      { filter: 'A', hostsLeft: 51 },
      { filter: 'B', hostsLeft: 9 },
      { filter: 'C', hostsLeft: 9 },
      { filter: 'D', hostsLeft: 0 },
    ]),
    '51 hosts considered, B leaves 9, D 0',
  );
  const refusals = [
    { filter: 'RamFilter', reason: 'ram-short', hosts: 40, soleHosts: 28 },
    { filter: 'ComputeFilter', reason: 'host-down', hosts: 8, soleHosts: 8 },
  ];
  t.equal(
    summaryText({
      ...{ hosts: [], filters: [], relaxations: [], warnings: [], revision: 1 },
      ...{ hostsConsidered: 51, hostsPassed: 3, refusals },
    }),
    '3 of 51 hosts fit. RamFilter (ram-short) refuses 40, 28 of them alone; ComputeFilter (host-down) 8.',
  );
  t.same(
    funnelSteps(9, [
      { filter: 'A', hostsLeft: 9 },
      { filter: 'B', hostsLeft: 2 },
      { filter: 'C', hostsLeft: 2 },
    ]),
    [{ filter: 'B', hostsLeft: 2, lost: 7 }],
  );
  const relaxations = ['A', 'A', 'A', 'B'].map((filter, hosts) => ({ filter, hosts, text: `${hosts}` }));
  t.same(
    foremost(relaxations).map(({ hosts }) => hosts),
    [0, 1, 3],
    'two of a filter, so that others are seen',
  );
  const simulated = { revision: 1, seed: 1, hosts: 54, results: [], headroom: [] };
  const verdict = (placed: number, refused: number, drained: number, stranded: number) =>
    verdictText({ ...simulated, placed, refused, drained, stranded });
  t.equal(verdict(5, 0, 0, 0), '5 of 5 fit on 54 hosts.');
  t.equal(
    verdict(0, 0, 3, 0),
    '54 hosts after the changes. Of what drained hosts held, 3 find another host.',
  );
  t.equal(
    verdict(4, 1, 1, 2),
    '4 of 5 fit on 54 hosts, 1 does not. Of what drained hosts held, 1 finds another host, 2 do not.',
  );
});

t.test('help of every command shows an example first', async (t) => {
  for (const command of commands) {
    const leaves =
      'commands' in command
        ? command.commands.map((leaf) => [[command.name, leaf.name], leaf] as const)
        : [[[command.name], command] as const];
    for (const [path, leaf] of leaves) {
      const { exit, stdout } = await runDrover([...path, '--help']);
      t.equal(exit, 0);
      t.ok(
        leaf.examples.length > 0 && stdout.startsWith('Examples:\n  '),
        `${path.join(' ')} begins with examples`,
      );
      for (const option of Object.values(leaf.options))
        t.ok(stdout.includes(option.flags), `${path.join(' ')} tells of ${option.flags}`);
      for (const shell of ['bash', 'zsh', 'fish'] as const)
        t.ok(
          completionScript(
            shell,
            buildProgram({ version: '' }, () => undefined),
          ).includes(path.join(' ')),
          `${shell} knows ${path.join(' ')}`,
        );
    }
  }
});

t.test('docs/reference/errors.md has the rows of the catalogue', async (t) => {
  const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8');
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', ''));
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map(cells);
  const wanted = Object.entries(errorKinds).map(([code, kind]) => [
    code,
    status[kind.grpc],
    String(kind.exit),
    kind.retryable ? 'yes' : 'no',
    kind.meaning,
  ]);
  t.same(rows, wanted);
});
