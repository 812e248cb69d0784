/** Weighers: rules that no vector holds, columns that are kept between requests, and the bounds that spare rows. */
import t from 'tap';
import { forkRegistry } from '../../../../controlplane/fleet/registry-fork.js';
import type { Registry } from '../../../../controlplane/fleet/registry.js';
import { noDetails, type PciPool } from '../../../../controlplane/model/host-details.js';
import { type CheckedRequest, requestFor } from '../../../../controlplane/model/request.js';
import { novaSettings, type SchedulerSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { Candidates } from '../../../../controlplane/placement/candidates.js';
import { filters } from '../../../../controlplane/placement/filters/index.js';
import { rank } from '../../../../controlplane/placement/rank.js';
import { prepareTerms, termAt } from '../../../../controlplane/placement/weigh.js';
import { weighers } from '../../../../controlplane/placement/weighers/index.js';
import type { Weigher } from '../../../../controlplane/placement/weighers/weigher.js';
import { registryOf } from '../../../../scripts/conformance/load-hosts.js';
import type { VectorHost } from '../../../../scripts/conformance/vector.js';

function weigherOf(name: string): Weigher {
  const weigher = weighers.find((other) => other.name === name);
  if (!weigher) throw new Error(`no weigher ${name}`);
  return weigher;
}

const plain = requestFor({});
const fleet = (hosts: readonly VectorHost[]) => registryOf(hosts, novaSettings, 60);

/** Weights of one weigher by row. */
function weigh(
  name: string,
  registry: Registry,
  request: CheckedRequest = plain,
  more: Partial<SchedulerSettings> = {},
  filterNames: readonly string[] = [],
): number[] {
  const settings = { ...novaSettings, ...more };
  const running = filters.filter((filter) => filterNames.includes(filter.name));
  const candidates = new Candidates({ filters: running, settings }, request, registry.columns);
  const rules = { weighers: [weigherOf(name)], settings };
  const [term] = prepareTerms(candidates, rules, request, registry.columns);
  return Array.from({ length: registry.size }, (_, row) => (term ? termAt(term, row) : 0));
}

const raised = (key: string, value: string) => [{ id: 1, name: 'a', metadata: { [key]: value } }];
const pools = (count: number): PciPool[] => [
  { vendorId: '8086', productId: '10ed', numaCell: 0, count, deviceType: 'type-PCI', tags: {} },
];

t.test('multipliers are Nova 26.2 defaults', async (t) => {
  t.strictSame(
    Object.fromEntries(weighers.map(({ multiplierKey, multiplier }) => [multiplierKey, multiplier])),
    {
      ram_weight_multiplier: 1,
      cpu_weight_multiplier: 1,
      disk_weight_multiplier: 1,
      io_ops_weight_multiplier: -1,
      metrics_weight_multiplier: 1,
      pci_weight_multiplier: 1,
      soft_affinity_weight_multiplier: 1,
      soft_anti_affinity_weight_multiplier: 1,
      build_failure_weight_multiplier: 1_000_000,
      cross_cell_move_weight_multiplier: 1_000_000,
    },
  );
});

t.test('hosts that are alike are not weighed', async (t) => {
  const group = (policy: string): Partial<CheckedRequest> => ({
    group: {
      id: 'g',
      policy,
      members: ['gone'],
      hosts: ['h1'],
      maxServerPerHost: undefined,
    },
  });
  const move = { host: null, node: null, cellUuid: 'c', allowCrossCellMove: true };
  const table: [string, Partial<CheckedRequest>?][] = [
    ['IoOpsWeigher'],
    ['BuildFailureWeigher'],
    ['PCIWeigher'],
    ['MetricsWeigher'],
    ['CrossCellWeigher'],
    ['CrossCellWeigher', { destination: move }],
    ['CrossCellWeigher', { destination: { ...move, allowCrossCellMove: false } }],
    ['ServerGroupSoftAffinityWeigher', group('soft-affinity')],
    ['ServerGroupSoftAffinityWeigher', group('affinity')],
    ['ServerGroupSoftAntiAffinityWeigher', group('soft-anti-affinity')],
    ['ServerGroupSoftAntiAffinityWeigher', group('anti-affinity')],
  ];
  const { columns } = fleet([{ host: 'h1' }, { host: 'h2' }, { host: 'h3' }]);
  for (const [name, more = {}] of table)
    t.equal(weigherOf(name).prepare({ ...plain, ...more }, columns, novaSettings), undefined, name);
  const busy = fleet([
    { host: 'h1', failed_builds: 2, num_io_ops: 2 },
    { host: 'h2', failed_builds: 2, num_io_ops: 2 },
  ]);
  t.equal(weigherOf('BuildFailureWeigher').prepare(plain, busy.columns, novaSettings), undefined);
  // From 0 and not from the lowest: what is alike weighs the whole multiplier, which aggregates may change.
  t.strictSame(weigh('IoOpsWeigher', busy), [-1, -1]);
});

t.test('BuildFailureWeigher: the smallest multiplier of the aggregates, negated', async (t) => {
  const key = 'build_failure_weight_multiplier';
  const registry = fleet([
    { host: 'h0', failed_builds: 0 },
    { host: 'h1', failed_builds: 4 },
    {
      host: 'h2',
      failed_builds: 4,
      aggregates: [...raised(key, '5'), { id: 2, name: 'b', metadata: { [key]: '2' } }],
    },
    { host: 'h3', failed_builds: 2, aggregates: raised(key, '-3') },
    { host: 'h4', failed_builds: 4, aggregates: raised(key, 'many') },
  ]);
  t.strictSame(
    weigh('BuildFailureWeigher', registry, plain, { weightMultipliers: { [key]: 10 } }),
    [-0, -10, -2, 1.5, -10],
  );
});

t.test('PCIWeigher: what it keeps follows the hosts', async (t) => {
  const counts = [0, 3, 99, 150];
  const registry = fleet(counts.map((_, index) => ({ host: `h${index}` })));
  const tell = (id: string, count: number) =>
    registry.setDetails(id, { ...noDetails, pciPools: pools(count) });
  const raws = (of: Registry) => {
    const prepared = weigherOf('PCIWeigher').prepare(plain, of.columns, novaSettings);
    return prepared && Array.from({ length: of.size }, (_, row) => prepared.column.values[row]);
  };
  t.equal(raws(registry), undefined, 'nobody has devices');
  counts.forEach((count, row) => tell(String(row), count));
  t.strictSame(raws(registry), [100, 97, 1, 1], '100 less the free devices, 1 at least');
  tell('1', 10);
  t.strictSame(raws(registry), [100, 90, 1, 1], 'one host told');
  const fork = forkRegistry(registry);
  fork.setDetails('0', { ...noDetails, pciPools: pools(50) });
  t.strictSame(raws(fork), [50, 90, 1, 1], 'a copy has its own');
  t.strictSame(raws(registry), [100, 90, 1, 1]);
  for (let time = 0; time < 3000; time++) tell('0', time % 50);
  tell('2', 20);
  t.strictSame(raws(registry), [51, 90, 80, 1], 'more changes than are told apart');
  registry.remove('1');
  t.ok(
    Number.isNaN(weigherOf('PCIWeigher').prepare(plain, registry.columns, novaSettings)?.column.values[1]),
  );
  for (let index = 4; index < 200; index++)
    registry.upsert({ ...registry.recordAt(0), id: `${index}`, name: `n${index}` });
  tell('199', 7);
  const row = registry.rowOf('199') ?? -1;
  t.equal(
    weigherOf('PCIWeigher').prepare(plain, registry.columns, novaSettings)?.column.values[row],
    93,
    'grown',
  );
  t.equal(
    weigherOf('PCIWeigher').prepare(plain, registry.columns, novaSettings)?.column.values[1],
    100,
    'row used again',
  );
});

const measured = (values: Record<string, number>) =>
  Object.entries(values).map(([name, value]) => ({ name, value }));

t.test('MetricsWeigher: a metric that is required and missing', async (t) => {
  const registry = fleet([
    { host: 'h0', metrics: measured({ load: 1 }) },
    { host: 'h1', metrics: measured({ load: 3 }) },
    { host: 'h2', metrics: measured({ other: 3 }) },
  ]);
  const metricRatios = [{ name: 'load', ratio: -1 }];
  t.throws(() => weigh('MetricsWeigher', registry, plain, { metricRatios }), {
    code: 'failed-precondition',
    field: 'metrics.required',
    message: /a host does not measure each of load; enable MetricsFilter/,
  });
  const filtered = weigh('MetricsWeigher', registry, plain, { metricRatios }, ['MetricsFilter']);
  t.strictSame(filtered.slice(0, 2), [1, 0], 'hosts that were refused do not count');
  const lax = { metricRatios, metricsRequired: false };
  t.strictSame(weigh('MetricsWeigher', registry, plain, { ...lax, weightOfUnavailable: -5 }), [1, 0.5, 0]);
  const none = fleet([{ host: 'h0' }, { host: 'h1' }]);
  t.throws(() => weigh('MetricsWeigher', none, plain, { metricRatios }), { code: 'failed-precondition' });
});

t.test(
  'MetricsWeigher: ratios add up, and where one or the multiplier is 0 a missing metric does no harm',
  async (t) => {
    const key = 'metrics_weight_multiplier';
    const registry = fleet([
      { host: 'h0', metrics: [...measured({ load: 9 }), { name: 'load', value: 4 }] },
      { host: 'h1' },
      { host: 'h2', aggregates: raised(key, '0') },
      { host: 'h3', metrics: measured({ load: 2 }) },
    ]);
    const twice = {
      metricRatios: [
        { name: 'load', ratio: 2 },
        { name: 'load', ratio: -1 },
      ],
      metricsRequired: false,
    };
    const rawOf = (more: Partial<SchedulerSettings>) => {
      const settings = { ...novaSettings, ...more };
      const column = weigherOf('MetricsWeigher').prepare(plain, registry.columns, settings)?.column;
      return column && Array.from({ length: 4 }, (_, row) => column.values[row]);
    };
    t.strictSame(rawOf(twice), [4, -10_000, 0, 2]);
    t.strictSame(
      rawOf({ ...twice, weightMultipliers: { [key]: 0 } }),
      [4, 0, 0, 2],
      'other settings start anew',
    );
    registry.setAggregates('2', []);
    t.strictSame(rawOf(twice), [4, -10_000, -10_000, 2], 'aggregates are followed');
    t.equal(
      rawOf({ metricRatios: [{ name: 'load', ratio: 0 }], metricsRequired: false }),
      undefined,
      'all weigh 0',
    );
  },
);

t.test('server groups: members by host, each once', async (t) => {
  const registry = fleet([
    { host: 'h0', instances: ['a', 'b', 'x'] },
    { host: 'h1', instances: ['c'] },
    { host: 'h2' },
  ]);
  const of = (policy: string) =>
    requestFor(
      {},
      {
        group: {
          id: 'g',
          policy,
          members: ['a', 'a', 'b', 'c', 'd'],
          hosts: [],
          maxServerPerHost: undefined,
        },
      },
    );
  t.strictSame(weigh('ServerGroupSoftAffinityWeigher', registry, of('soft-affinity')), [1, 0.5, 0]);
  t.strictSame(weigh('ServerGroupSoftAntiAffinityWeigher', registry, of('soft-anti-affinity')), [0, 0.5, 1]);
});

t.test('CrossCellWeigher: the cell of origin first', async (t) => {
  const registry = fleet([{ host: 'h0', cell_uuid: 'c1' }, { host: 'h1', cell_uuid: 'c2' }, { host: 'h2' }]);
  const destination = { host: null, node: null, cellUuid: 'c2', allowCrossCellMove: true };
  t.strictSame(weigh('CrossCellWeigher', registry, requestFor({}, { destination })), [0, 1_000_000, 0]);
});

/** The same number again for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const hostCount = 200;

t.test('every row weighed one by one gives the same order, whatever the signs', async (t) => {
  for (let seed = 1; seed <= 12; seed++) {
    const next = numbers(seed);
    const pick = (values: readonly number[]) => values[Math.floor(next() * values.length)] as number;
    const multipliers = [-1e6, -2, -0.5, 0, 0.5, 1, 3];
    const keys = weighers.map(({ multiplierKey }) => multiplierKey);
    const registry = fleet(
      Array.from({ length: hostCount }, (_, index) => ({
        host: `h${index}`,
        free_disk_mb: Math.floor(next() * 1e6) - 1000,
        num_io_ops: pick([0, 0, 1, 5]),
        failed_builds: pick([0, 0, 0, 1, 7]),
        instances: next() < 0.1 ? [`m${index % 9}`] : [],
        // Without aggregates the bounds go another way.
        ...(seed % 2 === 0 &&
          next() < 0.2 && {
            aggregates: raised(keys[Math.floor(next() * keys.length)] ?? '', `${pick(multipliers)}`),
          }),
      })),
    );
    const group = {
      id: 'g',
      policy: 'soft-anti-affinity',
      members: ['m1', 'm2', 'm3'],
      hosts: [],
      maxServerPerHost: undefined,
    };
    const request = requestFor({}, { group });
    const weightMultipliers = Object.fromEntries(keys.map((key) => [key, pick(multipliers)]));
    const settings = { ...novaSettings, weightMultipliers };
    const candidates = new Candidates({ filters: [], settings }, request, registry.columns);
    const terms = prepareTerms(candidates, { weighers, settings }, request, registry.columns);
    const best = rank(candidates, terms, 12);
    const all = Array.from({ length: hostCount }, (_, row) => ({
      row,
      weight: terms.reduce((sum, term) => sum + termAt(term, row), 0),
    })).toSorted((one, other) => other.weight - one.weight || one.row - other.row);
    t.strictSame(
      Array.from(best.rows),
      all.slice(0, 12).map(({ row }) => row),
      `seed ${seed}`,
    );
  }
});
