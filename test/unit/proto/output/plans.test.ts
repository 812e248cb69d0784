/** What a person sees of plans and manuals: who is said once, in which order, and that nothing is cut or lost. */
import t from 'tap';
import type { SettingStatus } from '../../../../proto/gen/drover/v1/SettingStatus.js';
import { manualsView, manualView } from '../../../../proto/output/manual-view.js';
import { readable, whereOf } from '../../../../proto/output/plan-cells.js';
import { planView } from '../../../../proto/output/plan-view.js';
import { groupSettings } from '../../../../proto/output/setting-groups.js';
import { createStyle, plainStyle } from '../../../../proto/output/style.js';
import { tableLines, tableOf } from '../../../../proto/output/table.js';
import { renderView } from '../../../../proto/output/view.js';
import { displayWidth } from '../../../../proto/output/display-width.js';
import { wrapToWidth } from '../../../../proto/output/wrap.js';
import { manualOf, manuals } from '../../../../proto/tuners/manual/index.js';
import type { TunerManual } from '../../../../proto/tuners/manual/manual.js';
import { tunerNames } from '../../../../proto/tuners/names.js';
import { nearest } from '../../../../proto/wire/nearest.js';
import { tunerSettings } from '../../../../proto/wire/tuner-settings.js';

function status(part: Partial<SettingStatus> = {}): SettingStatus {
  return {
    ...{ tuner: 'vcpu-pinning', setting: 'vcpu 0 affinity', domainUuid: '', domainName: 'web-1' },
    ...{ now: '0-1', wanted: '1', outcome: 'pending', reason: '', original: '', effect: 'now', source: '' },
    ...{ affects: [], evidence: '', drift: 'heal', ...part },
  };
}

const host = { domainName: '' };
const shown = (settings: readonly SettingStatus[], all = false, width?: number): string =>
  renderView(planView(settings, all), { style: plainStyle, width });
const lines = (settings: readonly Partial<SettingStatus>[]): string[] =>
  groupSettings(settings.map(status)).map(({ setting, domains, count }) =>
    [setting, domains.length > 0 ? domains.join('+') : 'host', count].join(' | '),
  );

t.test('what is alike is said once, what is not stays apart', async (t) => {
  const mac = (last: number): string => `52:54:00:00:00:0${last}`;
  const table: [what: string, settings: Partial<SettingStatus>[], groups: string[]][] = [
    ['nothing', [], []],
    [
      'vCPUs of one domain',
      [0, 1, 2, 5].map((cpu) => ({ setting: `vcpu ${cpu} affinity` })),
      ['vcpu 0-2,5 affinity | web-1 | 4'],
    ],
    [
      'vCPUs of domains of other sizes',
      [
        { setting: 'vcpu 0 affinity' },
        { setting: 'vcpu 1 affinity' },
        { setting: 'vcpu 0 affinity', domainName: 'web-2' },
      ],
      ['vcpu 0-1 affinity | web-1 | 2', 'vcpu 0 affinity | web-2 | 1'],
    ],
    [
      'interrupts of the host, whatever their labels',
      [24, 25, 27].map((irq) => ({ ...host, tuner: 'irq-affinity', setting: `irq ${irq} virtio${irq}-rx` })),
      ['irq 24-25,27 | host | 3'],
    ],
    [
      'one interrupt keeps its label',
      [{ ...host, tuner: 'irq-affinity', setting: 'irq 26 ttyS0' }],
      ['irq 26 ttyS0 | host | 1'],
    ],
    [
      'interfaces, which each have an address of their own',
      [1, 2, 3].map((last) => ({ setting: `inbound ${mac(last)}`, domainName: `web-${last > 1 ? 2 : 1}` })),
      ['inbound of 3 interfaces | web-1+web-2 | 3'],
    ],
    ['one interface is named', [{ setting: `inbound ${mac(1)}` }], [`inbound ${mac(1)} | web-1 | 1`]],
    [
      'disks of the host, the first three by name',
      ['sda', 'sdb', 'sdc', 'sdd'].map((disk) => ({
        ...host,
        tuner: 'block-queue',
        setting: `scheduler ${disk}`,
      })),
      ['scheduler sda, sdb, sdc and 1 more | host | 4'],
    ],
    [
      'policies and cells',
      [0, 1].flatMap((each) => [
        { ...host, setting: `scaling_governor policy${each}` },
        { ...host, setting: `nr_hugepages 2048kB cell ${each}` },
      ]),
      ['scaling_governor policy0-1 | host | 2', 'nr_hugepages 2048kB cell 0-1 | host | 2'],
    ],
    ...(
      [
        { now: '0-3' },
        { wanted: '2' },
        { outcome: 'held' },
        { reason: 'why' },
        { original: '7' },
        { effect: 'host-reboot' },
        { tuner: 'numa-memory' },
        { setting: 'emulator affinity' },
        { domainName: '' },
      ] satisfies Partial<SettingStatus>[]
    ).map((other): [string, Partial<SettingStatus>[], string[]] => [
      `another ${Object.keys(other)[0]}`,
      [{}, { domainName: 'web-2', ...other }],
      lines([{}]).concat(lines([{ domainName: 'web-2', ...other }])),
    ]),
    [
      'names of those who feel it do not keep it apart',
      ['a', 'b'].map((name) => ({
        ...{ domainName: name, effect: 'domain-restart', reason: `felt after a restart of ${name}` },
      })),
      ['vcpu 0 affinity | a+b | 2'],
    ],
  ];
  for (const [what, settings, groups] of table) t.same(lines(settings), groups, what);
});

t.test('200 domains with 4 vCPUs and the same change are one line', async (t) => {
  const names = Array.from({ length: 200 }, (_, index) => `web-${index}`);
  const settings = names.flatMap((domainName) =>
    [0, 1, 2, 3].map((cpu) => status({ domainName, setting: `vcpu ${cpu} affinity` })),
  );
  t.equal(
    shown(settings),
    [
      'takes effect at once (800)',
      '  TUNER         SETTING            CHANGE   WHERE',
      '  vcpu-pinning  vcpu 0-3 affinity  0-1 → 1  all 200 domains',
      '',
    ].join('\n'),
  );
  const one = status({ domainName: 'web-7', setting: 'vcpu 2 affinity', now: '5' });
  const text = shown([
    ...settings.filter((each) => each.domainName !== 'web-7' || !each.setting.includes(' 2 ')),
    one,
  ]);
  t.match(
    text,
    /vcpu 0-3 affinity +0-1 → 1 +web-0, web-1 and 197 more\n/,
    'the one that is not equal is apart',
  );
  t.match(text, /vcpu 0-1,3 affinity +0-1 → 1 +web-7\n/);
  t.match(text, /vcpu 2 affinity +5 → 1 +web-7\n/);
});

t.test('sections come in the order in which a person needs them', async (t) => {
  const settings = [
    status({ outcome: 'in-sync', setting: 'quiet', evidence: 'seen' }),
    status({ outcome: 'unsupported', reason: 'no such file' }),
    status({ outcome: 'held', reason: "the domain's XML sets it" }),
    status({ outcome: 'deferred', effect: 'host-reboot', setting: 'arguments' }),
    status({ outcome: 'pending', effect: 'domain-restart', affects: ['a', 'b', 'c', 'd'], ...host }),
    status({ outcome: 'changed', setting: 'done' }),
    status({ outcome: 'failed', reason: 'set, but without effect' }),
  ];
  const titles = (text: string): string[] => text.split('\n').filter((line) => /^[a-z0-9]/.test(line));
  const usual = [
    'failed (1)',
    'takes effect at once (1)',
    'is felt after a restart of the domain (1)',
    'waits for a restart of the host (1)',
    'is left alone (2)',
  ];
  t.same(titles(shown(settings)), [...usual, '1 in order already']);
  t.same(titles(shown(settings, true)), [...usual, 'is in order (1)'], 'all: what is in order is shown');
  t.match(shown(settings, true), /quiet +0-1 +web-1 +seen/, 'with what shows its effect');
  t.match(shown(settings), /host +felt by a, b and 2 more/);
  for (const reason of ['no such file', "the domain's XML sets it", 'set, but without effect'])
    t.match(shown(settings), reason);
  t.equal(shown([]), '');
  t.equal(shown([status({ outcome: 'in-sync' })]), '1 in order already\n');
});

t.test('reasons that differ only in the name of the domain are one, with a star for it', async (t) => {
  const unseen = (domainName: string, text: string): SettingStatus =>
    status({ outcome: 'unsupported', domainName, domainUuid: `uuid-of-${domainName}`, reason: text });
  const table: [what: string, settings: SettingStatus[], reasons: string[]][] = [
    [
      'paths',
      ['web-1', 'web-2'].map((name) => unseen(name, `/images/${name}.img does not answer`)),
      ['/images/*.img does not answer'],
    ],
    [
      'paths with the UUID, as Nova has them',
      ['a', 'b'].map((name) => unseen(name, `/instances/uuid-of-${name}/disk is away`)),
      ['/instances/*/disk is away'],
    ],
    [
      'one domain keeps its name',
      [unseen('web-1', '/images/web-1.img is away')],
      ['/images/web-1.img is away'],
    ],
    [
      'another difference keeps them apart',
      [unseen('web-1', 'web-1 on sda'), unseen('web-2', 'web-2 on sdb')],
      ['web-1 on sda', 'web-2 on sdb'],
    ],
    ['a name inside a word is none', [unseen('a', 'a away'), unseen('b', 'b bway')], ['a away', 'b bway']],
  ];
  for (const [what, settings, reasons] of table)
    t.same(
      groupSettings(settings).map(({ reason }) => reason),
      reasons,
      what,
    );
});

t.test('evidence that differs is told of the first, by name', async (t) => {
  const inOrder = (domainName: string, evidence: string): SettingStatus =>
    status({ outcome: 'in-sync', domainName, evidence });
  t.match(shown([inOrder('a', 'x'), inOrder('b', 'x')], true), /a, b +x\n/);
  t.match(shown([inOrder('a', 'x'), inOrder('b', 'y')], true), /a, b +such as a: x\n/);
  t.match(shown([inOrder('a', ''), inOrder('b', 'y')], true), /0-1 +a, b\n/);
});

t.test('values, places and arrows', async (t) => {
  const values: [setting: string, value: string, text: string][] = [
    ['run', '', '-'],
    ['run', 'off', 'off'],
    ['write_bytes_sec /dev/sda', '52428800', '52428800 (50 MiB)'],
    ['write_bytes_sec /dev/sda', '0', '0'],
    ['write_iops_sec /dev/sda', '52428800', '52428800'],
    ['dirty_limit', 'bytes 1073741824', 'bytes 1073741824 (1 GiB)'],
    [
      'throttle vda',
      'read_bytes_sec=1073741824 write_iops_sec=10000000',
      'read_bytes_sec=1073741824 (1 GiB) write_iops_sec=10000000',
    ],
    ['memory.limit_in_bytes', '9223372036854771712', 'no limit'],
    ['memory.max', 'max', 'no limit'],
  ];
  for (const [setting, value, text] of values) t.equal(readable({ one: status({ setting }) }, value), text);
  const places: [count: number, total: number, text: string][] = [
    [0, 5, 'host'],
    [1, 1, 'd0'],
    [3, 3, 'd0, d1, d2'],
    [4, 4, 'all 4 domains'],
    [4, 5, 'd0, d1 and 2 more'],
  ];
  for (const [count, total, text] of places)
    t.equal(
      whereOf(
        Array.from({ length: count }, (_, index) => `d${index}`),
        total,
      ),
      text,
    );

  const changes = shown([status(), status({ setting: 'shares', now: '1024', wanted: '512' })])
    .split('\n')
    .slice(2, 4);
  t.equal(changes[0]?.indexOf('→'), changes[1]?.indexOf('→'), 'arrows stand under each other');
  t.match(
    shown([status({ outcome: 'failed', setting: '*', now: '', wanted: '', reason: 'no answer' })]),
    /\* +web-1 +no answer\n/,
    'no arrow from nothing to nothing',
  );
  const words = 'quiet console=ttyS0 panic=1 mitigations=auto';
  const line = (now: string, wanted: string): string => shown([status({ ...host, now, wanted })]);
  t.match(
    line(words, `${words.replace('quiet ', '')} hugepages=4`),
    /  \+hugepages=4 -quiet  host/,
    'of long values the difference',
  );
  t.match(line(words, 'x'.repeat(50)), `${words} → ${'x'.repeat(50)}`, 'and all where nothing is shared');
  t.match(
    line(words, words.split(' ').toReversed().join(' ')),
    / → mitigations/,
    'and where only the order differs',
  );
});

t.test('on a terminal a plan wraps and loses nothing; colour only underlines', async (t) => {
  const reason =
    'cgroup v1 wants the groups below first: one of them has more CPUs than that, and only its domain can give them up';
  const settings = [status({ outcome: 'held', reason }), status({ outcome: 'failed', reason })];
  for (const width of [80, 100, 200]) {
    const text = shown(settings, false, width);
    t.ok(
      text.split('\n').every((line) => displayWidth(line) <= width),
      `within ${width}`,
    );
    t.notMatch(text, /…/, 'nothing is cut');
    for (const word of reason.split(' ')) t.ok(text.includes(word), word);
  }
  const page = { width: 100, style: createStyle({ isTerminal: true, env: {} }) };
  const coloured = renderView(planView(settings), page);
  t.match(coloured, /\u001b\[31mfailed \(1\)/);
  t.equal(coloured.replaceAll(/\u001b\[\d+m/g, '').replaceAll(/ +$/gm, ''), shown(settings, false, 100));
});

t.test('wrapping', async (t) => {
  const table: [text: string, width: number, wrapped: string[]][] = [
    ['', 5, ['']],
    ['one two', 7, ['one two']],
    ['one two', 6, ['one', 'two']],
    ['one two three', 8, ['one two', 'three']],
    ['abcdefgh', 3, ['abc', 'def', 'gh']],
    ['データ', 4, ['デー', 'タ']],
    ['one two', 1, ['one two']],
  ];
  for (const [text, width, wrapped] of table)
    t.same(wrapToWidth(text, width), wrapped, `${text} in ${width}`);
  const columns = [
    { heading: 'A', cell: (row: string) => row },
    { heading: 'B', cell: () => 'one two three', wraps: true },
  ];
  t.same(tableLines(tableOf(columns, ['x', 'y']), { style: plainStyle, width: 12 }), [
    'A  B',
    'x  one two',
    '   three',
    'y  one two',
    '   three',
  ]);
});

const made: TunerManual = {
  name: 'ksm',
  summary: 'Merges pages.',
  settings: [
    {
      name: 'run',
      what: 'Whether it runs.',
      values: 'on, off',
      default: '',
      writes: '/sys/run',
      since: 'Linux 1',
      effect: 'domain-restart',
    },
  ],
  ...{
    extraSpecs: [{ name: 'a:b', becomes: 'c' }],
    knobs: ['run', 'pace'],
    verify: 'Read.',
    undo: 'Written back.',
  },
  ...{ limits: ['One.'], owners: [], sources: ['ksm.rst'], example: "ksm:\n  run: 'on'\n" },
};

t.test('a manual', async (t) => {
  const text = renderView(manualView(made), { style: plainStyle });
  const blocks = text.trimEnd().split('\n\n');
  t.same(
    blocks.map((block) => block.split('\n')[0]),
    [
      'ksm: Merges pages.',
      'settings',
      'what is written',
      'extra specs',
      'how it is kept',
      'limits',
      'sources',
      'for example',
      'tuners:',
    ],
  );
  t.match(text, /run +Whether it runs\. +on, off +- +Linux 1 +after a restart of the domain\n/);
  t.match(text, /other owners +-\n/);
  t.match(text, "tuners:\n  ksm:\n    run: 'on'\n");
  const { extraSpecs: _, ...bare } = { ...made, limits: [] };
  t.notMatch(
    renderView(manualView(bare), { style: plainStyle }),
    /extra specs|limits/,
    'nothing is announced that is not there',
  );
});

t.test('every tuner has its manual, in the order in which tuners run', async (t) => {
  const names = Object.keys(tunerSettings);
  t.same(
    manuals.map(({ name }) => name),
    names,
  );
  t.same([...tunerNames], names, 'and help knows the names without loading schemas');
  t.match(renderView(manualsView(manuals), { style: plainStyle }), /\nksm +Kernel samepage merging/);
  for (const manual of manuals) {
    const text = renderView(manualView(manual), { style: plainStyle, width: 100 });
    for (const { name } of manual.settings) t.ok(text.includes(name), `${manual.name}: ${name} is not cut`);
  }
  t.equal(manualOf('ksm').name, 'ksm');
  const wrong: [name: string, said: RegExp][] = [
    ['ksn', /ksn is not known; did you mean ksm\?$/],
    ['pinning', /did you mean vcpu-pinning\?$/],
    ['zzzzzzzz', /zzzzzzzz is not known$/],
  ];
  for (const [name, said] of wrong)
    t.throws(() => manualOf(name), { message: said, code: 'invalid-argument' });
  t.equal(nearest('kms', ['thp', 'ksm']), 'ksm');
  t.equal(nearest('abcdefg', ['ksm']), undefined);
  t.equal(nearest('x', []), undefined);
});
