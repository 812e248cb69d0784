import fc from 'fast-check';
import t from 'tap';
import { Claims } from '../../controlplane/allocations/claims.js';
import { Registry } from '../../controlplane/fleet/registry.js';
import { type CheckedRequest, requestFor } from '../../controlplane/model/request.js';
import { novaSettings, type SchedulerSettings } from '../../controlplane/model/scheduler-settings.js';
import { explain } from '../../controlplane/placement/explain.js';
import { countFilters, type Rules, rulesOf, select } from '../../controlplane/placement/select.js';
import { Writer } from '../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../controlplane/store/memory.js';
import type { Write } from '../../controlplane/store/store.js';
import { DroverError } from '../../proto/wire/errors.js';
import { hostStates, naiveSearch } from '../../scripts/bench/naive-search.js';

interface MadeHost {
  vcpus: number;
  memoryMb: number;
  cpuRatio: number;
  ramRatio: number;
  zone: number;
  up: boolean;
  controllable: boolean;
}

const reservedMb = 100;
const host = fc.record<MadeHost>({
  vcpus: fc.integer({ min: 0, max: 32 }),
  memoryMb: fc.integer({ min: 0, max: 65_536 }),
  cpuRatio: fc.constantFrom(0.5, 1, 1.15, 4),
  ramRatio: fc.constantFrom(0.9, 1, 1.5),
  zone: fc.integer({ min: 0, max: 2 }),
  up: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  controllable: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
});
const request = fc.record({
  vcpus: fc.integer({ min: 1, max: 6 }),
  memoryMb: fc.integer({ min: 1, max: 4096 }),
  zone: fc.constantFrom(0, 1, 2, 3, 3, 3),
});

function fleet(hosts: readonly MadeHost[]): Registry {
  const registry = new Registry();
  hosts.forEach((made, index) => {
    const id = `h${index}`;
    const overcommit = {
      cpuAllocationRatio: made.cpuRatio,
      ramAllocationRatio: made.ramRatio,
      diskAllocationRatio: 1,
      reservedHostCpus: 0,
      reservedHostMemoryMb: reservedMb,
      reservedHostDiskMb: 0,
    };
    const capacity = { vcpus: made.vcpus, memoryBytes: made.memoryMb * 2 ** 20, diskBytes: 100 * 2 ** 30 };
    const more = {
      labels: {},
      disabled: false,
      disabledReason: '',
      machineId: '',
      certificateSerial: '',
      enrolledUnixMs: 0,
      forcedDown: false,
      maintenance: null,
      lock: null,
      simulated: true,
    };
    registry.upsert({ id, name: id, availabilityZone: `z${made.zone}`, overcommit, capacity, ...more });
    registry.setLiveness(id, made.up, 1, made.controllable);
  });
  return registry;
}

function wanted({
  vcpus,
  memoryMb,
  zone,
}: {
  vcpus: number;
  memoryMb: number;
  zone: number;
}): CheckedRequest {
  return requestFor({ vcpus, memoryMb, rootGb: 1 }, { availabilityZone: zone === 3 ? '' : `z${zone}` });
}

/** Nothing is promised beyond capacity x ratio, the columns agree with the allocations, and a reload gives the same columns. */
async function checkAll(
  registry: Registry,
  claims: Claims,
  store: MemoryStore,
  hosts: readonly MadeHost[],
): Promise<void> {
  const { vcpus, memoryMb, diskMb } = registry.columns;
  const sums = hosts.map(() => ({ vcpus: 0, memoryMb: 0 }));
  for (const allocation of claims.list()) {
    const sum = sums[Number(allocation.hostId.slice(1))] as { vcpus: number; memoryMb: number };
    sum.vcpus += allocation.vcpus;
    sum.memoryMb += allocation.memoryMb;
  }
  hosts.forEach((made, row) => {
    const sum = sums[row] as { vcpus: number; memoryMb: number };
    if (vcpus.allocated[row] !== sum.vcpus || memoryMb.allocated[row] !== sum.memoryMb)
      throw new Error(`row ${row}: columns differ from allocations`);
    if (made.vcpus > 0 && sum.vcpus > made.vcpus * made.cpuRatio)
      throw new Error(`row ${row}: ${sum.vcpus} vCPUs promised`);
    // Placement's rule: the ratio applies to what the reservation leaves. Below 1 that is more than total x ratio - reserved.
    if (sum.memoryMb > 0 && sum.memoryMb > (made.memoryMb - reservedMb) * made.ramRatio)
      throw new Error(`row ${row}: ${sum.memoryMb} MiB promised`);
  });
  const again = fleet(hosts);
  new Claims({
    registry: again,
    commits: { submit: () => Promise.resolve(0) },
    now: () => 0,
    newId: () => '',
  }).load(await store.load());
  for (const [ours, theirs] of [
    [vcpus, again.columns.vcpus],
    [memoryMb, again.columns.memoryMb],
    [diskMb, again.columns.diskMb],
  ] as const) {
    for (let row = 0; row < hosts.length; row++) {
      if (
        ours.fit.values[row] !== theirs.fit.values[row] ||
        ours.free.values[row] !== theirs.free.values[row]
      )
        throw new Error(`row ${row}: reload differs`);
    }
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      request,
      key: fc.integer({ min: 0, max: 30 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), index: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('many' as const),
      requests: fc.array(request, { minLength: 1, maxLength: 5 }),
      all: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
);

t.test(
  'claims and releases at once, with a store that fails now and then, never promise too much and leak nothing',
  async (t) => {
    let placed = 0;
    let failed = 0;
    const property = fc.asyncProperty(
      fc.array(host, { minLength: 1, maxLength: 6 }),
      fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }),
      fc.array(
        fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
        { maxLength: 20 },
      ),
      async (hosts, steps, failures) => {
        const store = new MemoryStore();
        const writer = new Writer(store, 0);
        const commits = {
          submit: async (writes: readonly Write[]): Promise<number> => {
            await Promise.resolve();
            if (failures.pop()) throw new DroverError('storage-failed', 'told to fail');
            return writer.submit(writes);
          },
        };
        const registry = fleet(hosts);
        let id = 0;
        const claims = new Claims({ registry, commits, now: () => 0, newId: () => `a${id++}` });
        const running: Promise<unknown>[] = [];
        const expected = (thrown: unknown): void => {
          failed++;
          if (!(thrown instanceof DroverError) || thrown.code === 'internal') throw thrown;
        };
        for (const one of steps) {
          if (one.kind === 'claim')
            running.push(
              claims
                .claim(wanted(one.request), one.key === 0 ? '' : `k${one.key}`)
                .then(() => placed++, expected),
            );
          if (one.kind === 'release')
            running.push(claims.release(claims.list()[one.index]?.id ?? 'none').catch(expected));
          if (one.kind === 'many')
            running.push(
              claims
                .placeMany(
                  one.requests.map((each) => ({ request: wanted(each), key: '', by: '' })),
                  one.all,
                )
                .catch(expected),
            );
          if (one.kind === 'wait') await new Promise(setImmediate);
        }
        await Promise.all(running);
        await checkAll(registry, claims, store, hosts);
      },
    );
    await fc.assert(property, { numRuns: 150 });
    t.ok(placed > 100 && failed > 100, `both happened: ${placed} placed, ${failed} refused`);
  },
);

const change = fc.record({
  row: fc.nat(199),
  vcpus: fc.integer({ min: 0, max: 70 }),
  memoryMb: fc.integer({ min: 0, max: 20_000 }),
  ioOps: fc.integer({ min: 0, max: 4 }),
  failedBuilds: fc.constantFrom(0, 0, 0, 1, 3),
});
type Made<A> = A extends fc.Arbitrary<infer Value> ? Value : never;
const factor = fc.constantFrom(undefined, 1, -1, 0.5, 0, -2, 3);
const multipliers = fc.record({
  ram_weight_multiplier: factor,
  cpu_weight_multiplier: factor,
  disk_weight_multiplier: factor,
  io_ops_weight_multiplier: factor,
  build_failure_weight_multiplier: factor,
});
/** Rows in aggregates that set a multiplier of their own. */
const overrides = fc.array(
  fc.record({
    row: fc.nat(199),
    key: fc.constantFrom(
      'ram_weight_multiplier',
      'io_ops_weight_multiplier',
      'build_failure_weight_multiplier',
    ),
    value: fc.constantFrom('-3', '0', '0.25', '7'),
  }),
  { maxLength: 4 },
);

function makeChange(registry: Registry, { row, ioOps, failedBuilds, ...amounts }: Made<typeof change>): void {
  registry.setUnmanaged(`h${row}`, { ...amounts, diskMb: 0, count: 1 });
  registry.setCounts(`h${row}`, { ioOps, failedBuilds });
}

function settingsOf(given: Made<typeof multipliers>): SchedulerSettings {
  const weightMultipliers: Record<string, number> = {};
  for (const [key, value] of Object.entries(given)) if (value !== undefined) weightMultipliers[key] = value;
  return { ...novaSettings, weightMultipliers };
}

t.test('searching with bounds and kept sums answers what looking at every object answers', async (t) => {
  let found = 0;
  const property = fc.property(
    fc.array(host, { minLength: 1, maxLength: 200, size: 'max' }),
    fc.array(change, { maxLength: 60, size: 'max' }),
    fc.array(request, { minLength: 1, maxLength: 4 }),
    multipliers,
    overrides,
    fc.integer({ min: 1, max: 12 }),
    (hosts, changes, requests, given, own, count) => {
      const registry = fleet(hosts);
      for (const one of changes) makeChange(registry, one);
      for (const { row } of changes.slice(0, 5)) registry.remove(`h${row}`);
      for (const [id, { row, key, value }] of own.entries())
        registry.setAggregates(`h${row}`, [{ id, name: `a${id}`, metadata: { [key]: value } }]);
      const rules = rulesOf(settingsOf(given));
      for (const [index, one] of requests.entries()) {
        found += compare(registry, rules, wanted(one), count);
        for (const again of changes.slice(index * 9, index * 9 + 3))
          makeChange(registry, { ...again, vcpus: index });
      }
    },
  );
  fc.assert(property, { numRuns: 300 });
  t.ok(found > 300, `${found} destinations compared`);
});

/** How many destinations were compared with those of the naive search; explain and counts must tell the same. */
function compare(registry: Registry, rules: Rules, asked: CheckedRequest, count: number): number {
  const plain = naiveSearch(hostStates(registry), asked, count, rules.settings);
  const ours = select(registry, rules, asked, count).destinations.map(({ row, weight }) => ({ row, weight }));
  if (JSON.stringify(ours) !== JSON.stringify(plain))
    throw new Error(`select ${JSON.stringify(ours)} but looking at all ${JSON.stringify(plain)}`);
  const explained = explain(registry, rules, asked, 10_000);
  if (JSON.stringify(explained.filters) !== JSON.stringify(countFilters(registry, rules, asked)))
    throw new Error('explain and countFilters differ');
  if (
    explained.hosts.length !== registry.size ||
    explained.hosts.some(({ passes, refusals }) => passes !== (refusals.length === 0))
  )
    throw new Error('a host without its reason');
  return ours.length;
}
