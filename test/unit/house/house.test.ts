/** The rules of the house, kept by machine: each over the real tree, and over a made-up one that breaks it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import {
  comfortableFile,
  filesOver,
  lockFaults,
  longestFile,
  longestTestFile,
  registries,
  registryGaps,
  wrongNames,
} from './file-rules.js';
import { importCycles, mutualRooms, nosyRules, wrongArrows, wrongReach } from './import-rules.js';
import { importsOf, readTree, type Tree } from './source-tree.js';

const root = join(import.meta.dirname, '../../../..');
const rooms = ['agent', 'controlplane', 'proto', 'scripts', 'test'];
const sources = readTree(root, rooms, ['.ts', '.cts', '.tsx']);
const product = Object.fromEntries(Object.entries(sources).filter(([path]) => !path.startsWith('test/')));

/** A rule over trees, and made-up files that break it: path, text, what the answer must say (undefined: nothing). */
const rules: readonly [string, (tree: Tree) => string[], readonly [string, string, RegExp | undefined][]][] =
  [
    [
      'imports go down',
      wrongArrows,
      [
        [
          'agent/session/a.ts',
          `import { x } from '../../controlplane/model/x.js';`,
          /never import each other/,
        ],
        [
          'controlplane/api/a.ts',
          `import type { x } from '../../agent/kernel/x.js';`,
          /never import each other/,
        ],
        ['agent/kernel/a.ts', `import type { T } from '../tuners/t.js';`, /kernel lies below tuners/],
        ['agent/tuners/a.ts', `export * from '../reconcile/x.js';`, /tuners lies below reconcile/],
        ['agent/session/b.ts', `const x = await import('../main.js');`, /session lies below main/],
        ['agent/sim/a.ts', `import { x } from '../session/x.js';`, undefined],
        ['agent/session/c.ts', `import { x } from '../sim/x.js';`, /session lies below sim/],
        ['agent/kernel/b.ts', `import { log } from '../log.js';`, undefined],
        ['agent/attic/a.ts', `import { x } from '../kernel/root.js';`, /attic is on no floor/],
        ['controlplane/model/a.ts', `import { x } from '../fleet/x.js';`, /model lies below fleet/],
        ['controlplane/api/b.ts', `import { x } from '../store/lmdb.js';`, /handed in by main/],
        ['controlplane/api/c.ts', `import type { Store } from '../store/store.js';`, undefined],
        ['controlplane/main.ts', `import { x } from './store/lmdb.js';`, undefined],
        ['proto/wire/a.ts', `import { x } from '../../agent/kernel/root.js';`, /proto\/ imports nothing/],
        ['agent/facts/a.ts', `import { x } from '../../test/support/x.js';`, /neither scripts nor tests/],
        ['agent/facts/b.ts', `// import { x } from '../main.js';\n/* import '../main.js' */`, undefined],
      ],
    ],
    [
      'rules know nothing of each other and see only their arguments',
      nosyRules,
      [
        ['agent/tuners/a.ts', `import { b } from './b.js';`, /does not import another/],
        [
          'agent/tuners/b.ts',
          `import type { Tuner } from './tuner.js';\nimport { x } from './common/x.js';`,
          undefined,
        ],
        ['agent/tuners/index.ts', `import { b } from './b.js';`, undefined],
        [
          'controlplane/placement/filters/a.ts',
          `import { x } from '../../fleet/registry.js';`,
          /only the model/,
        ],
        ['controlplane/placement/filters/b.ts', `import { now } from 'node:timers';`, /no package/],
        [
          'controlplane/placement/filters/c.ts',
          `import type { Filter } from './filter.js';\nexport const x = () => Date.now();`,
          /not Date\.now/,
        ],
        [
          'controlplane/placement/weighers/d.ts',
          `import { x } from '../../model/x.js'; // Math.random`,
          undefined,
        ],
        ['controlplane/health/checks/e.ts', `export const x = () => console.log(1);`, /not console/],
      ],
    ],
    [
      'the outside is touched in few places',
      wrongReach,
      [
        ['agent/config.ts', `export const x = process.env['A'];`, /environment/],
        ['agent/main.ts', `export const x = process.env['A'];`, undefined],
        ['controlplane/api/a.ts', `export const x = process['env'];`, /environment/],
        [
          'agent/facts/a.ts',
          `import { readFileSync } from 'node:fs';\nreadFileSync('/proc/cpuinfo');`,
          /only agent\/kernel/,
        ],
        ['agent/facts/c.ts', `import * as fs from 'fs';\nfs.statSync("/sys/x");`, /only agent\/kernel/],
        [
          'agent/facts/d.ts',
          `import { statSync } from 'node:fs';\nstatSync('/dev/x'); kernel.read('/sys/x');`,
          undefined,
        ],
        ['agent/facts/b.ts', `export const source = '/proc/cpuinfo';`, undefined],
        ['agent/kernel/a.ts', `import { readFileSync } from 'node:fs';\nreadFileSync('/sys/x');`, undefined],
        ['agent/tuners/a.ts', `import koffi from 'koffi';`, /foreign functions/],
        ['agent/systemd/a.ts', `import koffi from 'koffi';`, undefined],
      ],
    ],
  ];

for (const [name, rule, cases] of rules)
  t.test(name, async (t) => {
    for (const [path, text, said] of cases) {
      const answer = rule({ [path]: text });
      if (said) t.match(answer.join('\n'), said, `found in ${path}: ${text}`);
      else t.same(answer, [], `allowed in ${path}: ${text}`);
    }
    t.same(rule(product), []);
  });

t.test('no circles', async (t) => {
  const bad = {
    'a/a.ts': `import './b.js';`,
    'a/b.ts': `import type { C } from '../c/c.js';`,
    'c/c.ts': `export { a } from '../a/a.js';`,
  };
  t.same(importCycles(bad), ['a/a.ts → a/b.ts → c/c.ts → a/a.ts']);
  t.same(importCycles({ ...bad, 'c/c.ts': '' }), []);
  const rooms = {
    'agent/session/a.ts': `import '../reconcile/x.js';`,
    'agent/reconcile/b.ts': `import '../session/y.js';`,
  };
  t.match(mutualRooms(rooms), [/agent\/reconcile and agent\/session import each other/]);
  t.same(importCycles(sources), []);
  t.same(mutualRooms(product), []);
});

t.test('every import is seen', async (t) => {
  const text = `import a, {\n  b,\n} from './a.js';\nimport './b.js';\nimport type { C } from "./c.js";\nexport * from './d.cjs';\nconst e = require('koffi');`;
  t.same(
    importsOf('x/y.ts', text).map(({ file, specifier, typeOnly }) => `${file ?? specifier} ${typeOnly}`),
    ['x/a.ts false', 'x/b.ts false', 'x/c.ts true', 'x/d.cts false', 'koffi false'],
  );
});

t.test('files are short and named alike', async (t) => {
  const lines = (count: number) => 'x\n'.repeat(count);
  t.same(filesOver({ 'a.ts': lines(401), 'b.ts': lines(400), 'c.ts': lines(500) }, longestFile), [
    'c.ts: 500 lines',
    'a.ts: 401 lines',
  ]);
  for (const long of filesOver(product, comfortableFile)) t.comment(`over ${comfortableFile}: ${long}`);
  t.same(filesOver(product, longestFile), []);
  // Test files cost half a second of start-up each, so they are fewer and longer.
  t.same(filesOver(sources, longestTestFile), []);
  const names = [
    'a/b-c.test.ts',
    'a/README.md',
    'proto/drover/v1/agent_session.proto',
    'a/bC.ts',
    'A/b.ts',
    'a/b_c.ts',
    'a/-b.ts',
  ];
  t.same(wrongNames(names), ['a/bC.ts', 'A/b.ts', 'a/b_c.ts', 'a/-b.ts']);
  t.same(wrongNames(Object.keys(readTree(root, [...rooms, 'docs', 'systemd'], ['']))), []);
});

t.test('a rule stands in its folder, its list and its page', async (t) => {
  const [tuners, , filters] = registries as [(typeof registries)[0], unknown, (typeof registries)[0]];
  const good: Tree = {
    'agent/tuners/ksm.ts': `export const ksm: Tuner<'ksm'> = {\n  name: 'ksm',`,
    'agent/tuners/index.ts': `import { ksm } from './ksm.js';\nexport const tuners = [ksm];`,
    'docs/reference/tuners.md': '| `ksm` | merges pages |',
  };
  t.same(registryGaps(good, tuners), []);
  const forgotten = {
    ...good,
    'agent/tuners/sysctl.ts': `export const sysctl: Tuner<'sysctl'> = { name: 'sysctl' }`,
  };
  t.match(registryGaps(forgotten, tuners), [/sysctl is not in the list/, /no row or heading with sysctl/]);
  t.match(registryGaps({ ...good, 'agent/tuners/index.ts': `import { ksm } from './ksm.js';` }, tuners), [
    /ksm is not in the list/,
  ]);
  t.match(registryGaps({ ...good, 'docs/reference/tuners.md': 'ksm' }, tuners), [
    /no row or heading with ksm/,
  ]);
  t.match(registryGaps({ 'agent/tuners/index.ts': '' }, tuners), [/no rule is recognised/]);
  const folder = 'controlplane/placement/filters';
  const rowOnly = {
    [`${folder}/ram-filter.ts`]: `export const ramFilter: Filter = { name: 'RamFilter' }`,
    [`${folder}/index.ts`]: `import { ramFilter } from './ram-filter.js';\nexport const filters = [ramFilter];`,
    'docs/reference/filters.md': '| `RamFilter` | x |\n| `DiskFilter` | gone |',
  };
  t.match(registryGaps(rowOnly, filters), [/DiskFilter is no rule/]);
  const tree = { ...product, ...readTree(root, ['docs'], ['.md']) };
  for (const registry of registries) t.same(registryGaps(tree, registry), [], registry.folder);
});

t.test('what is generated is fresh, and the lock file names no host', async (t) => {
  await t.resolves(
    promisify(execFile)('sh', ['scripts/proto.sh', '--check'], { cwd: root }),
    'make proto leaves no difference',
  );
  const entry = (resolved: string) =>
    JSON.stringify({
      packages: { 'node_modules/protobufjs': { resolved }, 'node_modules/a/node_modules/protobufjs': {} },
    });
  t.match(lockFaults(entry('https://host/x.tgz')), [/registry host/, /there 2 times/]);
  t.same(lockFaults(readFileSync(join(root, 'package-lock.json'), 'utf8')), []);
});
