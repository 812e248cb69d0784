/** Rules of the filters that read aggregates, extra specs and counts, as far as answers of the real Nova do not hold them. */
import t from 'tap';
import { hasBit } from '../../../../controlplane/fleet/registry-columns.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import {
  type Aggregate,
  aggregateNumber,
  aggregateStrings,
} from '../../../../controlplane/model/aggregate.js';
import { type HostDetails, noDetails } from '../../../../controlplane/model/host-details.js';
import { jsonText, readJson } from '../../../../controlplane/model/python-json.js';
import {
  compareTexts,
  floatText,
  readFloat,
  readInteger,
  stripped,
  valueText,
  wordsOf,
} from '../../../../controlplane/model/python-text.js';
import { type CheckedRequest, requestFor } from '../../../../controlplane/model/request.js';
import { novaSettings, type SchedulerSettings } from '../../../../controlplane/model/scheduler-settings.js';
import type { Filter, Limits } from '../../../../controlplane/placement/filters/filter.js';
import { filters } from '../../../../controlplane/placement/filters/index.js';
import { narrow } from '../../../../controlplane/placement/narrow.js';
import { JsonTexts } from '../../../../controlplane/placement/requirements/capability.js';
import { ecusTaken } from '../../../../controlplane/placement/requirements/ecus.js';
import { imageProperties } from '../../../../controlplane/placement/requirements/image-properties.js';
import { parseRequirement } from '../../../../controlplane/placement/requirements/requirement.js';
import { keptVerdicts, Verdicts } from '../../../../controlplane/placement/requirements/verdicts.js';
import { DroverError } from '../../../../proto/wire/errors.js';

interface GivenHost {
  readonly metadata?: readonly Record<string, string>[];
  readonly details?: Partial<HostDetails>;
  readonly labels?: Record<string, string>;
  readonly counts?: Parameters<Registry['setCounts']>[1];
  readonly ratio?: number;
  readonly reservedCpus?: number;
  readonly vcpus?: number;
}

const aggregatesOf = (metadata: readonly Record<string, string>[] = []): Aggregate[] =>
  metadata.map((one, index) => ({ id: index + 1, name: `agg${index + 1}`, metadata: one }));

function registryWith(hosts: readonly GivenHost[]): Registry {
  const registry = new Registry();
  hosts.forEach((host, row) => add(registry, host, row));
  return registry;
}

function add(registry: Registry, host: GivenHost, row: number): void {
  const id = String(row);
  registry.upsert(
    {
      id,
      name: `kvm-${row}`,
      availabilityZone: '',
      labels: host.labels ?? {},
      disabled: false,
      disabledReason: '',
      overcommit: {
        cpuAllocationRatio: host.ratio ?? 1,
        ramAllocationRatio: 1,
        diskAllocationRatio: 1,
        reservedHostCpus: host.reservedCpus ?? 0,
        reservedHostMemoryMb: 512,
        reservedHostDiskMb: 0,
      },
      machineId: '',
      certificateSerial: '',
      enrolledUnixMs: 0,
      forcedDown: false,
      maintenance: null,
      lock: null,
      simulated: true,
      capacity: { vcpus: host.vcpus ?? 4, memoryBytes: 4096 * 2 ** 20, diskBytes: 100 * 2 ** 30 },
    },
    aggregatesOf(host.metadata),
  );
  registry.setDetails(id, { ...noDetails, ...host.details });
  registry.setCounts(id, host.counts ?? {});
}

interface Answer {
  readonly passes: readonly boolean[];
  /** Reason, observed and wanted of the hosts that do not pass. */
  readonly words: readonly string[];
  readonly limits: readonly (Limits | undefined)[];
}

function named(name: string): Filter {
  const filter = filters.find((one) => one.name === name);
  if (!filter) throw new Error(`no filter ${name}`);
  return filter;
}

function ask(
  name: string,
  hosts: readonly GivenHost[],
  request: CheckedRequest,
  settings: Partial<SchedulerSettings> = {},
): Answer {
  const { columns } = registryWith(hosts);
  const filter = named(name);
  const prepared = filter.prepare(request, columns, { ...novaSettings, ...settings });
  const rows = columns.present.slice();
  narrow(rows, prepared);
  const all = hosts.map((_, row) => row);
  const words = all
    .filter((row) => !hasBit(rows, row))
    .map((row) => {
      const { observed, wanted } = prepared.wordsOf(row);
      return `${filter.reasons[prepared.reasonOf(row)]}: ${observed}; ${wanted}`;
    });
  return {
    passes: all.map((row) => hasBit(rows, row)),
    words,
    limits: all.map((row) => prepared.limitsOf?.(row)),
  };
}

const specs = (extraSpecs: Record<string, string>) => requestFor({ extraSpecs });

t.test('EcuFilter: what a host offers, and where its number comes from', async (t) => {
  const ecus = (value: string) => specs({ 'drover:ecu': value });
  const cases: [string, GivenHost, string, boolean][] = [
    ['pCPUs x ECUs per pCPU x ratio', { ratio: 2 }, '16', true],
    ['no more than that', { ratio: 2 }, '16.5', false],
    ['what allocations took is off', { counts: { ecusUsed: 3.5 } }, '4.5', true],
    ['and no more', { counts: { ecusUsed: 3.5 } }, '4.75', false],
    ['reserved pCPUs are off, at their worth', { reservedCpus: 1 }, '6', true],
    ['and no more than those left', { reservedCpus: 1 }, '6.1', false],
    ['an aggregate says', { metadata: [{ ecus_per_pcpu: '5' }] }, '20', true],
    ['of several the least', { metadata: [{ ecus_per_pcpu: '5' }, { ecus_per_pcpu: '3' }] }, '12.1', false],
    ['a label says', { labels: { ecus_per_pcpu: '6' } }, '24', true],
    [
      'aggregate before label',
      { metadata: [{ ecus_per_pcpu: '1' }], labels: { ecus_per_pcpu: '6' } },
      '4.1',
      false,
    ],
    [
      'no number in an aggregate: the label',
      { metadata: [{ ecus_per_pcpu: 'x' }], labels: { ecus_per_pcpu: '6' } },
      '24',
      true,
    ],
    ['0 in an aggregate is none', { metadata: [{ ecus_per_pcpu: '0' }] }, '8', true],
    ['nan in a label is none', { labels: { ecus_per_pcpu: 'nan' } }, '8.1', false],
    ['a host without pCPUs has none', { vcpus: 0 }, '0.1', false],
  ];
  for (const [what, host, value, passes] of cases)
    t.strictSame(ask('EcuFilter', [host], ecus(value), { ecusPerPcpu: 2 }).passes, [passes], what);
  t.strictSame(ask('EcuFilter', [{ vcpus: 0 }], specs({})).passes, [true], 'without ECUs anywhere');
  const host = { ratio: 1.5, reservedCpus: 1, metadata: [{ ecus_per_pcpu: '2' }], counts: { ecusUsed: 9 } };
  t.strictSame(ask('EcuFilter', [host, { counts: { ecusUsed: 4 } }], ecus('4')).words, [
    'ecus-short: 0 ECUs left ((4 - 1 reserved) pCPUs x 2 by aggregate x 1.5, 9 used); 4 ECUs (extra spec drover:ecu)',
    'ecus-short: 0 ECUs left (4 pCPUs x 1 x 1, 4 used); 4 ECUs (extra spec drover:ecu)',
  ]);
  for (const bad of ['0', '-1', '1e3', 'four', '', '1,5', 'inf'])
    t.throws(
      () => ask('EcuFilter', [{}], ecus(bad)),
      { code: 'invalid-argument', message: /extra_specs\.drover:ecu/ },
      bad,
    );
  t.equal(ecusTaken({ 'drover:ecu': '2.5' }), 2.5);
  t.equal(ecusTaken({ 'drover:ecu': 'x' }) + ecusTaken({}), 0, 'what cannot be read takes none');
  const registry = registryWith([{}]);
  registry.setCounts('0', { ecusUsed: 3 });
  registry.remove('0');
  add(registry, {}, 0);
  t.equal(registry.columns.ecusUsed.values[0], 0, 'a row that is used again starts with none');
});

t.test('every refusal says what there is and what is wanted', async (t) => {
  const gold = { metadata: [{ tier: 'silver, bronze' }, { tier: 'silver' }, { other: '1' }] };
  const words: [string, GivenHost, CheckedRequest, string][] = [
    [
      'IoOpsFilter',
      { counts: { ioOps: 8 } },
      specs({}),
      'io-ops-at-limit: 8 I/O operations under way; fewer than 8',
    ],
    [
      'AggregateNumInstancesFilter',
      {
        counts: { servers: 3 },
        metadata: [{ max_instances_per_host: '7' }, { max_instances_per_host: '3' }],
      },
      specs({}),
      'instances-at-limit: 3 instances; fewer than 3 by aggregate',
    ],
    [
      'AggregateRamFilter',
      { metadata: [{ ram_allocation_ratio: '0.5' }] },
      requestFor({ memoryMb: 2048 }),
      'ram-short: 1792 MiB left ((4096 - 512 reserved) x 0.5 by aggregate, 0 used); 2048 MiB',
    ],
    ['AggregateCoreFilter', {}, requestFor({ vcpus: 5 }), 'vcpus-over-total: 4 vCPUs in all; 5 vCPUs'],
    [
      'RetryFilter',
      {},
      requestFor({}, { retry: { attempts: 2, hosts: [['kvm-0', 'kvm-0']] } }),
      'host-tried-before: kvm-0 was tried before (2 attempts so far); a host that was not tried',
    ],
    [
      'AggregateTypeAffinityFilter',
      { metadata: [{ instance_type: 'm1, m2' }] },
      requestFor({ name: 'm3' }),
      'flavor-not-in-aggregate: "m1", "m2" in aggregate agg1; instance_type "m3"',
    ],
    [
      'AggregateMultiTenancyIsolation',
      { metadata: [{ filter_tenant_id: 'a' }] },
      requestFor({}, { projectId: 'b' }),
      'project-not-in-aggregate: "a" in aggregate agg1; filter_tenant_id "b"',
    ],
    [
      'AggregateImagePropertiesIsolation',
      { metadata: [{ os_distro: 'debian' }] },
      requestFor({}, { image: { id: '', name: '', properties: { os_distro: 'ubuntu' } } }),
      'image-property-not-in-aggregate: "debian" in aggregate agg1; image property os_distro "ubuntu"',
    ],
    [
      'AggregateInstanceExtraSpecsFilter',
      gold,
      specs({ tier: 'gold' }),
      'aggregate-spec-differs: "silver", "bronze" in aggregates agg1, agg2; extra spec tier "gold"',
    ],
    [
      'AggregateInstanceExtraSpecsFilter',
      gold,
      specs({ tier: '>= 4' }),
      'aggregate-spec-not-a-number: "silver", "bronze" in aggregates agg1, agg2; extra spec tier ">= 4"',
    ],
    [
      'AggregateInstanceExtraSpecsFilter',
      { metadata: [{ tier: '8' }, { tier: '' }] },
      specs({ tier: '>= 4' }),
      'aggregate-spec-not-a-number: "8", "" in aggregates agg1, agg2; extra spec tier ">= 4"',
    ],
    [
      'AggregateInstanceExtraSpecsFilter',
      gold,
      specs({ 'aggregate_instance_extra_specs:ssd:x': 'true' }),
      'aggregate-spec-missing: not set in aggregates agg1, agg2, agg3; extra spec aggregate_instance_extra_specs:ssd:x "true"',
    ],
    [
      'AggregateInstanceExtraSpecsFilter',
      {},
      specs({ ssd: '1' }),
      'aggregate-spec-missing: in no aggregate; extra spec ssd "1"',
    ],
    [
      'ComputeCapabilitiesFilter',
      { details: { hypervisorType: 'QEMU' } },
      specs({ hypervisor_type: 's== Xen' }),
      'capability-differs: hypervisor_type "QEMU"; extra spec hypervisor_type "s== Xen"',
    ],
    [
      'ComputeCapabilitiesFilter',
      { details: { hypervisorType: 'QEMU' } },
      specs({ hypervisor_type: '>= 4' }),
      'capability-not-a-number: hypervisor_type "QEMU"; extra spec hypervisor_type ">= 4"',
    ],
    [
      'ComputeCapabilitiesFilter',
      {},
      specs({ 'capabilities:cpu_info:arch': 'x86_64' }),
      'capability-missing: tells no cpu_info:arch; extra spec capabilities:cpu_info:arch "x86_64"',
    ],
  ];
  for (const [name, host, request, text] of words)
    t.strictSame(ask(name, [host], request).words, [text], name);
});

t.test('requirements that cannot be meant refuse the request, by name of the spec', async (t) => {
  const bad: [string, string, string][] = [
    ['ComputeCapabilitiesFilter', 'capabilities:gpu', '>= many'],
    ['ComputeCapabilitiesFilter', 'capabilities:gpu', '<or>'],
    ['ComputeCapabilitiesFilter', 'hypervisor_version', '= 7.2.0'],
    ['AggregateInstanceExtraSpecsFilter', 'ssd', '!= x'],
    ['AggregateInstanceExtraSpecsFilter', 'aggregate_instance_extra_specs:ssd', '<or> '],
  ];
  for (const [name, spec, text] of bad) {
    const thrown = outcome(() => ask(name, [{}], specs({ [spec]: text })));
    t.ok(thrown instanceof DroverError && thrown.code === 'invalid-argument', `${name} ${spec}`);
    t.match(String(thrown), `extra_specs.${spec}`);
  }
  t.strictSame(
    ask('ComputeCapabilitiesFilter', [{}], specs({ 'quota:x': '>= y', 'x:y:z': '<or>' })).passes,
    [true],
    'of others',
  );
  for (const name of ['ComputeCapabilitiesFilter', 'AggregateInstanceExtraSpecsFilter'])
    t.strictSame(ask(name, [{}], specs({ 'pci_passthrough:alias': 'nic:1' })).passes, [true], name);
  const mixed = [{ details: { stats: { ssd: '1' } } }, {}];
  const unscoped = ask('ComputeCapabilitiesFilter', mixed, specs({ ssd: '>= y' }));
  t.strictSame(unscoped.passes, [false, true], 'a key of stats fails only on hosts that know it');
  t.match(unscoped.words[0], /^capability-not-a-number/);
});

function outcome(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    return thrown;
  }
}

t.test('a host of odd numbers spoils nothing for others', async (t) => {
  const hosts = [
    { metadata: [{ n: 'x' }] },
    { metadata: [{ n: 'x, 5' }] },
    { metadata: [{ n: 'x' }, { n: '4' }] },
  ];
  t.strictSame(ask('AggregateInstanceExtraSpecsFilter', hosts, specs({ n: '>= 4' })).passes, [
    false,
    true,
    true,
  ]);
  const ratios = [
    { metadata: [{ cpu_allocation_ratio: 'inf' }] },
    { metadata: [{ cpu_allocation_ratio: 'nan' }] },
    {},
  ];
  const cores = ask('AggregateCoreFilter', ratios, requestFor({ vcpus: 4 }));
  t.strictSame(cores.passes, [true, true, true], "the host's own ratio stands");
  t.strictSame(cores.limits, [{ vcpus: 4 }, { vcpus: 4 }, { vcpus: 4 }]);
  const none = ask(
    'AggregateCoreFilter',
    [{ vcpus: 0, metadata: [{ cpu_allocation_ratio: '2' }] }],
    requestFor({}),
  );
  t.strictSame(none, { passes: [true], words: [], limits: [undefined] }, 'no vCPUs told: passes, no limit');
});

t.test('RetryFilter: pairs of host and node', async (t) => {
  const hosts = [{}, { details: { nodeName: 'n1' } }, { details: { nodeName: 'n2' } }];
  const tried = (...pairs: [string, string | null][]) =>
    ask('RetryFilter', hosts, requestFor({}, { retry: { attempts: 1, hosts: pairs } })).passes;
  t.strictSame(tried(['kvm-0', 'kvm-0'], ['kvm-1', 'kvm-1'], ['kvm-2', 'n2']), [false, true, false]);
  t.strictSame(
    tried(['kvm-1', null], ['KVM-0', null], ['kvm-9', null]),
    [true, false, true],
    'no node: all of them',
  );
  t.strictSame(ask('RetryFilter', hosts, requestFor({})).passes, [true, true, true]);
});

t.test('ComputeCapabilitiesFilter: what lies inside a text, and what no host tells', async (t) => {
  const stats = {
    json: '{"a": {"b": 4.0, "c": [1, 2.5, "x"]}}',
    list: '[1]',
    text: 'plain',
    constructor: 'own',
  };
  const host = {
    details: { stats, cpuInfo: { features: ['aes', "it's"], sse: true }, hypervisorVersion: 7_002_000 },
  };
  const cases: [string, string, boolean][] = [
    ['capabilities:json:a:b', '4.0', true],
    ['capabilities:json:a:b', '4', false],
    ['capabilities:json:a', "{'b': 4.0, 'c': [1, 2.5, 'x']}", true],
    ['capabilities:list:a', '<in> 1', false],
    ['capabilities:text:a', '<in> p', false],
    ['capabilities:stats:text', 'plain', true],
    ['capabilities:constructor', 'own', true],
    ['capabilities:toString', '<in> f', false],
    ['capabilities:cpu_info:__proto__', '<in> o', false],
    ['capabilities:cpu_info', '<all-in> {"features": "it\'s"],', true],
    ['capabilities:cpu_info', '<in> "aes",', true],
    ['capabilities:cpu_info:sse', 'True', true],
    ['capabilities:cpu_info:features', `['aes', "it's"]`, true],
    ['capabilities:ram_allocation_ratio', '1.0', true],
    ['capabilities:total_usable_disk_gb', '100', true],
    ['capabilities:free_ram_mb', '= 3584', true],
    ['capabilities:host', 'kvm-0', true],
    ['capabilities:nodename', 'kvm-0', true],
    ['capabilities:service', '<in> host', false],
    ['numa_topology', 's!= x', false],
    ['nobody_knows', 's!= x', true],
    ['hypervisor_version', '7002000', true],
  ];
  for (const [key, text, passes] of cases)
    t.strictSame(
      ask('ComputeCapabilitiesFilter', [host], specs({ [key]: text })).passes,
      [passes],
      `${key} ${text}`,
    );
});

t.test('image properties as Nova holds them', async (t) => {
  const cases: [Record<string, string>, Record<string, string>][] = [
    [{ architecture: 'AMD64' }, { hw_architecture: 'x86_64' }],
    [{ architecture: 'i586', hw_architecture: 'aarch64' }, { hw_architecture: 'aarch64' }],
    [
      { hypervisor_type: 'XAPI', vm_mode: 'pv', os_type: 'Linux' },
      { img_hv_type: 'xen', hw_vm_mode: 'xen', os_type: 'linux' },
    ],
    [
      { hw_cpu_cores: ' 04 ', hw_cpu_sockets: '0', hw_video_ram: 'x' },
      { hw_cpu_cores: '4', hw_video_ram: 'x' },
    ],
    [
      { hw_qemu_guest_agent: 'yes', hw_pmu: 'off', hw_boot_menu: ' TRUE ' },
      { hw_qemu_guest_agent: 'True', hw_boot_menu: 'True' },
    ],
    [{ custom: 'a', os_distro: '' }, {}],
    [{ vmware_adaptertype: 'paraVirtual' }, { hw_disk_bus: 'scsi', hw_scsi_model: 'vmpvscsi' }],
    [{ vmware_adaptertype: 'ide' }, { hw_disk_bus: 'ide' }],
    [{ 'hw_numa_mem.0': '512', 'hw_numa_mem.2': '1' }, { hw_numa_mem: '[512]' }],
    [{ 'trait:A': 'required', 'trait:B': 'x' }, { traits_required: "['A']" }],
  ];
  for (const [properties, known] of cases)
    t.strictSame(
      Object.fromEntries(imageProperties({ id: '', name: '', properties })),
      known,
      JSON.stringify(properties),
    );
  t.equal(imageProperties(null).size, 0);
});

t.test('numbers and texts are read and written as Python does', async (t) => {
  const numbers: [string, number | undefined, number | undefined][] = [
    ['1_0', 10, 10],
    ['1__0', undefined, undefined],
    ['1_.5', undefined, undefined],
    [' 4\u3000', 4, 4],
    ['\x1c4', undefined, undefined],
    ['٤', 4, 4],
    ['\u{1d7dc}', 4, 4],
    ['.5', 0.5, undefined],
    ['5.', 5, undefined],
    ['1e1_0', 1e10, undefined],
    ['-Infinity', -Infinity, undefined],
    ['nan', Number.NaN, undefined],
    ['0x10', undefined, undefined],
    ['', undefined, undefined],
    ['\ufeff4', undefined, undefined],
    ['+5', 5, 5],
  ];
  for (const [text, float, integer] of numbers) {
    t.same(readFloat(text), float, `float ${JSON.stringify(text)}`);
    t.same(readInteger(text), integer, `int ${JSON.stringify(text)}`);
  }
  t.strictSame(wordsOf(' a\x1cb\u3000c\ufeff '), ['a', 'b', 'c\ufeff']);
  t.equal(stripped('\x1f a b\x85'), 'a b');
  t.ok(
    compareTexts('\u{1f600}', '\uffff') > 0 && compareTexts('a', 'ab') < 0 && compareTexts('a', 'a') === 0,
  );
  t.strictSame([1, 1e16, 1e-5, 0.1, -0, Number.NaN, -Infinity].map(floatText), [
    '1.0',
    '1e+16',
    '1e-05',
    '0.1',
    '-0.0',
    'nan',
    '-inf',
  ]);
  t.equal(
    valueText([`a"b'`, 'x\n', 'é', '\u2028', null, false, { k: 1.5 }]),
    `['a"b\\'', 'x\\n', 'é', '\\u2028', None, False, {'k': 1.5}]`,
  );
  t.equal(
    valueText(readJson('{"a": 1.0, "b": 12345678901234567890, "c": "4.0"}')),
    "{'a': 1.0, 'b': 12345678901234567890, 'c': '4.0'}",
  );
  t.equal(readJson('{"a": '), undefined);
  t.equal(jsonText({ a: ['é', 1, null, true] }), '{"a": ["\\u00e9", 1, null, true]}');
  t.equal(aggregateNumber(aggregatesOf([{ k: ' 2.5 ' }, { k: '1_0' }]), 'k'), 2.5);
  t.strictSame(aggregateStrings(aggregatesOf([{ k: 'a ,b,' }, { k: 'a' }]), 'k'), ['a', 'b', '']);
});

t.test('requirements: what the first word makes of the rest', async (t) => {
  const cases: [string, string, boolean | undefined][] = [
    ['5', '= 4', true],
    ['3', '= 4', false],
    ['x', '= 4', undefined],
    ['4', '= ', false],
    ['', '=', false],
    ['10', 's< 9', true],
    ['gold', '<or> silver x gold', true],
    ['x', '<or> silver x gold', false],
    ['=> 4', '=> 4', true],
    [' 4', ' 4', true],
    ['toString', 'toString', true],
    ['avx2', '<all-in> avx 2', true],
  ];
  for (const [value, text, met] of cases)
    t.equal(parseRequirement(text).matches(value), met, `${value} ${text}`);
  t.match(parseRequirement('<= x').fault, 'x behind <= is no number');
  t.equal(parseRequirement('constructor').fault, undefined);
});

t.test('what is remembered has an end', async (t) => {
  let asked = 0;
  const verdicts = new Verdicts<number, number>((value) => (asked++, value));
  for (let value = 0; value < keptVerdicts + 100; value++) verdicts.of(value);
  t.equal(verdicts.size, keptVerdicts);
  asked = 0;
  t.equal(verdicts.of(5) + verdicts.of(keptVerdicts + 5), keptVerdicts + 10);
  t.equal(asked, 1, 'one beyond the limit is asked anew');
  const texts = new JsonTexts();
  for (let number = 0; number < 3000; number++) texts.read(`{"n": ${number}}`);
  t.ok(texts.size <= 1024 && texts.size > 0);
});

t.test('the longest keys and the most specs that a request may have are no slow path', async (t) => {
  const names = Array.from({ length: 128 }, (_, n) => `k${n}`);
  const extraSpecs = Object.fromEntries(
    names.map((name) => [`capabilities:${name}:`.padEnd(254, 'a:') + 'z', '<all-in>'.padEnd(254, ' x')]),
  );
  const keys = Object.keys(extraSpecs)[0]?.split(':').slice(2) ?? [];
  const deep = keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), 'axb');
  const stats = Object.fromEntries(names.map((name) => [name, JSON.stringify(deep)]));
  const host = { metadata: [Object.fromEntries(names.map((name) => [name, 'a,x']))], details: { stats } };
  const { columns } = registryWith(Array.from({ length: 1000 }, () => host));
  const plain = names.map((name) => [`aggregate_instance_extra_specs:${name}`, '<all-in>'.padEnd(254, ' x')]);
  const asked: [string, Record<string, string>][] = [
    ['ComputeCapabilitiesFilter', Object.fromEntries(Object.entries(extraSpecs).slice(0, 1))],
    ['AggregateInstanceExtraSpecsFilter', Object.fromEntries(plain) as Record<string, string>],
  ];
  for (const [name, given] of asked) {
    const rows = columns.present.slice();
    const left = narrow(rows, named(name).prepare(specs(given), columns, novaSettings));
    t.equal(left, 1000, `${name} asks to the end`);
  }
});
