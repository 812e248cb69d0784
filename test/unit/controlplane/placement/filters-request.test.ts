/** Filters that read image, hints, group and metrics: limits, words and errors, which no vector holds. */
import t from 'tap';
import { hasBit } from '../../../../controlplane/fleet/registry-columns.js';
import {
  type CheckedRequest,
  requestFor,
  type GroupOfRequest,
} from '../../../../controlplane/model/request.js';
import { novaSettings, type SchedulerSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { asksNothing, type Filter, refusalOf } from '../../../../controlplane/placement/filters/filter.js';
import { filters } from '../../../../controlplane/placement/filters/index.js';
import { mostTermsAsked } from '../../../../controlplane/placement/filters/json-filter.js';
import { narrow } from '../../../../controlplane/placement/narrow.js';
import {
  isInNetwork,
  readIpAddress,
  readIpNetwork,
} from '../../../../controlplane/placement/requirements/ip-network.js';
import { queryLimits } from '../../../../controlplane/placement/requirements/json-query.js';
import {
  meets,
  readVersionPredicate,
  versionNumbers,
} from '../../../../controlplane/placement/requirements/version-predicate.js';
import { registryOf } from '../../../../scripts/conformance/load-hosts.js';
import type { VectorHost } from '../../../../scripts/conformance/vector.js';

function filterOf(name: string): Filter {
  const filter = filters.find((other) => other.name === name);
  if (!filter) throw new Error(`no filter ${name}`);
  return filter;
}

function columnsOf(...hosts: VectorHost[]) {
  return registryOf(hosts, novaSettings, 60).columns;
}

/** What a filter makes of one host: `passes`, or its refusal. */
function ask(
  name: string,
  host: VectorHost,
  request: CheckedRequest,
  more: Partial<SchedulerSettings> = {},
): unknown {
  const columns = columnsOf(host);
  const filter = filterOf(name);
  const prepared = filter.prepare(request, columns, { ...novaSettings, ...more });
  const rows = columns.present.slice();
  narrow(rows, prepared);
  return hasBit(rows, 0) ? 'passes' : refusalOf(filter, prepared, 0);
}

const hinted = (hints: Record<string, string[]>) => requestFor({}, { hints });
const queried = (query: unknown) =>
  hinted({ query: [typeof query === 'string' ? query : JSON.stringify(query)] });
const imaged = (properties: Record<string, string>, id = 'image-1') =>
  requestFor({}, { image: { id, name: '', properties } });
const grouped = (group: Partial<GroupOfRequest>, instanceUuid = '') =>
  requestFor(
    {},
    {
      instanceUuid,
      group: { id: 'g', policy: '', members: [], hosts: [], maxServerPerHost: undefined, ...group },
    },
  );

/** Filters that this page is about, and Nova's `run_filter_once_per_request` of each. */
const oncePerRequest: [string, boolean][] = [
  ['ImagePropertiesFilter', true],
  ['IsolatedHostsFilter', true],
  ['SameHostFilter', true],
  ['DifferentHostFilter', true],
  ['SimpleCIDRAffinityFilter', true],
  ['ServerGroupAffinityFilter', false],
  ['ServerGroupAntiAffinityFilter', false],
  ['MetricsFilter', false],
  ['JsonFilter', false],
];

t.test('a request that says nothing costs nothing', async (t) => {
  const columns = columnsOf({ host: 'h' });
  for (const [name, isOnce] of oncePerRequest) {
    t.equal(filterOf(name).prepare(requestFor({}), columns, novaSettings), asksNothing, name);
    t.equal(filterOf(name).isOncePerRequest ?? false, isOnce, `${name}: once per request`);
  }
});

t.test('refusals in words', async (t) => {
  const kvm = { supported_instances: [['x86_64', 'kvm', 'hvm']] };
  const table: [string, VectorHost, CheckedRequest, [string, string, string], Partial<SchedulerSettings>?][] =
    [
      [
        'ImagePropertiesFilter',
        { host: 'h' },
        imaged({ hw_architecture: 'AMD64' }),
        ['guests-unknown', 'no supported guests told', 'x86_64'],
      ],
      [
        'ImagePropertiesFilter',
        { host: 'h', ...kvm },
        imaged({ vm_mode: 'pv' }),
        ['guest-unsupported', 'supports x86_64 kvm hvm', 'xen'],
      ],
      [
        'ImagePropertiesFilter',
        { host: 'h', ...kvm, hypervisor_version: 6_002_000 },
        imaged({ img_hv_type: 'kvm', img_hv_requested_version: '>=6.2.1, <7.0' }),
        ['version-differs', 'hypervisor version 6.2.0', 'version >=6.2.1, <7.0'],
      ],
      [
        'ImagePropertiesFilter',
        { host: 'h', ...kvm, hypervisor_version: 999 },
        imaged({ img_hv_type: 'kvm', img_hv_requested_version: '>=0.1' }),
        ['version-unreadable', 'hypervisor version number 999', 'version >=0.1'],
      ],
      [
        'ImagePropertiesFilter',
        { host: 'h', ...kvm },
        requestFor({}),
        ['guest-unsupported', 'supports x86_64 kvm hvm', 'aarch64'],
        { imagePropertiesDefaultArchitecture: 'aarch64' },
      ],
      [
        'IsolatedHostsFilter',
        { host: 'h' },
        imaged({}),
        [
          'host-not-isolated',
          'not a host of isolated_hosts',
          'a host of isolated_hosts, for image image-1 of isolated_images',
        ],
        { isolatedImages: ['image-1'], isolatedHosts: ['H'] },
      ],
      [
        'IsolatedHostsFilter',
        { host: 'h' },
        requestFor({}),
        [
          'host-isolated',
          'a host of isolated_hosts',
          'a host outside isolated_hosts, for a server without an image is not of isolated_images',
        ],
        { isolatedHosts: ['h'] },
      ],
      [
        'SameHostFilter',
        { host: 'h', instances: ['A'] },
        hinted({ same_host: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }),
        ['server-elsewhere', 'none of these servers', 'a host of one of a, b, c, d, e and 2 more'],
      ],
      [
        'DifferentHostFilter',
        { host: 'h', instances: ['a', 'b'] },
        hinted({ different_host: ['b', 'x'] }),
        ['server-here', 'server b', 'a host without b, x'],
      ],
      [
        'SimpleCIDRAffinityFilter',
        { host: 'h', host_ip: '10.0.1.0' },
        hinted({ build_near_host_ip: ['10.0.0.9'] }),
        ['host-ip-outside', 'address 10.0.1.0', 'an address in 10.0.0.9/24'],
      ],
      [
        'SimpleCIDRAffinityFilter',
        { host: 'h' },
        hinted({ build_near_host_ip: ['::1'], cidr: ['/0'] }),
        ['host-ip-unknown', 'no address told', 'an address in ::1/0'],
      ],
      [
        'ServerGroupAffinityFilter',
        { host: 'h' },
        grouped({ policy: 'affinity', hosts: ['H', 'other'] }),
        ['group-elsewhere', 'host h', 'where the group is: H, other'],
      ],
      [
        'ServerGroupAntiAffinityFilter',
        { host: 'h', instances: ['a', 'b', 'c'] },
        grouped({ policy: 'anti-affinity', members: ['a', 'b', 'b', 'z'], maxServerPerHost: 2 }),
        ['group-full', '2 servers of the group', 'fewer than 2'],
      ],
      [
        'ServerGroupAntiAffinityFilter',
        { host: 'h' },
        grouped({ policy: 'anti-affinity', maxServerPerHost: 0 }),
        ['group-full', '0 servers of the group', 'fewer than 0'],
      ],
      [
        'MetricsFilter',
        { host: 'h', metrics: [{ name: 'cpu.percent', value: 1 }] },
        requestFor({}),
        ['metric-missing', 'not measured: cpu.idle', 'cpu.percent, cpu.idle'],
        {
          metricRatios: [
            { name: 'cpu.percent', ratio: 1 },
            { name: 'cpu.idle', ratio: 0 },
            { name: 'cpu.percent', ratio: 2 },
          ],
        },
      ],
      [
        'JsonFilter',
        { host: 'h', free_ram_mb: 512, total_usable_ram_mb: 1024 },
        queried(['>', '$free_ram_mb', '$total_usable_ram_mb', '$nothing']),
        [
          'query-false',
          'free_ram_mb 512, total_usable_ram_mb 1024, nothing not told',
          '[">","$free_ram_mb","$total_usable_ram_mb","$nothing"]',
        ],
      ],
      [
        'JsonFilter',
        { host: 'h', stats: { gpu: '1' } },
        queried(['<', '$stats.gpu', 2]),
        ['query-failed', 'stats.gpu 1, which cannot be compared', '["<","$stats.gpu",2]'],
      ],
      [
        'JsonFilter',
        { host: 'h' },
        queried(['or', false]),
        ['query-false', 'nothing of the host is asked', '["or",false]'],
      ],
    ];
  for (const [filter, host, request, [reason, observed, wanted], settings] of table)
    t.strictSame(
      ask(filter, host, request, settings),
      { filter, reason, observed, wanted },
      `${filter}: ${reason}`,
    );
});

t.test('the server itself does not stand in its own way', async (t) => {
  const group = { policy: 'anti-affinity', members: ['a', 'b'] };
  t.match(ask('ServerGroupAntiAffinityFilter', { host: 'h', instances: ['a'] }, grouped(group, 'c')), {
    reason: 'group-full',
  });
  t.equal(
    ask('ServerGroupAntiAffinityFilter', { host: 'h', instances: ['a'] }, grouped(group, 'a')),
    'passes',
  );
  const none = { ...group, maxServerPerHost: 0 };
  t.equal(
    ask('ServerGroupAntiAffinityFilter', { host: 'h', instances: ['b'] }, grouped(none, 'b')),
    'passes',
  );
});

t.test('JsonFilter: what the language makes of a host, as Python does', async (t) => {
  const host = {
    host: 'kvm-1',
    free_ram_mb: 512,
    vcpus_total: 1,
    stats: { gpu: '1' },
    service: { disabled: true },
    supported_instances: [['x86_64', 'kvm', 'hvm']],
  };
  const table: [unknown, boolean][] = [
    [['=', '$vcpus_total', true], true],
    [['=', '1', 1], false],
    [['<', '$free_ram_mb', 513, 1024], true],
    [['<', '$free_ram_mb', 513, 512], false],
    [['=', '$free_ram_mb'], false],
    [['in', '$host', 'kvm-2', 'kvm-1'], true],
    [['in', '$host'], false],
    [['=', '$nothing', '$nothing'], false],
    [['=', '$limits.memory_mb', 1], false],
    [['=', '$stats.gpu', '1'], true],
    [['=', '$stats.toString', '1'], false],
    [['=', '$service.disabled', true], true],
    [['=', '$free_ram_mb.x', 1], false],
    [['not', ['=', '$host', 'kvm-1']], false],
    [['not', true, false], true],
    [['and', ['not', true]], true],
    [['=', ['not', true], ['not', 1]], true],
    [['<', ['not', true], ['not', false]], true],
    [['<', '\uffff', '\u{1f600}'], true],
    [['=', '$', '$'], false],
    [['and'], true],
    [['or'], false],
    [['and', []], true],
    [['not', '$supported_instances'], false],
    [['or', {}], false],
    [['=', { a: [1] }, { a: [true] }], true],
    [[], true],
    ['"<ab"', true],
    ['"<ba"', false],
    ['0', true],
  ];
  for (const [query, passes] of table)
    t.equal(ask('JsonFilter', host, queried(query)) === 'passes', passes, JSON.stringify(query));
});

const field = 'scheduler_hints.query';
const nested = (levels: number): unknown => (levels === 1 ? ['and'] : ['and', nested(levels - 1)]);

t.test('JsonFilter: limits and what is no query', async (t) => {
  const host = { host: 'h' };
  const text = (bytes: number) => `["=","é${'x'.repeat(bytes - 10)}"]`;
  t.equal(Buffer.byteLength(text(queryLimits.textBytes)), queryLimits.textBytes);
  const within: [string, unknown][] = [
    ['the longest text', text(queryLimits.textBytes)],
    ['the deepest query', nested(queryLimits.levels)],
    ['the most terms', ['and', ...Array.from({ length: queryLimits.terms - 2 }, () => 1)]],
  ];
  for (const [name, query] of within) t.doesNotThrow(() => ask('JsonFilter', host, queried(query)), name);
  const beyond: [string, unknown, RegExp][] = [
    ['a longer text', text(queryLimits.textBytes + 1), /got "65537 bytes"; want at most 65536 bytes/],
    ['a million elements', ['in', ...Array.from({ length: 1e6 }, () => 1)], /bytes/],
    ['a deeper query', nested(queryLimits.levels + 1), /want at most 32 levels/],
    [
      'a query as deep as its text allows',
      `${'['.repeat(32_768)}${']'.repeat(32_768)}`,
      /want at most 32 levels/,
    ],
    [
      'more terms',
      ['and', ...Array.from({ length: queryLimits.terms - 1 }, () => 1)],
      /want at most 1000 terms/,
    ],
    [
      'as many terms as its text allows',
      ['in', ...Array.from({ length: 32_000 }, () => 1)],
      /want at most 1000 terms/,
    ],
    [
      'many objects',
      JSON.stringify({ a: Array.from({ length: 9_000 }, () => ({})) }),
      /want at most 1000 terms/,
    ],
    ['no JSON', '["=", ', /got "\["=", "; want JSON/],
    ['an unknown operator', ['xor', 1, 2], /got "xor"; want an operator: =, </],
    ['an inherited operator', ['and', ['constructor', 1]], /got "constructor"; want an operator/],
    ['an operator that is a list', [['='], 1, 1], /want an operator/],
    ['an object', { a: 1 }, /want a list that starts with an operator/],
    ['a number', '5', /want a list that starts with an operator/],
  ];
  for (const [name, query, message] of beyond)
    t.throws(
      () => ask('JsonFilter', host, queried(query)),
      { code: 'invalid-argument', field, message },
      name,
    );
  t.throws(() => ask('JsonFilter', host, hinted({ query: ['[]', '[]'] })), {
    code: 'invalid-argument',
    field,
  });
});

t.test('JsonFilter: a query has a budget over the whole fleet', async (t) => {
  const hosts = Array.from({ length: 2_001 }, (_, index) => ({ host: `h${index}` }));
  const { columns } = registryOf(hosts, novaSettings, 60);
  const query = (terms: number) => queried(['and', ...Array.from({ length: terms - 2 }, () => true)]);
  const most = Math.floor(mostTermsAsked / hosts.length);
  const prepare = (terms: number) => filterOf('JsonFilter').prepare(query(terms), columns, novaSettings);
  t.equal(narrow(columns.present.slice(), prepare(most)), hosts.length, 'as much as the budget allows');
  t.throws(() => prepare(most + 1), {
    code: 'invalid-argument',
    field,
    value: `"${most + 1} terms for each of 2001 hosts"`,
    cure: `at most ${most} terms for so many hosts`,
  });
});

t.test('ImagePropertiesFilter: what Nova refuses the request over', async (t) => {
  const host = { host: 'h', supported_instances: [['x86_64', 'kvm', 'hvm']] };
  const bad: [Record<string, string>, string][] = [
    [{ hw_architecture: 'pdp11' }, 'image.properties.hw_architecture'],
    [{ architecture: 'pdp11', hw_architecture: 'x86_64' }, 'image.properties.architecture'],
    [{ hw_architecture: '' }, 'image.properties.hw_architecture'],
    [{ hypervisor_type: 'kvm2' }, 'image.properties.hypervisor_type'],
    [{ hw_vm_mode: 'para' }, 'image.properties.hw_vm_mode'],
    ...['', '6.0', '=>6.0', '>=6', '>=6.0.0.1', '>= 6.0 <7.0', '>=6.0,', '>=6.0\n'].map(
      (version): [Record<string, string>, string] => [
        { img_hv_requested_version: version },
        'image.properties.img_hv_requested_version',
      ],
    ),
  ];
  for (const [properties, name] of bad)
    t.throws(
      () => ask('ImagePropertiesFilter', host, imaged(properties)),
      { code: 'invalid-argument', field: name },
      JSON.stringify(properties),
    );
  t.throws(
    () => ask('ImagePropertiesFilter', host, imaged({}), { imagePropertiesDefaultArchitecture: 'vax' }),
    { code: 'invalid-argument', field: 'image_properties_default_architecture' },
  );
  t.equal(
    ask('ImagePropertiesFilter', host, imaged({ architecture: 'aarch64', hw_architecture: 'x86_64' })),
    'passes',
    'the current name counts',
  );
  t.equal(
    ask('ImagePropertiesFilter', { host: 'h' }, imaged({ img_hv_requested_version: '>=6.0' })),
    'passes',
    'a version alone is not asked for',
  );
  const xen = { host: 'h', supported_instances: [['x86_64', 'xen', 'hvm']] };
  t.equal(ask('ImagePropertiesFilter', xen, imaged({ hw_vm_mode: 'xen' })), 'passes', 'places do not matter');
});

t.test('versions', async (t) => {
  const table: [number, string, boolean | undefined][] = [
    [6_002_000, '==6.2', true],
    [6_002_000, '!=6.2.0', false],
    [6_002_000, '>6.2a1', true],
    [6_002_000, '<=6.2b9', false],
    [6_002_001, '>=4.4,<6.2', false],
    [10_000_000, '>9.9', true],
    [5_000, '==5.0', true],
    [999, '>=0.1', undefined],
    [1_000_000_000, '>=0.1', undefined],
    [-1, '>=0.1', undefined],
    [0.5, '>=0.1', undefined],
  ];
  for (const [version, text, met] of table) {
    const predicate = readVersionPredicate(text);
    const numbers = versionNumbers(version);
    t.equal(predicate && numbers && meets(numbers, predicate), met, `${version} ${text}`);
  }
});

t.test('addresses and networks', async (t) => {
  const table: [string, string, boolean | undefined][] = [
    ['10.0.0.1/24', '10.0.0.255', true],
    ['10.0.0.1/31', '10.0.0.2', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1/0', '255.255.255.255', true],
    ['10.0.0.1/0', '::1', false],
    ['10/8', '10.9.9.9', true],
    ['010.0.0.1/32', '10.0.0.1', true],
    ['10.0.0.1/255.0.0.0', '10.9.9.9', true],
    ['10.0.0.1/0.0.0.255', '10.0.0.9', true],
    ['10.0.0.1/255.0.255.0', '10.0.0.1', undefined],
    ['10.0.0.1/33', '10.0.0.1', undefined],
    ['10.0.0.1/-1', '10.0.0.1', undefined],
    ['10.0.0.1/', '10.0.0.1', undefined],
    ['10.0.0.1/24/24', '10.0.0.1', undefined],
    ['10.0.0.256/24', '10.0.0.1', undefined],
    ['2001:db8::1/33', '2001:db8:7fff::', true],
    ['2001:db8::1/33', '2001:db8:8000::', false],
    ['::ffff:10.0.0.1/96', '::ffff:1.2.3.4', true],
    ['1:2:3:4:5:6:7::/128', '1:2:3:4:5:6:7:0', true],
    ['1:2:3:4:5:6:7:8::/64', '::1', undefined],
    ['1::2::3/64', '::1', undefined],
    ['12345::/64', '::1', undefined],
    ['::1/ffff::', '::2', true],
    ['', '::1', undefined],
    ['/24', '::1', undefined],
  ];
  for (const [text, address, isIn] of table) {
    const network = readIpNetwork(text);
    const ip = readIpAddress(address);
    if (!ip) throw new Error(`no address: ${address}`);
    t.equal(network && isInNetwork(ip, network), isIn, `${address} in ${text}`);
  }
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1..2.3',
    '01.2.3.4',
    '1.2.3.4 ',
    ':',
    ':::',
    '1:2',
    '1.2.3.4::',
    'g::',
  ])
    t.equal(readIpAddress(text), undefined, `no address: ${text}`);
});

t.test('SimpleCIDRAffinityFilter: hints that make no network', async (t) => {
  const host = { host: 'h', host_ip: '10.0.0.1' };
  const bad: [Record<string, string[]>, string][] = [
    [{ build_near_host_ip: ['10.0.0.1'], cidr: ['/33'] }, 'scheduler_hints.cidr'],
    [{ build_near_host_ip: ['10.0.0.1'], cidr: ['/abc'] }, 'scheduler_hints.cidr'],
    [{ build_near_host_ip: ['10.0.0.1'], cidr: ['/24', '/16'] }, 'scheduler_hints.cidr'],
    [{ build_near_host_ip: ['10.0.0.1', '10.0.0.2'] }, 'scheduler_hints.build_near_host_ip'],
  ];
  for (const [hints, name] of bad)
    t.throws(
      () => ask('SimpleCIDRAffinityFilter', host, hinted(hints)),
      { code: 'invalid-argument', field: name },
      JSON.stringify(hints),
    );
  // Nova puts one text behind the other: 10.0.0.1 and 24 are 10.0.0.124.
  t.match(ask('SimpleCIDRAffinityFilter', host, hinted({ build_near_host_ip: ['10.0.0.1'], cidr: ['24'] })), {
    wanted: 'an address in 10.0.0.124',
  });
  t.equal(ask('SimpleCIDRAffinityFilter', host, hinted({ cidr: ['/33'] })), 'passes');
});
