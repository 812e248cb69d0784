/** Flavors, aggregates, server groups, settings and requests against them, over a store in memory. */
import t from 'tap';
import { availabilityZones } from '../../../../controlplane/catalog/zones.js';
import { Flavors } from '../../../../controlplane/catalog/flavors.js';
import { catalogLimits } from '../../../../controlplane/catalog/limits.js';
import { requestFrom } from '../../../../controlplane/catalog/request-from.js';
import { ServerGroups } from '../../../../controlplane/catalog/server-groups.js';
import { Settings } from '../../../../controlplane/catalog/settings.js';
import { catalogHandlers, pageBytes } from '../../../../controlplane/api/catalog.js';
import { maximumSimulations, simulator } from '../../../../controlplane/api/simulate.js';
import { detailsOf, hypervisorVersion } from '../../../../controlplane/model/host-details-facts.js';
import { requestLimits } from '../../../../controlplane/model/request.js';
import { novaSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { Writer } from '../../../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../../../controlplane/store/memory.js';
import type { Flavor, FlavorInput } from '../../../../proto/gen/drover/v1/Flavor.js';
import type { HostAggregateInput } from '../../../../proto/gen/drover/v1/HostAggregate.js';
import type { HostFactsInput } from '../../../../proto/gen/drover/v1/HostFacts.js';
import type { PlacementRequestInput } from '../../../../proto/gen/drover/v1/PlacementRequest.js';
import type { ServerGroupInput } from '../../../../proto/gen/drover/v1/ServerGroup.js';
import type { SimulateRequestInput } from '../../../../proto/gen/drover/v1/SimulateRequest.js';
import { codec } from '../../../../proto/wire/load.js';
import { placementRequest } from '../../../support/placement-request.js';
import { openTestCatalog, vocabulary } from '../../../support/test-catalog.js';
import { asRecords } from '../../../support/stored.js';

/** What the control plane reads of a message that says only this. */
const flavor = (given: FlavorInput) => codec('Flavor').decode(codec('Flavor').encode(given));
const aggregate = (given: HostAggregateInput) =>
  codec('HostAggregate').decode(codec('HostAggregate').encode(given));
const group = (given: ServerGroupInput) => codec('ServerGroup').decode(codec('ServerGroup').encode(given));

const small: FlavorInput = { name: 'm1.small', vcpus: 2, memoryMb: 2048, rootGb: 20 };
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 'v']));

t.test('flavors: made, replaced, deleted, and there after a restart', async (t) => {
  const { store, catalog } = await openTestCatalog();
  const { flavors } = catalog;
  const made = await flavors.put(flavor({ ...small, extraSpecs: { 'hw:cpu_policy': 'dedicated' } }));
  t.match(made, { ...small, extraSpecs: { 'hw:cpu_policy': 'dedicated' }, updatedUnixMs: 1 });
  await flavors.put(flavor({ ...small, name: 'a', vcpus: 1 }));
  t.same(
    flavors.all().map(({ name }) => name),
    ['a', 'm1.small'],
    'by name',
  );
  const replaced = await flavors.put(flavor({ ...small, vcpus: 4, updatedUnixMs: made.updatedUnixMs }));
  t.match([replaced.vcpus, replaced.extraSpecs], [4, {}], 'whole, and not merged');
  await t.rejects(flavors.put({ ...made, vcpus: 8 }), {
    code: 'stale-revision',
    field: 'flavor.updated_unix_ms',
  });
  t.equal(flavors.get('m1.small').vcpus, 4, 'the older state has changed nothing');
  await flavors.delete('a');
  await t.rejects(flavors.delete('a'), { code: 'not-found', field: 'name', value: 'a' });
  const again = (await openTestCatalog(store)).catalog.flavors;
  t.same(again.all(), [replaced]);
  t.throws(() => again.get('m1.smal'), { code: 'not-found', cure: 'did you mean m1.small?' });
  t.throws(() => again.get('M1.SMALL'), { code: 'not-found', cure: 'did you mean m1.small?' });
  t.throws(() => again.get('x'.repeat(300)), { code: 'not-found', cure: /drover flavor list/ });
  const full = new Flavors(new Writer(new MemoryStore(), 0), () => 1, 1);
  await full.put(flavor(small));
  await full.put(flavor({ ...small, vcpus: 3 }));
  await t.rejects(full.put(flavor({ ...small, name: 'more' })), { code: 'resource-exhausted' });
});

t.test('flavors: what is refused changes nothing', async (t) => {
  const { catalog, store } = await openTestCatalog();
  const table: [change: FlavorInput, field: string][] = [
    [{ name: '' }, 'flavor.name'],
    [{ name: ' m1' }, 'flavor.name'],
    [{ name: 'a\nb' }, 'flavor.name'],
    [{ name: 'é'.repeat(128) }, 'flavor.name'],
    [{ vcpus: 0 }, 'flavor.vcpus'],
    [{ vcpus: -1 }, 'flavor.vcpus'],
    [{ vcpus: 1025 }, 'flavor.vcpus'],
    [{ memoryMb: 0 }, 'flavor.memory_mb'],
    [{ memoryMb: -5 }, 'flavor.memory_mb'],
    [{ memoryMb: 2 ** 52 }, 'flavor.memory_mb'],
    [{ rootGb: 2 ** 40 }, 'flavor.root_gb'],
    [{ ephemeralGb: -1 }, 'flavor.ephemeral_gb'],
    [{ swapMb: 2 ** 27 }, 'flavor.swap_mb'],
    [{ extraSpecs: many(129) }, 'flavor.extra_specs'],
    [{ extraSpecs: { '': 'x' } }, 'flavor.extra_specs key'],
    [{ extraSpecs: { k: 'x'.repeat(256) } }, 'flavor.extra_specs.k'],
    [{ extraSpecs: { ['k'.repeat(256)]: 'x' } }, 'flavor.extra_specs key'],
  ];
  for (const [change, field] of table)
    await t.rejects(
      catalog.flavors.put({ ...flavor(small), ...change } as Flavor),
      { code: 'invalid-argument', field },
      JSON.stringify(change).slice(0, 60),
    );
  await t.rejects(catalog.flavors.put({ ...flavor(small), vcpus: 1.5 }), {
    code: 'invalid-argument',
    field: 'flavor.vcpus',
  });
  await t.rejects(catalog.flavors.put({ ...flavor(small), vcpus: Number.NaN }), {
    code: 'invalid-argument',
    field: 'flavor.vcpus',
  });
  await t.rejects(catalog.flavors.put(null), { code: 'invalid-argument', field: 'flavor' });
  t.same(catalog.flavors.all(), []);
  t.equal((await store.load()).revision, 0, 'nothing was written');
});

t.test('aggregates: hosts and metadata reach placement at once, and after a restart', async (t) => {
  const { store, registry, directory, catalog, join } = await openTestCatalog();
  for (const name of ['kvm-1', 'kvm-2', 'kvm-3']) await join(name);
  const { aggregates } = catalog;
  const names = (id: string) => registry.view(id)?.aggregates;
  const zones = () => availabilityZones(registry.columns).map(({ name, hosts }) => [name, hosts]);
  t.same(zones(), [['nova', 3]]);
  const rack = await aggregates.put(
    aggregate({ name: 'rack', metadata: { availability_zone: 'az-1' }, hosts: ['kvm-1', 'id-kvm-2'] }),
  );
  t.match(rack, { id: 1, hostIds: ['id-kvm-1', 'id-kvm-2'], hosts: ['kvm-1', 'kvm-2'] });
  t.same([names('id-kvm-1'), names('id-kvm-3')], [['rack'], []]);
  t.same(zones(), [
    ['az-1', 2],
    ['nova', 1],
  ]);
  const dense = { name: 'dense', metadata: { ram_weight_multiplier: '2.5' }, hosts: ['kvm-2', 'kvm-3'] };
  t.equal((await aggregates.put(aggregate(dense))).id, 2);
  t.same(names('id-kvm-2'), ['rack', 'dense'], 'by id');
  const row = registry.rowOf('id-kvm-2') as number;
  t.equal(registry.columns.multipliers.get('ram_weight_multiplier')?.[row], 2.5);
  await t.rejects(
    aggregates.put(aggregate({ name: 'other', metadata: { availability_zone: 'az-2' }, hosts: ['kvm-2'] })),
    {
      code: 'failed-precondition',
      message: /kvm-2 is in zone az-1 by aggregate rack/,
      cure: /take it out of rack/,
    },
  );
  await t.rejects(
    aggregates.put(aggregate({ ...dense, metadata: { availability_zone: 'az-2' } })),
    { code: 'failed-precondition' },
    'also when an aggregate that is there gets a zone',
  );
  await aggregates.put(
    aggregate({ name: 'same', metadata: { availability_zone: 'az-1' }, hosts: ['kvm-2'] }),
  );
  await aggregates.delete('same');
  const moved = { ...rack, hosts: ['kvm-2'], hostIds: [] };
  const changed = await aggregates.put(moved);
  t.same([names('id-kvm-1'), names('id-kvm-2')], [[], ['rack', 'dense']]);
  await t.rejects(aggregates.put(moved), { code: 'stale-revision' }, 'it was read before that change');

  const again = await openTestCatalog(store);
  t.same(
    again.catalog.aggregates.all().map(({ name, id }) => [name, id]),
    [
      ['dense', 2],
      ['rack', 1],
    ],
  );
  t.same(again.registry.view('id-kvm-2')?.aggregates, ['rack', 'dense']);
  t.same(
    availabilityZones(again.registry.columns).map(({ name, hosts }) => [name, hosts]),
    [
      ['az-1', 1],
      ['nova', 2],
    ],
  );
  await directory.remove('id-kvm-2');
  t.same(aggregates.shown(changed).hosts, [], 'a host that left is in none');
  await aggregates.put(aggregate({ name: 'last' })); // behind the removal
  t.same(
    aggregates.all().map(({ name, hostIds }) => [name, hostIds]),
    [
      ['dense', ['id-kvm-3']],
      ['last', []],
      ['rack', []],
    ],
    'nor in the store',
  );
  await aggregates.delete('dense');
  t.same(names('id-kvm-3'), []);
  const left = registry.rowOf('id-kvm-3') as number;
  t.ok(Number.isNaN(registry.columns.multipliers.get('ram_weight_multiplier')?.[left]));
  await t.rejects(aggregates.delete('dens'), { code: 'not-found', field: 'name' });
});

t.test('aggregates: a host that could not be taken out is out after the next start', async (t) => {
  const { store, directory, catalog, join, warnings } = await openTestCatalog();
  await join('kvm-1');
  await catalog.aggregates.put(aggregate({ name: 'rack', hosts: ['kvm-1'] }));
  await directory.remove('id-kvm-1');
  // The store as it was before the aggregate was written anew.
  const lost = new MemoryStore();
  const record = {
    key: 'catalog/aggregate/rack',
    value: codec('HostAggregate').encode({ name: 'rack', id: 1, hostIds: ['id-kvm-1'] }),
  };
  await lost.commit([record], 0);
  const again = await openTestCatalog(lost);
  t.same(again.catalog.aggregates.shown(again.catalog.aggregates.get('rack')).hostIds, []);
  t.same(again.catalog.aggregates.of('id-kvm-1'), []);
  t.same(warnings, []);
  const broken = new MemoryStore();
  await broken.commit([{ key: 'catalog/aggregate/x', value: Uint8Array.of(255, 255) }], 0);
  await t.rejects(openTestCatalog(broken), { code: 'storage-corrupt', field: 'catalog/aggregate/x' });
  await store.close();
});

t.test('aggregates: what is refused changes nothing', async (t) => {
  const { catalog, store, join } = await openTestCatalog();
  await join('kvm-1');
  const before = (await store.load()).revision;
  const with_ = (key: string, value: string): HostAggregateInput => ({ metadata: { [key]: value } });
  const table: [change: HostAggregateInput, field: string, code?: string][] = [
    [{ name: '' }, 'aggregate.name'],
    [{ hosts: ['nobody'] }, 'host', 'not-found'],
    [{ hosts: ['kvm-1', 'id-kvm-1'] }, 'aggregate.hosts[1]'],
    [{ metadata: many(catalogLimits.metadata + 1) }, 'aggregate.metadata'],
    [with_('k', 'x'.repeat(256)), 'aggregate.metadata.k'],
    ...['', 'a,b', ' a', 'a:b'].map((zone): [HostAggregateInput, string] => [
      with_('availability_zone', zone),
      'aggregate.metadata.availability_zone',
    ]),
    ...['0', '-1', 'NaN', 'inf', '1e999', '0x10', '', 'four', '1001'].flatMap((ratio) =>
      ['cpu', 'ram', 'disk'].map((name): [HostAggregateInput, string] => [
        with_(`${name}_allocation_ratio`, ratio),
        `aggregate.metadata.${name}_allocation_ratio`,
      ]),
    ),
    [with_('ram_weight_multiplier', 'NaN'), 'aggregate.metadata.ram_weight_multiplier'],
    [with_('max_instances_per_host', '1.5'), 'aggregate.metadata.max_instances_per_host'],
    [with_('reserved_host_cpus', '-1'), 'aggregate.metadata.reserved_host_cpus'],
    [with_('ecus_per_pcpu', '0'), 'aggregate.metadata.ecus_per_pcpu'],
  ];
  for (const [change, field, code = 'invalid-argument'] of table)
    await t.rejects(
      catalog.aggregates.put(aggregate({ name: 'a', ...change })),
      { code, field },
      JSON.stringify(change).slice(0, 80),
    );
  await t.rejects(catalog.aggregates.put(null), { code: 'invalid-argument', field: 'aggregate' });
  t.same(catalog.aggregates.all(), []);
  t.equal((await store.load()).revision, before);
});

t.test('server groups', async (t) => {
  const { store, catalog, members } = await openTestCatalog();
  const { groups } = catalog;
  const web = await groups.create(
    group({ name: 'web', policy: 'anti-affinity', maxServerPerHost: 2, projectId: 'p' }),
  );
  const db = await groups.create(group({ name: 'db', policy: 'soft-affinity' }));
  await t.rejects(
    Promise.all([
      groups.create(group({ name: 'x', policy: 'affinity' })),
      groups.create(group({ name: 'x', policy: 'affinity' })),
    ]),
    { code: 'already-exists', field: 'server_group.name', value: 'x' },
    'two at once: one wins',
  );
  members.set(web.id, { members: ['u1', 'u2'], hosts: ['kvm-1'] });
  t.match(groups.shown(web), { members: ['u1', 'u2'], hosts: ['kvm-1'] });
  t.same(groups.ofRequest('web', 'f'), {
    ...{ id: web.id, policy: 'anti-affinity', maxServerPerHost: 2 },
    ...{ members: ['u1', 'u2'], hosts: ['kvm-1'] },
  });
  t.equal(groups.ofRequest(db.id, 'f').maxServerPerHost, undefined);
  t.same(groups.get(db.id), { id: db.id, name: 'db', policy: 'soft-affinity', maxServerPerHost: undefined });
  await t.rejects(groups.delete('web'), { code: 'failed-precondition', message: /2 members/ });
  members.delete(web.id);
  await groups.delete(web.id);
  t.throws(() => groups.resolve('web'), { code: 'not-found', field: 'server_group' });
  const table: [change: ServerGroupInput, field: string][] = [
    [{ name: '' }, 'server_group.name'],
    [{ policy: 'affinty' }, 'server_group.policy'],
    [{ policy: '' }, 'server_group.policy'],
    [{ policy: 'affinity', maxServerPerHost: 2 }, 'server_group.max_server_per_host'],
    [{ maxServerPerHost: 10_001 }, 'server_group.max_server_per_host'],
    [{ maxServerPerHost: -1 }, 'server_group.max_server_per_host'],
    [{ projectId: 'x'.repeat(256) }, 'server_group.project_id'],
  ];
  for (const [change, field] of table)
    await t.rejects(groups.create(group({ name: 'n', policy: 'anti-affinity', ...change })), {
      code: 'invalid-argument',
      field,
    });
  const again = (await openTestCatalog(store)).catalog.groups;
  t.same(
    again.all().map(({ name }) => name),
    ['db', 'x'],
  );
  t.equal(again.resolve('db').id, db.id);
  const full = new ServerGroups({
    commits: new Writer(new MemoryStore(), 0),
    now: () => 1,
    newId: () => 'g',
    membersOf: () => ({ members: [], hosts: [] }),
    most: 0,
  });
  await t.rejects(full.create(group({ name: 'n', policy: 'affinity' })), { code: 'resource-exhausted' });
});

t.test('settings: live, durable, by the names of Nova', async (t) => {
  const { store, catalog, registry, join } = await openTestCatalog();
  await join('kvm-1');
  const { settings } = catalog;
  const before = catalog.rules();
  const shown = settings.shown();
  t.equal(shown.revision, 0);
  t.same(
    shown.settings.map(({ name }) => name),
    shown.settings.map(({ name }) => name).toSorted(),
  );
  t.ok(shown.settings.every(({ value, defaultValue, help }) => value === defaultValue && help.length > 20));
  const table: [name: string, text: string, key: string, value: unknown, printed?: string][] = [
    [
      'enabled_filters',
      ' RamFilter, CoreFilter',
      'enabledFilters',
      ['RamFilter', 'CoreFilter'],
      'RamFilter,CoreFilter',
    ],
    ['host_subset_size', '3', 'hostSubsetSize', 3],
    ['max_attempts', '5', 'maxAttempts', 5],
    ['shuffle_best_same_weighed_hosts', 'True', 'shuffleBestSameWeighedHosts', true, 'true'],
    ['default_availability_zone', 'az-9', 'defaultAvailabilityZone', 'az-9'],
    ['max_io_ops_per_host', '0', 'maxIoOpsPerHost', 0],
    ['max_instances_per_host', '80', 'maxInstancesPerHost', 80],
    ['isolated_images', 'i1,i2', 'isolatedImages', ['i1', 'i2']],
    ['isolated_hosts', 'kvm-1', 'isolatedHosts', ['kvm-1']],
    [
      'restrict_isolated_hosts_to_isolated_images',
      'no',
      'restrictIsolatedHostsToIsolatedImages',
      false,
      'false',
    ],
    ['image_properties_default_architecture', 'aarch64', 'imagePropertiesDefaultArchitecture', 'aarch64'],
    [
      'aggregate_image_properties_isolation_namespace',
      'iso',
      'aggregateImagePropertiesIsolationNamespace',
      'iso',
    ],
    [
      'aggregate_image_properties_isolation_separator',
      '_',
      'aggregateImagePropertiesIsolationSeparator',
      '_',
    ],
    [
      'metrics.weight_setting',
      'a=1, b.c=-0.5',
      'metricRatios',
      [
        { name: 'a', ratio: 1 },
        { name: 'b.c', ratio: -0.5 },
      ],
      'a=1.0, b.c=-0.5',
    ],
    ['metrics.required', 'off', 'metricsRequired', false, 'false'],
    ['metrics.weight_of_unavailable', '-1e3', 'weightOfUnavailable', -1000, '-1000.0'],
    [
      'compute.packing_host_numa_cells_allocation_strategy',
      '1',
      'packingHostNumaCellsAllocationStrategy',
      true,
      'true',
    ],
    ['ecus_per_pcpu', '2.5', 'ecusPerPcpu', 2.5],
    [
      'pci.alias',
      '[{"name": " nic ", "vendor_id": "8086", "device_type": "type-VF"}, {"name":"gpu","numa_policy":"required"}]',
      'pciAliases',
      [
        { name: 'nic', numaPolicy: 'legacy', specs: [{ vendor_id: '8086', dev_type: 'type-VF' }] },
        { name: 'gpu', numaPolicy: 'required', specs: [{}] },
      ],
      '[{"name":"nic","vendor_id":"8086","device_type":"type-VF","numa_policy":"legacy"},{"name":"gpu","numa_policy":"required"}]',
    ],
  ];
  for (const [name, text, key, value, printed = text] of table) {
    const after = await settings.update({ [name]: text });
    t.match(settings.current, { [key]: value }, name);
    t.equal(after.settings.find((one) => one.name === name)?.value, printed, name);
  }
  await settings.update({ ram_weight_multiplier: '-2', 'filter_scheduler.cpu_weight_multiplier': '0.5' });
  t.same(settings.current.weightMultipliers, { ram_weight_multiplier: -2, cpu_weight_multiplier: 0.5 });
  t.equal(settings.shown().revision, table.length + 1);
  t.not(catalog.rules(), before, 'the rules changed with them');
  t.same(
    catalog.rules().filters.map(({ name }) => name),
    ['RamFilter', 'CoreFilter'],
  );
  t.same([...registry.columns.zones.keys()], ['az-9'], 'hosts without a zone are in the new default');
  const again = await openTestCatalog(store);
  t.same(again.catalog.settings.current, settings.current, 'after a restart');
  t.same([...again.registry.columns.zones.keys()], ['az-9']);
  t.equal(again.catalog.settings.shown().revision, table.length + 1);
  await settings.update(
    Object.fromEntries([...table.map(([name]) => [name, '']), ['ram_weight_multiplier', ' ']]),
  );
  t.same(settings.current, { ...novaSettings, weightMultipliers: { cpu_weight_multiplier: 0.5 } });
  const what = catalog.rulesWith({ host_subset_size: '7' });
  t.same([what.settings.hostSubsetSize, settings.current.hostSubsetSize], [7, 1], 'a look changes nothing');
});

t.test('settings: what is refused changes nothing', async (t) => {
  const { catalog, store } = await openTestCatalog();
  const table: [changes: Record<string, string>, field: string, cure?: RegExp][] = [
    [{}, 'settings'],
    [{ host_subset_sise: '1' }, 'settings', /did you mean host_subset_size\?/],
    [{ nothing_of_the_kind: '1' }, 'settings', /one of .*max_attempts/],
    [{ enabled_filters: 'RamFilter,CoreFiltre' }, 'enabled_filters', /did you mean CoreFilter\?/],
    [{ enabled_filters: 'RamFilter,RamFilter' }, 'enabled_filters', /each once/],
    [{ enabled_filters: 'nova.scheduler.filters.all_filters' }, 'enabled_filters', /one of .*RamFilter/],
    ...['0', '-1', '1.5', 'NaN', '1e3', '99999999999999999999'].map(
      (text): [Record<string, string>, string] => [{ host_subset_size: text }, 'host_subset_size'],
    ),
    [{ max_attempts: '0' }, 'max_attempts'],
    ...['NaN', 'nan', 'inf', '-Infinity', '1e999', '0x1', 'one'].map(
      (text): [Record<string, string>, string] => [{ ram_weight_multiplier: text }, 'ram_weight_multiplier'],
    ),
    ...['0', '-1', 'NaN', '1001'].map((text): [Record<string, string>, string] => [
      { ecus_per_pcpu: text },
      'ecus_per_pcpu',
    ]),
    [{ 'metrics.required': 'maybe' }, 'metrics.required'],
    [{ 'metrics.weight_setting': 'a' }, 'metrics.weight_setting'],
    [{ 'metrics.weight_setting': 'a=NaN' }, 'metrics.weight_setting'],
    [{ 'metrics.weight_setting': '=1' }, 'metrics.weight_setting'],
    [{ image_properties_default_architecture: 'x86-64' }, 'image_properties_default_architecture'],
    [{ default_availability_zone: 'a,b' }, 'default_availability_zone'],
    [{ isolated_hosts: 'h,h' }, 'isolated_hosts', /each once/],
    [
      { isolated_hosts: Array.from({ length: 1001 }, (_, n) => `h${n}`).join() },
      'isolated_hosts',
      /at most 1000/,
    ],
    [{ isolated_images: 'x'.repeat(catalogLimits.settingChars + 1) }, 'isolated_images'],
    [
      { max_attempts: '2', 'scheduler.max_attempts': '3' },
      'settings.scheduler.max_attempts',
      /each setting once/,
    ],
    [{ max_attempts: '7', ram_weight_multiplier: 'x' }, 'ram_weight_multiplier'],
  ];
  for (const [changes, field, cure = /./] of table)
    await t.rejects(
      catalog.settings.update(changes),
      { code: 'invalid-argument', field, cure },
      JSON.stringify(changes).slice(0, 70),
    );
  t.equal(catalog.settings.current, novaSettings, 'all of a change or nothing');
  t.equal((await store.load()).revision, 0);
  const refused: string[] = [];
  const old = codec('StoredSettings').encode({ revision: 4, settings: { gone: '1', max_attempts: '9' } });
  const settings = new Settings({
    commits: new Writer(new MemoryStore(), 0),
    defaults: novaSettings,
    vocabulary,
    refused: (name) => void refused.push(name),
  });
  settings.load(asRecords([{ key: 'catalog/settings', value: old }]));
  t.same([refused, settings.current.maxAttempts, settings.shown().revision], [['gone'], 9, 4]);
});

t.test('requests: names become what they stand for', async (t) => {
  const { catalog, members, join } = await openTestCatalog();
  await join('kvm-1', 'az-1');
  await catalog.flavors.put(
    flavor({ ...small, ephemeralGb: 1, swapMb: 512, extraSpecs: { a: '1', b: '1' } }),
  );
  const web = await catalog.groups.create(group({ name: 'web', policy: 'affinity' }));
  members.set(web.id, { members: ['u1'], hosts: ['kvm-1'] });
  const from = (given: PlacementRequestInput) => requestFrom(placementRequest(given), catalog);
  const whole = from({
    flavor: 'm1.small',
    extraSpecs: { b: '2', c: '3' },
    availabilityZone: 'az-1',
    image: { id: 'i', name: 'debian', properties: { hw_architecture: 'x86_64' } },
    projectId: 'p',
    schedulerHints: { same_host: { values: ['u1', 'u2'] }, empty: { values: [] } },
    serverGroup: 'web',
    ignoreHosts: ['kvm-9'],
    forceHosts: ['kvm-1'],
    forceNodes: ['kvm-1'],
    requestedDestination: { host: 'kvm-1' },
    pciRequests: [{ count: 2, specs: [{ keys: { vendor_id: '8086' } }] }],
    network: { physnets: ['net-1'], tunneled: true },
    bootsFromVolume: true,
    instanceUuid: 'u3',
  });
  t.match(whole, {
    ...{ vcpus: 2, memoryMb: 2048, diskMb: 21 * 1024 + 512, instanceUuid: 'u3' },
    flavor: { name: 'm1.small', extraSpecs: { a: '1', b: '2', c: '3' } },
    extraSpecs: { a: '1', b: '2', c: '3' },
    image: { id: 'i', name: 'debian', properties: { hw_architecture: 'x86_64' } },
    projectId: 'p',
    availabilityZone: 'az-1',
    group: { id: web.id, policy: 'affinity', members: ['u1'], hosts: ['kvm-1'] },
    ignoreHosts: ['kvm-9'],
    forceHosts: ['kvm-1'],
    forceNodes: ['kvm-1'],
    destination: { host: 'kvm-1', node: null, cellUuid: null, allowCrossCellMove: false },
    pciRequests: [{ count: 2, specs: [{ vendor_id: '8086' }], numaPolicy: undefined }],
    network: { physnets: ['net-1'], tunneled: true },
    isVolumeBooted: true,
    retry: null,
  });
  t.same(whole.hints, { same_host: ['u1', 'u2'] }, 'a hint without values asks nothing');
  t.same(catalog.flavors.get('m1.small').extraSpecs, { a: '1', b: '1' }, 'the flavor stays as it is');
  const pinned = (cells: number) =>
    flavor({ ...small, name: 'cells', vcpus: 4, extraSpecs: { 'hw:numa_nodes': String(cells) } });
  const cells = (given: PlacementRequestInput = {}) => from({ flavor: 'cells', ...given }).numa?.cells.length;
  await catalog.flavors.put(pinned(2));
  t.same([cells(), cells(), cells({ extraSpecs: { 'hw:numa_nodes': '1' } })], [2, 2, 1]);
  t.throws(() => cells({ extraSpecs: { 'hw:numa_nodes': '3' } }), { code: 'invalid-argument' });
  t.equal(cells({ image: { properties: { hw_machine_type: 'q35' } } }), 2);
  await catalog.flavors.put(pinned(4));
  t.equal(cells(), 4, 'what was read of the flavor before is gone with it');
  const plain = from({ vcpus: 1, memoryMb: 1, requestedDestination: {} });
  t.match(plain, { flavor: { name: '' }, destination: null, network: null, group: null });
  t.equal(from({ vcpus: 1, memoryMb: 1, schedulerHints: { group: { values: [web.id] } } }).group?.id, web.id);
  t.equal(
    from({ vcpus: 1, memoryMb: 1, availabilityZone: 'nova' }).availabilityZone,
    'nova',
    'the default zone',
  );
});

t.test('requests: what is refused, by field', async (t) => {
  const { catalog, join } = await openTestCatalog();
  await join('kvm-1', 'az-1');
  await catalog.flavors.put(flavor({ ...small, extraSpecs: many(100) }));
  const amounts = { vcpus: 1, memoryMb: 1 };
  const texts = (count: number) => Array.from({ length: count }, (_, n) => `h${n}`);
  const over = requestLimits;
  const device = { count: 1, specs: [{ keys: { vendor_id: '8086' } }] };
  const table: [given: PlacementRequestInput, field: string, code?: string][] = [
    [{ vcpus: 0 }, 'vcpus'],
    [{ vcpus: -1 }, 'vcpus'],
    [{ vcpus: 2 ** 31 }, 'vcpus'],
    [{ memoryMb: 0 }, 'memory_mb'],
    [{ memoryMb: -1 }, 'memory_mb'],
    [{ memoryMb: Number.MAX_SAFE_INTEGER }, 'memory_mb'],
    [{ ephemeralGb: 2 ** 50 }, 'ephemeral_gb'],
    [{ swapMb: 2 ** 60 }, 'swap_mb'],
    [{ flavor: 'm1.small' }, 'vcpus'],
    [{ vcpus: 0, memoryMb: 0, swapMb: 1, flavor: 'm1.small' }, 'swap_mb'],
    [{ vcpus: 0, memoryMb: 0, flavor: 'm1.smal' }, 'flavor', 'not-found'],
    [{ vcpus: 0, memoryMb: 0, flavor: 'm1.small', extraSpecs: { x: 'y'.repeat(256) } }, 'extra_specs.x'],
    [{ vcpus: 0, memoryMb: 0, flavor: 'm1.small', extraSpecs: { ...many(129) } }, 'extra_specs'],
    [
      {
        vcpus: 0,
        memoryMb: 0,
        flavor: 'm1.small',
        extraSpecs: Object.fromEntries(texts(29).map((key) => [key, 'v'])),
      },
      'extra_specs',
    ],
    [{ availabilityZone: 'az-2' }, 'availability_zone', 'not-found'],
    [{ availabilityZone: 'z'.repeat(256) }, 'availability_zone'],
    [{ serverGroup: 'webb' }, 'server_group', 'not-found'],
    [{ schedulerHints: { group: { values: ['webb'] } } }, 'server_group', 'not-found'],
    [{ instanceUuid: 'u'.repeat(65) }, 'instance_uuid'],
    [{ projectId: 'p'.repeat(256) }, 'project_id'],
    [{ image: { id: 'i'.repeat(256) } }, 'image.id'],
    [{ image: { properties: many(over.imageProperties + 1) } }, 'image.properties'],
    [{ image: { properties: { k: 'v'.repeat(256) } } }, 'image.properties.k'],
    [
      { schedulerHints: Object.fromEntries(texts(over.hints + 1).map((key) => [key, {}])) },
      'scheduler_hints',
    ],
    [{ schedulerHints: { same_host: { values: texts(over.hintValues + 1) } } }, 'scheduler_hints.same_host'],
    [{ schedulerHints: { query: { values: ['x'.repeat(over.hintChars + 1)] } } }, 'scheduler_hints.query'],
    [{ ignoreHosts: texts(over.hostNames + 1) }, 'ignore_hosts'],
    [{ forceHosts: [''] }, 'force_hosts[0]'],
    [{ forceNodes: ['x'.repeat(256)] }, 'force_nodes[0]'],
    [{ requestedDestination: { host: 'x'.repeat(256) } }, 'requested_destination.host'],
    [{ pciRequests: Array.from({ length: over.pciRequests + 1 }, () => device) }, 'pci_requests'],
    [{ pciRequests: [{ ...device, count: 0 }] }, 'pci_requests[0].count'],
    [{ pciRequests: [{ ...device, count: 2 ** 31 }] }, 'pci_requests[0].count'],
    [{ pciRequests: [{ ...device, specs: [] }] }, 'pci_requests[0].specs'],
    [{ pciRequests: [device, { ...device, numaPolicy: 'requird' }] }, 'pci_requests[1].numa_policy'],
    [
      { pciRequests: [{ count: 1, specs: [{ keys: { a: 'x'.repeat(256) } }] }] },
      'pci_requests[0].specs[0].keys.a',
    ],
    [{ network: { physnets: texts(over.physnets + 1) } }, 'network.physnets'],
  ];
  for (const [given, field, code = 'invalid-argument'] of table)
    t.throws(
      () => requestFrom(placementRequest({ ...amounts, ...given }), catalog, 'claims[3].request'),
      { code, field: `claims[3].request.${field}` },
      JSON.stringify(given).slice(0, 70),
    );
  for (const [change, field] of [
    [{ vcpus: 1.5 }, 'vcpus'],
    [{ memoryMb: Number.NaN }, 'memory_mb'],
    [{ rootGb: -1 }, 'root_gb'],
    [{ swapMb: 0.5 }, 'swap_mb'],
  ] as const)
    t.throws(() => requestFrom({ ...placementRequest(amounts), ...change }, catalog), {
      code: 'invalid-argument',
      field: `request.${field}`,
    });
  t.throws(() => requestFrom(null, catalog), { code: 'invalid-argument', field: 'request' });
  t.throws(() => requestFrom(placementRequest({ ...amounts, availabilityZone: 'az-11' }), catalog), {
    code: 'not-found',
    cure: 'did you mean az-1?',
  });
});

t.test('listings come in pages that one message can carry', async (t) => {
  const { catalog, registry } = await openTestCatalog();
  const api = catalogHandlers(catalog, registry);
  const extraSpecs = Object.fromEntries(Array.from({ length: 128 }, (_, n) => [`k${n}`, 'v'.repeat(250)]));
  for (let n = 0; n < 300; n++)
    await catalog.flavors.put(flavor({ ...small, name: `f${1000 + n}`, extraSpecs }));
  const seen: string[] = [];
  let pages = 0;
  for (let pageToken = ''; pages === 0 || pageToken !== ''; pages++) {
    const answer = await api.ListFlavors({ pageSize: 0, pageToken });
    const bytes = codec('ListFlavorsResponse').encode(answer).byteLength;
    t.ok(bytes < pageBytes + 100_000, `${bytes} bytes`);
    t.equal(answer.total, 300);
    seen.push(...(answer.flavors ?? []).map(({ name }) => name as string));
    pageToken = answer.nextPageToken ?? '';
  }
  t.ok(pages > 1 && seen.length === 300 && new Set(seen).size === 300, `${pages} pages`);
  t.same(
    (await api.ListFlavors({ pageSize: 2, pageToken: '' })).flavors?.map(({ name }) => name),
    ['f1000', 'f1001'],
  );
  await t.rejects(api.ListFlavors({ pageSize: 1001, pageToken: '' }), {
    code: 'invalid-argument',
    field: 'page_size',
  });
  await t.rejects(api.ListAggregates({ pageSize: 1, pageToken: 'x' }), {
    code: 'invalid-argument',
    field: 'page_token',
  });
  t.same(await api.ListServerGroups({ pageSize: 0, pageToken: '' }), {
    serverGroups: [],
    nextPageToken: '',
    total: 0,
  });
});

t.test('details of a host from its facts', async (t) => {
  const facts = (given: HostFactsInput) => codec('HostFacts').decode(codec('HostFacts').encode(given));
  const versions: [text: string | undefined, wanted: number | null][] = [
    ['7.2.13', 7_002_013],
    ['QEMU emulator version 9.1 (Debian 1:9.1+ds-1)', 9_001_000],
    ['', null],
    [undefined, null],
    ['unknown', null],
  ];
  for (const [text, wanted] of versions) t.equal(hypervisorVersion(text), wanted, String(text));
  const cell = { id: 0, cpus: '0-7', memoryBytes: 2 ** 34 };
  const whole = detailsOf(
    facts({
      cpu: {
        architecture: 'x86_64',
        online: '0-7',
        modelName: 'AMD EPYC 7543 32-Core Processor',
        sockets: 1,
        cores: 4,
        threadsPerCoreMax: 2,
      },
      numaCells: [cell],
      versions: { qemu: '7.2.13' },
    }),
    { 'vcpu-pinning': '{"shared":"0-3","dedicated":"4-7"}' },
    'kvm-1',
  );
  t.match(whole, {
    ...{
      nodeName: 'kvm-1',
      hypervisorHostname: 'kvm-1',
      hypervisorType: 'QEMU',
      hypervisorVersion: 7_002_013,
    },
    cpuInfo: { arch: 'x86_64', vendor: 'AMD', topology: { cells: 1, sockets: 1, cores: 4, threads: 2 } },
    numa: { cells: [{ id: 0, sharedCpus: [0, 1, 2, 3], dedicatedCpus: [4, 5, 6, 7], memoryMb: 16_384 }] },
  });
  t.same(whole.supportedInstances, [
    ['i686', 'kvm', 'hvm'],
    ['i686', 'qemu', 'hvm'],
    ['x86_64', 'kvm', 'hvm'],
    ['x86_64', 'qemu', 'hvm'],
  ]);
  const arm = detailsOf(facts({ cpu: { architecture: 'aarch64', online: '0' } }), {}, 'arm');
  t.same(arm.supportedInstances, [
    ['aarch64', 'kvm', 'hvm'],
    ['aarch64', 'qemu', 'hvm'],
  ]);
  t.match(detailsOf(facts({}), {}, 'h'), {
    supportedInstances: null,
    cpuInfo: null,
    numa: null,
    hypervisorVersion: null,
  });
});

t.test('simulations: a few at once, each within its budget, and zones that are to be', async (t) => {
  const { catalog, registry, join } = await openTestCatalog();
  await join('kvm-1', 'az-1');
  const asked = (given: SimulateRequestInput) =>
    codec('SimulateRequest').decode(codec('SimulateRequest').encode(given));
  const request = { vcpus: 1, memoryMb: 16 };
  const work = asked({
    placements: [{ request: { ...request, forceHosts: ['kvm-1'] }, count: 50 }],
    seed: 3,
  });
  let clock = 0;
  const paused: (() => void)[] = [];
  const turns = {
    now: () => (clock += 10),
    pause: () => new Promise<void>((resolve) => paused.push(resolve)),
    turnMs: 10,
    budgetMs: 100_000,
  };
  const claims = { list: () => [] };
  const simulate = simulator({ registry, claims, catalog, turns });
  const running = Array.from({ length: maximumSimulations }, () => simulate(work));
  t.equal(paused.length, maximumSimulations, 'each stands after its first turn');
  await t.rejects(simulate(work), { code: 'resource-exhausted', message: /4 simulations are running/ });
  const all = Promise.all(running);
  for (let isOver = false; !isOver;) {
    for (const resume of paused.splice(0)) resume();
    isOver = await Promise.race([
      all.then(() => true),
      new Promise<false>((resolve) => setImmediate(resolve, false)),
    ]);
  }
  t.match((await all)[3], { placed: 50, seed: 3, hosts: 1 });
  turns.pause = async () => undefined;
  t.match(await simulate(work), { placed: 50 }, 'there is room again');
  turns.budgetMs = 50;
  await t.rejects(simulate(work), { code: 'resource-exhausted', message: /more than 50 ms/ });
  turns.budgetMs = 100_000;
  const zone = { ...request, availabilityZone: 'az-new' };
  await t.rejects(simulate(asked({ placements: [{ request: zone }] })), {
    code: 'not-found',
    field: 'placements[0].request.availability_zone',
  });
  const added = { addHosts: { count: 1, likeHost: 'kvm-1', availabilityZone: 'az-new' } };
  t.match(await simulate(asked({ changes: [added], placements: [{ request: zone }] })), {
    hosts: 2,
    placed: 1,
  });
  const gpu = { request: { ...request, extraSpecs: { 'pci_passthrough:alias': 'gpu:1' } } };
  await t.rejects(simulate(asked({ placements: [gpu] })), { code: 'not-found', message: /PCI alias gpu/ });
  const aliases = (text: string) =>
    simulate(asked({ changes: [{ settings: { 'pci.alias': text } }], placements: [gpu] }));
  t.match(await aliases('{"name":"gpu"}'), { refused: 1 }, 'known there; no host has devices');
  await t.rejects(aliases('{"name":'), { code: 'invalid-argument', field: 'pci.alias' });
  t.equal(registry.size, 1);
});
