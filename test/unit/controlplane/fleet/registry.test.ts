import t from 'tap';
import {
  Column,
  countRows,
  hasBit,
  rowsOf,
  writeBit,
} from '../../../../controlplane/fleet/registry-columns.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import {
  checkOvercommit,
  novaDefaults,
  offered,
  overcommitInForce,
} from '../../../../controlplane/model/host.js';
import { checkRequest, requestFor } from '../../../../controlplane/model/request.js';
import { aggregateNumber, aggregateStrings } from '../../../../controlplane/model/aggregate.js';
import { explain } from '../../../../controlplane/placement/explain.js';
import { defaultRules, select } from '../../../../controlplane/placement/select.js';
import type { HostRecord } from '../../../../proto/gen/drover/v1/HostRecord.js';
import { placementRequest } from '../../../support/placement-request.js';

function record(id: string, change: Partial<HostRecord> = {}): HostRecord {
  const capacity = { vcpus: 8, memoryBytes: 16 * 2 ** 30 + 5, diskBytes: 100.5 * 2 ** 30 };
  const plain = {
    labels: {},
    disabled: false,
    disabledReason: '',
    overcommit: null,
    machineId: '',
    certificateSerial: '',
    enrolledUnixMs: 0,
    forcedDown: false,
    maintenance: null,
    lock: null,
    simulated: false,
  };
  return { id, name: `kvm-${id}`, availabilityZone: '', capacity, ...plain, ...change };
}

const asked = requestFor({ vcpus: 4, memoryMb: 2048, rootGb: 1 });

t.test('a column keeps the bounds of its blocks', async (t) => {
  const column = new Column();
  column.grow(64);
  const plain = new Float64Array(64).fill(Number.NaN);
  let state = 7;
  for (let step = 0; step < 2000; step++) {
    state = (state * 1103515245 + 12345) % 2147483648;
    const row = state % 64;
    const value = state % 5 === 0 ? Number.NaN : (state >> 8) % 50;
    column.set(row, value);
    plain[row] = value;
    for (const block of [0, 1]) {
      const values = [...plain.subarray(block * 32, block * 32 + 32)].filter((one) => !Number.isNaN(one));
      if (column.low[block] !== Math.min(...values) || column.high[block] !== Math.max(...values))
        t.fail(`step ${step}`);
    }
  }
  const bits = new Int32Array(2);
  for (const row of [0, 31, 32, 63]) writeBit(bits, row, true);
  t.strictSame(rowsOf(bits), [0, 31, 32, 63]);
  writeBit(bits, 31, false);
  t.notOk(hasBit(bits, 31));
  t.equal(countRows(bits), 3);
});

t.test('rows come, grow, go and are used again', async (t) => {
  const registry = new Registry({ maximumHosts: 200 });
  for (let index = 0; index < 200; index++) registry.upsert(record(`${index}`));
  t.throws(() => registry.upsert(record('201')), { code: 'resource-exhausted' });
  t.ok(registry.columns.rows >= 200);
  t.equal(registry.rowOfName('kvm-150'), 150);
  registry.setAllocated('7', { vcpus: 3, memoryMb: 100, diskMb: 10, count: 2 });
  registry.setLiveness('7', true, 99);
  registry.remove('7');
  t.equal(registry.view('7'), undefined);
  registry.upsert(record('new'));
  t.equal(registry.rowOf('new'), 7, 'the row is used again');
  t.match(registry.view('new'), {
    liveness: 'never-seen',
    lastSeenUnixMs: 0,
    usage: { vcpus: 0, allocations: 0 },
  });
  t.notOk(registry.setAllocated('7', { vcpus: 1, memoryMb: 1, diskMb: 1, count: 1 }), 'unknown host');
  registry.upsert(record('new', { name: 'aaa' }));
  t.equal(registry.rowsByName()[0], 7, 'renamed');
  t.equal(registry.rowOfName('kvm-new'), undefined);
});

t.test('what allocations hold is one change, wherever the host was thought to be', async (t) => {
  const registry = new Registry();
  for (const id of ['a', 'b']) registry.upsert(record(id));
  const { revision, columns } = registry;
  const totals = { vcpus: 3, memoryMb: 1000, diskMb: 50, count: 2 };
  t.equal(registry.setHeld('b', totals, 4, 1.5, 0), 1, 'its own row, not the one that was named');
  t.equal(registry.revision, revision + 1);
  t.equal(registry.rowChangedAt(revision + 1), 1);
  const { vcpus, servers, ioOps, ecusUsed } = columns;
  const read = [vcpus.allocated, servers.values, ioOps.values, ecusUsed.values].map((column) => column[1]);
  t.strictSame(read, [3, 2, 4, 1.5]);
  t.equal(vcpus.allocated[0], 0);
  registry.remove('b');
  t.equal(registry.setHeld('b', totals, 4, 1.5, 1), undefined, 'unknown host');
});

t.test('sums, ratios and reservations', async (t) => {
  const registry = new Registry();
  registry.upsert(
    record('a', {
      overcommit: {
        ramAllocationRatio: 1.5,
        reservedHostCpus: 2,
      },
    }),
  );
  registry.setAllocated('a', { vcpus: 3, memoryMb: 1000, diskMb: 50, count: 1 });
  registry.setUnmanaged('a', { vcpus: 1, memoryMb: 24, diskMb: 0, count: 2 });
  const { vcpus, memoryMb, diskMb } = registry.columns;
  t.strictSame([vcpus.free.values[0], vcpus.usable.values[0], vcpus.fit.values[0]], [2, 26, 8]);
  t.strictSame(
    [memoryMb.free.values[0], memoryMb.usable.values[0]],
    [16384 - 1536, 24576 - 1536],
    'no reservation of its own: the default of 512',
  );
  t.equal(diskMb.total[0], 102400, 'whole GiB');
  t.match(registry.view('a'), {
    overcommit: {
      cpuAllocationRatio: 4,
      ramAllocationRatio: 1.5,
      reservedHostCpus: 2,
      reservedHostMemoryMb: 512,
    },
    usage: {
      vcpus: 4,
      memoryBytes: 1024 * 2 ** 20,
      diskBytes: 50 * 2 ** 20,
      allocations: 1,
      unmanagedDomains: 2,
    },
  });
  const before = registry.revision;
  registry.upsert(record('a'));
  t.equal(vcpus.usable.values[0], 28, 'a changed record keeps what is held');
  t.ok(registry.revision > before);
  t.strictSame(offered(null), { vcpus: 0, memoryMb: 0, diskMb: 0 });
  t.equal(overcommitInForce(null, novaDefaults), novaDefaults);
});

t.test('bad values', async (t) => {
  for (const [change, field] of [
    [{ cpuAllocationRatio: 0 }, 'overcommit.cpu_allocation_ratio'],
    [{ cpuAllocationRatio: -1 }, 'overcommit.cpu_allocation_ratio'],
    [{ ramAllocationRatio: Infinity }, 'overcommit.ram_allocation_ratio'],
    [{ cpuAllocationRatio: 1e308 }, 'overcommit.cpu_allocation_ratio'],
    [{ diskAllocationRatio: 1000.5 }, 'overcommit.disk_allocation_ratio'],
    [{ diskAllocationRatio: Number.NaN }, 'overcommit.disk_allocation_ratio'],
    [{ reservedHostCpus: -1 }, 'overcommit.reserved_host_cpus'],
    [{ reservedHostMemoryMb: 0.5 }, 'overcommit.reserved_host_memory_mb'],
    [{ reservedHostDiskMb: 2 ** 60 }, 'overcommit.reserved_host_disk_mb'],
  ] as const) {
    t.throws(() => checkOvercommit(change), { code: 'invalid-argument', field });
  }
  t.match(checkOvercommit({ reservedHostCpus: 0, ramAllocationRatio: 1000 }), { ramAllocationRatio: 1000 });
  const good = placementRequest({ vcpus: 1, memoryMb: 1, rootGb: 2, ephemeralGb: 3, swapMb: 4 });
  t.match(checkRequest(good), { diskMb: 5 * 1024 + 4 });
  t.throws(() => checkRequest(null), { code: 'invalid-argument', field: 'request' });
  for (const value of [0, -1, 1.5, 1025, 2 ** 32 - 1, Number.NaN])
    t.throws(() => checkRequest({ ...good, vcpus: value }), {
      code: 'invalid-argument',
      field: 'request.vcpus',
    });
  for (const value of [0, -1, 0.5, 2 ** 26 + 1, 2 ** 64])
    t.throws(() => checkRequest({ ...good, memoryMb: value }), {
      code: 'invalid-argument',
      field: 'request.memory_mb',
    });
  for (const key of ['rootGb', 'ephemeralGb', 'swapMb'] as const) {
    const field = `request.${key.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`)}`;
    for (const value of [-1, 0.5, 2 ** 64])
      t.throws(() => checkRequest({ ...good, [key]: value }), { code: 'invalid-argument', field });
  }
  t.throws(() => checkRequest({ ...good, extraSpecs: { k: 'v'.repeat(256) } }), {
    code: 'invalid-argument',
    field: 'request.extra_specs.k',
  });
  t.throws(
    () =>
      checkRequest({
        ...good,
        extraSpecs: Object.fromEntries(Array.from({ length: 129 }, (_, n) => [`${n}`, ''])),
      }),
    { code: 'invalid-argument', field: 'request.extra_specs' },
  );
});

t.test('aggregates', async (t) => {
  const aggregates = [
    { id: 1, name: 'a', metadata: { availability_zone: 'az1, az2', ram_weight_multiplier: ' 3 ' } },
    { id: 2, name: 'b', metadata: { availability_zone: 'az3', ram_weight_multiplier: '2.5' } },
  ];
  t.strictSame(aggregateStrings(aggregates, 'availability_zone'), ['az1', 'az2', 'az3']);
  t.equal(aggregateStrings(aggregates, 'other'), undefined);
  t.equal(aggregateNumber(aggregates, 'ram_weight_multiplier'), 2.5);
  for (const text of ['', 'abc', '1,2', '0x10', '1e999'])
    t.equal(aggregateNumber([{ id: 1, name: 'a', metadata: { key: text } }], 'key'), undefined, text);
});

t.test('every refusal in words, with counts', async (t) => {
  const registry = new Registry();
  registry.upsert(record('disabled', { disabled: true, disabledReason: 'new disk' }));
  registry.upsert(record('down', { availabilityZone: 'az1' }));
  registry.upsert(record('short'));
  registry.upsert(record('small', { capacity: { vcpus: 2, memoryBytes: 2 ** 30, diskBytes: 2 ** 40 } }));
  registry.upsert(record('fits'));
  registry.upsert(record('mute'));
  registry.setLiveness('mute', true, 1_000, false);
  for (const id of ['disabled', 'short', 'small', 'fits']) registry.setLiveness(id, true, 1_000);
  registry.setLiveness('down', false, 1_700_000_000_000);
  registry.setUnmanaged('short', { vcpus: 0, memoryMb: 15_000, diskMb: 0, count: 1 });
  const {
    hosts,
    filters: left,
    refusals,
    hostsPassed,
  } = explain(registry, defaultRules, { ...asked, availabilityZone: 'nova' }, 100);
  const words = hosts.map((host) => [
    host.hostName,
    ...host.refusals.map(
      ({ filter, reason, observed, wanted }) => `${filter} ${reason}: ${observed}; ${wanted}`,
    ),
  ]);
  t.strictSame(words, [
    ['kvm-fits'],
    ['kvm-disabled', 'ComputeFilter host-disabled: disabled: new disk; an enabled host'],
    [
      'kvm-down',
      'AvailabilityZoneFilter zone-differs: zone az1; zone nova',
      'ComputeFilter host-down: last heard of at 2023-11-14T22:13:20.000Z; a host that is up',
    ],
    [
      'kvm-mute',
      'ComputeFilter host-not-controllable: libvirt does not answer its agent, or its domains are not known yet; a host whose libvirt answers and whose domains are known',
    ],
    ['kvm-short', 'RamFilter ram-short: 872 MiB left ((16384 - 512 reserved) x 1, 15000 used); 2048 MiB'],
    [
      'kvm-small',
      'RamFilter ram-over-total: 1024 MiB in all; 2048 MiB',
      'CoreFilter vcpus-over-total: 2 vCPUs in all; 4 vCPUs',
    ],
  ]);
  t.equal(hostsPassed, 1);
  t.strictSame(
    left.map(({ hostsLeft }) => hostsLeft),
    [5, 3, 1, 1, 1, 1, 1, 1, 1],
  );
  t.match(
    refusals.find(({ reason }) => reason === 'ram-short'),
    { hosts: 1, soleHosts: 1 },
  );
  t.match(
    refusals.find(({ reason }) => reason === 'host-down'),
    { hosts: 1, soleHosts: 0 },
  );
  t.match(
    select(registry, defaultRules, { ...asked, availabilityZone: 'nova' }, 3).destinations,
    [{ hostName: 'kvm-fits', weight: 0, weights: {} }],
    'alone, not weighed',
  );
});

t.test('a filter may ask per row, where no column holds its rule', async (t) => {
  const registry = new Registry();
  for (const id of ['a', 'b', 'c']) {
    registry.upsert(record(id));
    registry.setLiveness(id, true, 1);
  }
  const odd = {
    name: 'OddFilter',
    reasons: ['even'],
    prepare: () => ({
      passes: (row: number) => row % 2 === 1,
      reasonOf: () => 0,
      wordsOf: () => ({ observed: 'even', wanted: 'odd' }),
    }),
  };
  const without = {
    name: 'NotFirst',
    reasons: ['first'],
    prepare: () => ({
      without: [Int32Array.of(2, 0)],
      reasonOf: () => 0,
      wordsOf: () => ({ observed: 'b', wanted: 'not b' }),
    }),
  };
  const rules = { ...defaultRules, filters: [...defaultRules.filters, odd] };
  t.strictSame(
    select(registry, rules, asked, 5).destinations.map(({ hostId }) => hostId),
    ['b'],
  );
  t.equal(explain(registry, rules, asked, 5).refusals[0]?.hosts, 2);
  t.strictSame(
    select(
      registry,
      { ...defaultRules, filters: [...defaultRules.filters, without] },
      asked,
      5,
    ).destinations.map(({ hostId }) => hostId),
    ['a', 'c'],
  );
});
