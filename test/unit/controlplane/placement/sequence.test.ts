/** Choosing by a seed, hosts that a request names, and several servers of one request. Nova's own answers: vectors.test.ts. */
import t from 'tap';
import { rowsOf } from '../../../../controlplane/fleet/registry-columns.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import { noDetails, type PciPool } from '../../../../controlplane/model/host-details.js';
import type { HostCell } from '../../../../controlplane/model/host-numa.js';
import { guestNumaOf } from '../../../../controlplane/model/numa/guest-numa-of.js';
import { type CheckedRequest, requestFor } from '../../../../controlplane/model/request.js';
import { novaSettings, type SchedulerSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { choose, randomOf, ranksNeeded, seedOfStep } from '../../../../controlplane/placement/choose.js';
import { namesHosts, preselect } from '../../../../controlplane/placement/preselect.js';
import { rulesOf } from '../../../../controlplane/placement/select.js';
import { selectSequence } from '../../../../controlplane/placement/sequence.js';

interface Made {
  readonly name: string;
  readonly node?: string;
  readonly memoryMb?: number;
  readonly up?: boolean;
  readonly cells?: readonly HostCell[];
  readonly pools?: readonly PciPool[];
}

function fleet(hosts: readonly Made[]): Registry {
  const registry = new Registry();
  hosts.forEach(({ name, node = '', memoryMb = 16_384, up = true, cells, pools }, index) => {
    const id = String(index);
    registry.upsert({
      id,
      name,
      availabilityZone: '',
      labels: {},
      disabled: false,
      disabledReason: '',
      overcommit: { reservedHostMemoryMb: 0, cpuAllocationRatio: 1 },
      capacity: { vcpus: 8, memoryBytes: memoryMb * 2 ** 20, diskBytes: 100 * 2 ** 30 },
      machineId: '',
      certificateSerial: '',
      enrolledUnixMs: 0,
      forcedDown: false,
      maintenance: null,
      lock: null,
      simulated: true,
    });
    registry.setLiveness(id, up, 1);
    const numa = cells ? { cells } : null;
    registry.setDetails(id, { ...noDetails, nodeName: node, numa, pciPools: pools });
  });
  return registry;
}

const names = (registry: Registry, rows: Iterable<number>) =>
  Array.from(rows, (row) => registry.recordAt(row).name);

function rules(change: Partial<SchedulerSettings> = {}) {
  return rulesOf({ ...novaSettings, ...change });
}

function hosts(
  registry: Registry,
  request: CheckedRequest,
  servers: number,
  change?: Partial<SchedulerSettings>,
) {
  const instanceUuids = Array.from({ length: servers }, (_, index) => `server-${index}`);
  const steps = selectSequence(registry, rules(change), request, { instanceUuids, seed: 7, count: 1 });
  return steps.map(({ ranking }) => names(registry, ranking.rows)[0] ?? 'none');
}

const request = requestFor({ vcpus: 1, memoryMb: 1_024 });
const equals = { rows: Uint32Array.of(4, 1, 2, 7, 9), weights: Float64Array.of(3, 3, 3, 2, 1) };

const ascending = (a: number, b: number) => a - b;

t.test('the choice follows from the seed and from nothing else', async (t) => {
  const plain = { hostSubsetSize: 1, shuffleBestSameWeighedHosts: false };
  t.equal(choose(equals, plain, 5), equals, 'the best, and of equals the first');
  const empty = { rows: new Uint32Array(0), weights: new Float64Array(0) };
  t.equal(choose(empty, { hostSubsetSize: 9, shuffleBestSameWeighedHosts: true }, 5).rows.length, 0);
  for (const settings of [
    { hostSubsetSize: 4, shuffleBestSameWeighedHosts: false, may: [1, 2, 4, 7] },
    { hostSubsetSize: 1, shuffleBestSameWeighedHosts: true, may: [1, 2, 4] },
    { hostSubsetSize: 99, shuffleBestSameWeighedHosts: true, may: [1, 2, 4, 7, 9] },
  ]) {
    const counts = new Map<number, number>();
    for (let seed = 0; seed < 4_000; seed++) {
      const { rows, weights } = choose(equals, settings, seed * 1_000_003);
      const first = rows[0] as number;
      counts.set(first, (counts.get(first) ?? 0) + 1);
      if (Array.from(rows).toSorted(ascending).join() !== '1,2,4,7,9') t.fail('every host is told once');
      if (weights[rows.indexOf(7)] !== 2) t.fail('weights stay with their hosts');
      if (seed < 50) t.strictSame(choose(equals, settings, seed * 1_000_003).rows, rows, 'again the same');
    }
    t.strictSame([...counts.keys()].toSorted(ascending), settings.may);
    const fair = 4_000 / settings.may.length;
    for (const count of counts.values()) t.ok(Math.abs(count - fair) < fair / 5, `${count} of about ${fair}`);
  }
  t.strictSame(
    [ranksNeeded(plain, 3, 10), ranksNeeded({ ...plain, hostSubsetSize: 20 }, 3, 10)],
    [3, 10],
    'no more hosts than there are',
  );
  t.equal(ranksNeeded({ hostSubsetSize: 1, shuffleBestSameWeighedHosts: true }, 3, 10), 10);
  t.equal(ranksNeeded({ ...plain, hostSubsetSize: 0 }, 0, 10), 1);
  t.not(randomOf(2 ** 33 + 1)(), randomOf(1)(), 'the upper half of a seed counts');
  t.equal(new Set(Array.from({ length: 1000 }, (_, step) => seedOfStep(42, step))).size, 1000);
});

const four = fleet([
  { name: 'Kvm-A' },
  { name: 'kvm-b', node: 'b1' },
  { name: 'kvm-b', node: 'b2' },
  { name: 'kvm-c', up: false },
]);

const named: [string, Partial<CheckedRequest>, string[], boolean][] = [
  ['ignored in any case', { ignoreHosts: ['KVM-A', 'nobody'] }, ['kvm-b', 'kvm-b', 'kvm-c'], false],
  ['all ignored: nothing to filter', { ignoreHosts: ['kvm-a', 'kvm-b', 'kvm-c'] }, [], true],
  ['forced in any case', { forceHosts: ['kvm-a', 'KVM-C'] }, ['Kvm-A', 'kvm-c'], true],
  ['forced to nobody', { forceHosts: ['nobody'] }, [], true],
  ['a node by its exact name', { forceNodes: ['b2', 'B1'] }, ['kvm-b'], true],
  ['a host without a node is its own', { forceNodes: ['kvm-c'] }, ['kvm-c'], true],
  ['host and node', { forceHosts: ['kvm-b'], forceNodes: ['b1'] }, ['kvm-b'], true],
  ['ignored before forced', { forceHosts: ['kvm-b', 'kvm-a'], ignoreHosts: ['kvm-b'] }, ['Kvm-A'], true],
  [
    'forced, but to be checked',
    { forceHosts: ['kvm-c'], hints: { _nova_check_type: ['rebuild'] } },
    ['kvm-c'],
    false,
  ],
];

t.test('hosts that a request names', async (t) => {
  const to = (host: string | null, node: string | null = null) => ({
    destination: { host, node, cellUuid: null, allowCrossCellMove: false },
  });
  const table: typeof named = [
    ...named,
    ['a destination by its exact name', to('kvm-b'), ['kvm-b', 'kvm-b'], false],
    ['a destination with its node', to('kvm-b', 'b2'), ['kvm-b'], false],
    ['a destination of another spelling', to('KVM-B'), [], false],
    ['a destination that is a cell', to(null), ['Kvm-A', 'kvm-b', 'kvm-b', 'kvm-c'], false],
  ];
  for (const [what, asked, left, skips] of table) {
    const { rows, skipsFilters } = preselect(four.columns, { ...request, ...asked });
    t.strictSame([names(four, rowsOf(rows)), skipsFilters], [left, skips], what);
    t.equal(namesHosts({ ...request, ...asked }), what !== 'a destination that is a cell', what);
  }
  t.notOk(namesHosts(request));
  t.strictSame(hosts(four, { ...request, forceHosts: ['kvm-c'] }, 1), ['kvm-c'], 'forced though it is down');
  t.strictSame(hosts(four, request, 1, { enabledFilters: ['AllHostsFilter', 'ComputeFilter'] }), ['Kvm-A']);
  t.strictSame(hosts(four, { ...request, ...to('nobody') }, 2), ['none'], 'no host, no further step');
});

t.test('each server finds what the ones before left, and the registry stays as it was', async (t) => {
  const registry = fleet([{ name: 'a' }, { name: 'b', memoryMb: 12_288 }, { name: 'c', memoryMb: 4_000 }]);
  const before = [registry.revision, ...[0, 1, 2].map((row) => registry.columns.memoryMb.fit.values[row])];
  const large = requestFor({ vcpus: 2, memoryMb: 4_096, rootGb: 33, swapMb: 512 });
  t.strictSame(
    hosts(registry, large, 9),
    ['a', 'b', 'a', 'b', 'a', 'b', 'none'],
    'three each by disk, which swap does not take',
  );
  t.strictSame(
    [registry.revision, ...[0, 1, 2].map((row) => registry.columns.memoryMb.fit.values[row])],
    before,
  );
  t.equal(registry.columns.instances.size, 0);
  const [step] = selectSequence(registry, rules(), large, { instanceUuids: ['x'], seed: 1, count: 5 });
  t.match(step, { survivors: 2, filters: [{ filter: 'AvailabilityZoneFilter', hostsLeft: 3 }] });
  t.strictSame(Array.from(step?.ranking.weights ?? []), [3, 2.75]);
});

t.test('filters that run once per request, and the last that runs', async (t) => {
  const enabledFilters = ['ComputeFilter', 'RamFilter', 'CoreFilter'];
  const instanceUuids = ['x', 'y'];
  const told = (asked: CheckedRequest) =>
    selectSequence(four, rules({ enabledFilters }), asked, { instanceUuids, seed: 1, count: 1 }).map(
      ({ filters }) => filters.map(({ filter, hostsLeft }) => `${filter} ${hostsLeft}`),
    );
  t.strictSame(told(request), [
    ['ComputeFilter 3', 'RamFilter 3', 'CoreFilter 3'],
    ['RamFilter 3', 'CoreFilter 3'],
  ]);
  t.strictSame(told({ ...request, memoryMb: 2 ** 20 }), [['ComputeFilter 3', 'RamFilter 0']]);
});

t.test('servers of a group keep apart within one request', async (t) => {
  const registry = fleet([{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
  const members = ['server-0', 'server-1', 'server-2', 'server-3'];
  const group = { id: 'g', policy: 'anti-affinity', members, hosts: ['c'], maxServerPerHost: undefined };
  registry.columns.instances.add('server-3', 2);
  t.strictSame(hosts(registry, { ...request, group }, 3), ['a', 'b', 'none']);
  t.strictSame(hosts(registry, { ...request, group: { ...group, policy: 'affinity' } }, 2), ['c', 'c']);
});

const cell: HostCell = {
  id: 0,
  sharedCpus: [],
  dedicatedCpus: [0, 1, 2, 3],
  memoryMb: 8_192,
  memoryUsedMb: 0,
  vcpusUsed: 0,
  pinnedCpus: [],
  siblings: [[0], [1], [2], [3]],
  socket: 0,
  pages: [{ sizeKb: 4, total: 2 ** 21, used: 0, reserved: 0 }],
  network: { physnets: [], tunneled: false },
};
const pool: PciPool = {
  vendorId: '8086',
  productId: '1520',
  numaCell: null,
  count: 1,
  deviceType: 'type-PCI',
  tags: {},
};

t.test('pinned pCPUs and devices are taken too', async (t) => {
  const registry = fleet([
    { name: 'a', cells: [cell] },
    { name: 'b', cells: [cell], memoryMb: 8_192 },
  ]);
  const flavor = { vcpus: 3, memoryMb: 1_024, extraSpecs: { 'hw:cpu_policy': 'dedicated' } };
  const image = { id: '', name: '', properties: {} };
  const bare = requestFor(flavor, { image });
  const pinned = { ...bare, numa: guestNumaOf(bare.flavor, image) };
  const enabledFilters = ['NUMATopologyFilter'];
  t.strictSame(hosts(registry, pinned, 3, { enabledFilters }), ['a', 'b', 'none'], '3 of 4 pCPUs each');
  t.strictSame(registry.columns.detailsOf(0).numa?.cells[0]?.pinnedCpus, [], 'on a copy');

  const devices = fleet([
    { name: 'a', pools: [pool] },
    { name: 'b', pools: [pool], memoryMb: 8_192 },
    { name: 'c' },
  ]);
  const pciRequests = [{ count: 1, specs: [{ vendor_id: '8086' }], numaPolicy: undefined }];
  const wanting = { ...request, pciRequests };
  t.strictSame(hosts(devices, wanting, 3, { enabledFilters: ['PciPassthroughFilter'] }), ['a', 'b', 'none']);
  t.strictSame(
    hosts(devices, { ...wanting, forceHosts: ['b'] }, 3),
    ['b', 'b', 'b'],
    'forced: Nova warns that the devices ran out, and goes on',
  );
});
