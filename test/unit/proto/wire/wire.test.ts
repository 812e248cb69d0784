/** Texts of the contract: what is printed is read back, and what is wrong is named. */
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import {
  formatCpuSet,
  intersectCpus,
  maximumCpu,
  parseCpuMask,
  parseCpuSet,
  subtractCpus,
} from '../../../../proto/wire/cpu-set.js';
import {
  asDroverError,
  DroverError,
  errorKinds,
  exitCodes,
  invalid,
  isErrorCode,
} from '../../../../proto/wire/errors.js';
import { checkHostName, checkLabels, checkSimpleName, maximumLabels } from '../../../../proto/wire/names.js';
import {
  canonicalJson,
  checkProfile,
  desiredDigest,
  encodeTuners,
  maximumProfileBytes,
  parseProfile,
  parseTuners,
} from '../../../../proto/wire/profile.js';
import { tunerSettings, type TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { formatBytes, formatDuration, parseBytes } from '../../../../proto/wire/units.js';

/** Fails like the rest of Drover: field, value and cure. */
function refuses(t: Test, act: () => unknown, message: RegExp, name: string): void {
  t.throws(
    act,
    { name: 'DroverError', code: 'invalid-argument', message, field: String, value: String },
    name,
  );
}

t.test('CPU sets', async (t) => {
  const cpus = fc.uniqueArray(fc.integer({ min: 0, max: maximumCpu }), { maxLength: 200 });
  fc.assert(
    fc.property(cpus, (set) => {
      const sorted = set.toSorted((a, b) => a - b);
      t.same(parseCpuSet(formatCpuSet(set)), sorted);
    }),
    { numRuns: 60 },
  );
  fc.assert(
    fc.property(cpus, cpus, (a, b) => {
      const both = intersectCpus(a, b);
      const only = subtractCpus(a, b);
      return (
        both.length + only.length === a.length &&
        both.every((cpu) => b.includes(cpu)) &&
        !only.some((cpu) => b.includes(cpu))
      );
    }),
    { numRuns: 60 },
  );
  const table: [text: string, set: number[], lastCpu?: number][] = [
    ['', []],
    ['0-3,8', [0, 1, 2, 3, 8]],
    [' 3 , 1 \n', [1, 3]],
    ['0-7,^2,^4-5', [0, 1, 3, 6, 7]],
    ['^2,0-3', [0, 1, 3]],
    ['4-$', [4, 5, 6, 7], 7],
    ['1,1,0-1', [0, 1]],
  ];
  for (const [text, set, lastCpu] of table)
    t.same(parseCpuSet(text, 'cpus', lastCpu), set, JSON.stringify(text));
  const wrong: [text: string, message: RegExp, lastCpu?: number][] = [
    ['a', /cpus: got "a"; want a CPU list/],
    ['1-', /want a CPU list/],
    ['-1', /want a CPU list/],
    ['1,,2', /want a CPU list/],
    ['4-$', /without \$/],
    ['9-$', /start up to the host's last CPU 7/, 7],
    ['3-1', /ranges that run upwards/],
    ['8192', /CPU numbers up to 8191/],
    ['0-99999999', /CPU numbers up to 8191/],
  ];
  for (const [text, message, lastCpu] of wrong)
    refuses(t, () => parseCpuSet(text, 'cpus', lastCpu), message, text);
  t.same(parseCpuMask('ff,00000003\n'), [0, 1, 32, 33, 34, 35, 36, 37, 38, 39]);
  t.same(parseCpuMask('0x5'), [0, 2]);
  fc.assert(
    fc.property(cpus, (set) => {
      const mask = set.reduce((bits, cpu) => bits | (1n << BigInt(cpu)), 0n).toString(16);
      return formatCpuSet(parseCpuMask(mask)) === formatCpuSet(set);
    }),
    { numRuns: 30 },
  );
});

t.test('sizes and spans', async (t) => {
  const units: [string, number][] = [
    ['', 1],
    ['B', 1],
    ['K', 10],
    ['KiB', 10],
    ['M', 20],
    ['MiB', 20],
    ['G', 30],
    ['gib', 30],
    ['T', 40],
  ];
  for (const [unit, shift] of units.slice(2)) t.equal(parseBytes(`3 ${unit}`), 3 * 2 ** shift, unit);
  t.same([parseBytes('4096'), parseBytes('5B'), parseBytes('1.5KiB'), parseBytes(' 0 ')], [4096, 5, 1536, 0]);
  for (const text of ['', 'abc', '-1', '1.5', '1XB', '1 2', '9999999P', '0x10', '1e3'])
    refuses(t, () => parseBytes(text, '--memory'), /^--memory: got ".*"; want a whole number of bytes/, text);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1023 }),
      fc.constantFrom(0, 10, 20, 30, 40),
      (value, shift) => parseBytes(formatBytes(value * 2 ** shift)) === value * 2 ** shift,
    ),
  );
  t.same(
    [
      formatBytes(0),
      formatBytes(1536),
      formatBytes(7.75 * 2 ** 30),
      formatBytes(123.4 * 2 ** 20),
      formatBytes(-2048),
      formatBytes(2 ** 62),
    ],
    ['0 B', '1.5 KiB', '7.8 GiB', '123 MiB', '-2 KiB', '4096 PiB'],
  );
  t.same([420, 12_000, 180_000, 5 * 3_600_000, 3 * 86_400_000].map(formatDuration), [
    '420 ms',
    '12 s',
    '3 min',
    '5 h',
    '3 d',
  ]);
});

t.test('names', async (t) => {
  for (const name of ['a', 'kvm-01', 'kvm-01.example.org', `${'a'.repeat(63)}.b`])
    t.equal(checkHostName(name), name);
  for (const name of [
    '',
    'UPPER',
    '-a',
    'a-',
    'a..b',
    'a_b',
    'a'.repeat(64),
    Array.from({ length: 64 }, () => 'abc').join('.'),
    'a\n',
    'host/1',
  ])
    refuses(t, () => checkHostName(name, 'host'), /^host: got /, name);
  t.equal(checkSimpleName('rack-a', 'zone'), 'rack-a');
  for (const name of ['', 'a.b', 'A', '../x'])
    refuses(t, () => checkSimpleName(name, 'zone'), /^zone: got /, name);
  t.same(checkLabels({ rack: 'a7', 'example.org/x': '', Y: 'V_1' }), {
    rack: 'a7',
    'example.org/x': '',
    Y: 'V_1',
  });
  refuses(t, () => checkLabels({ 'a b': 'x' }), /^labels key: got "a b"/, 'key');
  refuses(t, () => checkLabels({ a: 'x y' }), /^labels\.a: got "x y"/, 'value');
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));
  t.ok(checkLabels(many(maximumLabels)));
  refuses(t, () => checkLabels(many(maximumLabels + 1)), /33 labels"; want at most 32/, 'limit');
});

const ksm = fc.record(
  {
    run: fc.constantFrom('off', 'on', 'unmerge'),
    pages_to_scan: fc.integer({ min: 1, max: 4_294_967_295 }),
    use_zero_pages: fc.boolean(),
  },
  { requiredKeys: ['run'] },
);
const cpuQos = fc.record(
  {
    vcpu_quota_us: fc.oneof(fc.constant(-1), fc.integer({ min: 1000, max: 10_000_000 })),
    cpu_shares: fc.integer({ min: 2, max: 262_144 }),
  },
  { requiredKeys: [] },
);
const pinning = fc.record(
  { shared: fc.constantFrom('4-$', '0-7,^2'), reserved: fc.constant('0-3') },
  { requiredKeys: ['shared'] },
);
const tuners = fc.record(
  { ksm, 'cpu-qos': cpuQos, 'vcpu-pinning': pinning },
  { requiredKeys: [] },
) as fc.Arbitrary<TunerSettings>;

t.test('profiles: what is written is read back', async (t) => {
  fc.assert(
    fc.property(tuners, fc.integer({ min: -1000, max: 1000 }), (settings, priority) => {
      const read = parseProfile(
        stringify({ name: 'p', priority, tuners: settings }, { aliasDuplicateObjects: false }),
      );
      t.match(read, { name: 'p', priority, tuners: settings });
      t.same(parseTuners(encodeTuners(read.tuners)), read.tuners, 'over the wire and back');
      t.same(encodeTuners(parseTuners(encodeTuners(settings))), encodeTuners(settings), 'canonical');
    }),
    { numRuns: 40 },
  );
  t.equal(canonicalJson({ b: [{ d: 1, c: 2 }], a: null }), '{"a":null,"b":[{"c":2,"d":1}]}');
  const one = desiredDigest('p', 1, { a: '1', b: '2' });
  t.match(one, /^[0-9a-f]{64}$/);
  t.equal(desiredDigest('p', 1, { b: '2', a: '1' }), one, 'order does not matter');
  t.not(desiredDigest('p', 2, { a: '1', b: '2' }), one);
  const known = desiredDigest('p', 1, { ksm: '{"run":"on"}' });
  t.equal(
    known,
    'd7bdaffcdcae55be73e76fae34461bda7bbe707159e353a45c37538660989e59',
    'of a state that was stored before there were trials',
  );
  const digests = [
    { trialSeconds: 0, onFailure: '' },
    { trialSeconds: 0, onFailure: 'revert' },
    { trialSeconds: 30 },
    { trialSeconds: 60 },
    { onFailure: 'keep' },
    { trialSeconds: 30, onFailure: 'keep' },
  ].map((trial) => desiredDigest('p', 1, { ksm: '{"run":"on"}' }, trial));
  t.same(digests.slice(0, 2), [known, known], 'the default does not count');
  t.equal(new Set(digests).size, 5, 'and everything else does');
  const plain = parseProfile('name: p\ntuners: {}');
  t.match(plain, { trialSeconds: 0, onFailure: 'revert' });
  const trial = 'name: p\ntrial_seconds: 80\non_failure: keep\ntuners: {}';
  t.match(parseProfile(trial), { trialSeconds: 80, onFailure: 'keep' });
  const selector = { hosts: ['kvm-*'], labels: { a: 'b' }, availability_zones: ['z'] };
  t.same(checkProfile({ name: 'p', selector, tuners: {} }).selector, {
    hosts: ['kvm-*'],
    labels: { a: 'b' },
    availabilityZones: ['z'],
  });
});

t.test('profiles: what is wrong is named', async (t) => {
  const wrong: [yaml: string, message: RegExp][] = [
    ['tuners: {}', /^name: got "nothing"; want a value of type string/],
    ['name: P\ntuners: {}', /^name: got "P"; want lower-case/],
    ['name: p', /^tuners: got "nothing"/],
    [
      'name: p\ntuners: {ksm: {run: maybe}}',
      /^tuners\.ksm\.run: got "maybe"; want one of off, on, auto, unmerge/,
    ],
    [
      'name: p\ntuners: {ksm: {run: on, pages_to_scan: 0}}',
      /^tuners\.ksm\.pages_to_scan: got 0; want at least 1/,
    ],
    [
      'name: p\ntuners: {ksm: {run: on, pages_to_scan: 1.5}}',
      /^tuners\.ksm\.pages_to_scan: got 1\.5; want a whole number/,
    ],
    ['name: p\ntuners: {ksm: {rum: on}}', /^tuners\.ksm\.ru[nm]: /],
    [
      'name: p\ntuners: {ksm: {run: on, page_to_scan: 5}}',
      /^tuners\.ksm\.page_to_scan: unknown key; did you mean pages_to_scan\?/,
    ],
    ['name: p\ntuners: {kms: {run: on}}', /^tuners\.kms: unknown key; did you mean ksm\?/],
    ['name: p\nselektor: {}\ntuners: {}', /^selektor: unknown key; did you mean selector\?/],
    ['name: p\nselector: {zones: []}\ntuners: {}', /^selector\.zones: unknown key/],
    [
      'name: p\ntuners: {cpu-qos: {vcpu_quota_us: 5}}',
      /^tuners\.cpu-qos\.vcpu_quota_us: got 5; want -1 \(no limit\) or 1000/,
    ],
    [
      'name: p\ntuners: {cpu-qos: {vcpu_period_us: 2000000}}',
      /^tuners\.cpu-qos\.vcpu_period_us: got 2000000; want at most 1000000/,
    ],
    [
      'name: p\ntuners: {block-qos: {device: vda}}',
      /^tuners\.block-qos\.device: got "vda"; want text of the form/,
    ],
    [
      'name: p\ntuners: {vcpu-pinning: {}}',
      /^tuners\.vcpu-pinning: got .*; want reserved, shared or dedicated/,
    ],
    [
      'name: p\ntuners: {vcpu-pinning: {shared: 3-1}}',
      /^tuners\.vcpu-pinning\.shared: got "3-1"; want ranges that run upwards/,
    ],
    [
      'name: p\ntuners: {vcpu-pinning: {shared: ""}}',
      /^tuners\.vcpu-pinning\.shared: got ""; want at least one CPU/,
    ],
    [
      'name: p\ntuners: {transparent-hugepages: {enabled: sometimes}}',
      /^tuners\.transparent-hugepages\.enabled: got "sometimes"; want one of always, madvise, never/,
    ],
    [
      'name: p\ntuners: {ksm: {run: on, drift: sometimes}}',
      /^tuners\.ksm\.drift: got "sometimes"; want heal, report or adopt/,
    ],
    [
      'name: p\ntuners: {ksm: {run: on, drift: {pages_to_scn: adopt}}}',
      /^tuners\.ksm\.drift\.pages_to_scn: got "adopt"; want a setting that ksm has: run, pages_to_scan,/,
    ],
    [
      'name: p\ntuners: {cpu-qos: {cpu_shares: 4, drift: {"cpu_shares\u00e4 x": heal}}}',
      /want a setting that cpu-qos has: vcpu_period_us, vcpu_quota_us, cpu_shares; or \* for the others/,
    ],
    [
      'name: p\ntuners: {block-queue: {classes: {ssd: {schedular: bfq}}}}',
      /^tuners\.block-queue\.classes\.ssd\.schedular: unknown key; did you mean scheduler\?/,
    ],
    [
      'name: p\ntuners: {hugepages: {pools: [{size: 2MiB, page: 3}]}}',
      /^tuners\.hugepages\.pools\.0\.page: unknown key; did you mean pages\?/,
    ],
    [
      'name: p\ntuners: {irq-affinity: {keep_off: 9-1}}',
      /^tuners\.irq-affinity\.keep_off: got "9-1"; want ranges that run upwards/,
    ],
    [
      'name: p\ntuners: {owners: {take_over: [libvirt-guests.service]}}',
      /take_over.*not libvirt-guests\.service: stopping it shuts all guests down/,
    ],
    ['name: p\npriority: 1001\ntuners: {}', /^priority: got 1001; want at most 1000/],
    ['name: p\ntrial_seconds: 81\ntuners: {}', /^trial_seconds: got 81; want at most 80/],
    ['name: p\ntrial_seconds: -1\ntuners: {}', /^trial_seconds: got -1; want at least 0/],
    ['name: p\ntrial_seconds: 1.5\ntuners: {}', /^trial_seconds: got 1\.5; want a whole number/],
    ['name: p\ntrial: 5\ntuners: {}', /^trial: unknown key/],
    ['name: p\non_failure: explode\ntuners: {}', /^on_failure: got "explode"; want one of revert, keep/],
    ['[]', /^profile: got \[\]; want/],
    ['name: p\ntuners: {ksm: [', /^f\.yaml: /],
    ['name: p\nname: q\ntuners: {}', /^f\.yaml: Map keys must be unique/],
    ['#'.repeat(maximumProfileBytes + 1), /^f\.yaml: got "262145 bytes"; want at most 262144/],
  ];
  for (const [yaml, message] of wrong)
    t.throws(() => parseProfile(yaml, 'f.yaml'), { code: 'invalid-argument', message }, yaml.slice(0, 60));
  t.throws(() => parseTuners({ ksm: '{' }), { code: 'invalid-argument', field: 'tuners.ksm' });
  t.throws(() => parseTuners({ nothing: '{}' }), { code: 'invalid-argument', field: 'tuners.nothing' });
  const order = Object.keys(tunerSettings);
  t.same(
    [order.slice(0, 3), order.at(-1), order.indexOf('cpu-qos') < order.indexOf('ksm')],
    [['qos-classes', 'owners', 'vcpu-pinning'], 'kernel-command-line', true],
    'the order in which tuners run',
  );
});

t.test('errors', async (t) => {
  const exits = new Set<number>(Object.values(exitCodes));
  for (const [code, kind] of Object.entries(errorKinds)) {
    t.ok(
      isErrorCode(code) &&
        exits.has(kind.exit) &&
        kind.exit !== exitCodes.ok &&
        kind.grpc !== status.OK &&
        kind.meaning.endsWith('.'),
      code,
    );
  }
  t.notOk(isErrorCode('toString'));
  t.match(invalid('f', 'x'.repeat(500), 'less'), {
    message: /^f: got "x{116}\.\.\.; want less$/,
    field: 'f',
    cure: 'less',
  });
  t.match(
    [invalid('f', { a: 1 }, 'c').value, invalid('f', undefined, 'c').value, invalid('f', 5, 'c').value],
    ['{"a":1}', 'nothing', '5'],
  );
  const cause = new Error('inside');
  t.match(asDroverError(cause), { code: 'internal', message: 'inside', cause });
  t.equal(asDroverError('text').message, 'text');
  const own = new DroverError('unavailable', 'm');
  t.equal(asDroverError(own), own);
  t.match(own.kind, { exit: exitCodes.unreachable, retryable: true });
});
