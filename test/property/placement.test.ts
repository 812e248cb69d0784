import fc from 'fast-check';
import t from 'tap';
import { Claims } from '../../controlplane/allocations/claims.js';
import { Registry } from '../../controlplane/fleet/registry.js';
import { rowsOf } from '../../controlplane/fleet/registry-columns.js';
import type { CheckedRequest } from '../../controlplane/model/request.js';
import { Candidates } from '../../controlplane/placement/candidates.js';
import { explain } from '../../controlplane/placement/explain.js';
import { countFilters, defaultRules, select } from '../../controlplane/placement/select.js';
import { prepareTerms, weightAt } from '../../controlplane/placement/weigh.js';
import { Writer } from '../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../controlplane/store/memory.js';
import type { Write } from '../../controlplane/store/store.js';
import { DroverError } from '../../proto/wire/errors.js';

interface MadeHost {
  vcpus: number;
  memoryMb: number;
  cpuRatio: number;
  ramRatio: number;
  zone: number;
  up: boolean;
  controllable: boolean;
}

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
      reservedHostMemoryMb: 100,
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
  return {
    vcpus,
    memoryMb,
    diskMb: 1024,
    availabilityZone: zone === 3 ? '' : `z${zone}`,
    instanceUuid: '',
    extraSpecs: {},
  };
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
    if (sum.memoryMb > 0 && sum.memoryMb + 100 > made.memoryMb * made.ramRatio)
      throw new Error(`row ${row}: ${sum.memoryMb} MiB promised`);
  });
  const again = fleet(hosts);
  new Claims({
    registry: again,
    commits: { submit: () => Promise.resolve(0) },
    now: () => 0,
    newId: () => '',
  }).load((await store.load()).records);
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

t.test('searching with bounds answers what looking at every row answers', async (t) => {
  const used = fc.array(
    fc.record({
      row: fc.nat(199),
      vcpus: fc.integer({ min: 0, max: 70 }),
      memoryMb: fc.integer({ min: 0, max: 20_000 }),
    }),
    { maxLength: 60, size: 'max' },
  );
  const multipliers = fc.tuple(fc.constantFrom(1, -1, 0.5, 0), fc.constantFrom(1, -2, 3, 0));
  let found = 0;
  const property = fc.property(
    fc.array(host, { minLength: 1, maxLength: 200, size: 'max' }),
    used,
    request,
    multipliers,
    fc.integer({ min: 1, max: 12 }),
    (hosts, changes, one, [first, second], count) => {
      const registry = fleet(hosts);
      for (const { row, ...amounts } of changes)
        registry.setUnmanaged(`h${row}`, { ...amounts, diskMb: 0, count: 1 });
      for (const { row } of changes.slice(0, 5)) registry.remove(`h${row}`);
      const rules = {
        ...defaultRules,
        weighers: defaultRules.weighers.map((inUse, index) => ({
          ...inUse,
          multiplier: index === 0 ? first : second,
        })),
      };
      const asked = wanted(one);
      const plain = everyRow(registry, rules, asked).slice(0, count);
      const ours = select(registry, rules, asked, count).destinations.map(({ row }) => row);
      if (JSON.stringify(ours) !== JSON.stringify(plain))
        throw new Error(`select ${ours.join()} but looking at all ${plain.join()}`);
      const explained = explain(registry, rules, asked, 10_000);
      const left = countFilters(registry, rules, asked);
      if (JSON.stringify(explained.filters) !== JSON.stringify(left))
        throw new Error('explain and countFilters differ');
      if (
        explained.hosts.length !== registry.size ||
        explained.hosts.some(({ passes, refusals }) => passes !== (refusals.length === 0))
      )
        throw new Error('a host without its reason');
      found += ours.length;
    },
  );
  fc.assert(property, { numRuns: 300 });
  t.ok(found > 300, `${found} destinations compared`);
});

/** The rows that pass, best first, the slow way. */
function everyRow(registry: Registry, rules: typeof defaultRules, asked: CheckedRequest): number[] {
  const { columns } = registry;
  const passing = rowsOf(columns.present).filter((row) => {
    const zone = asked.availabilityZone === '' || columns.zonesByRow[row]?.includes(asked.availabilityZone);
    const service = [columns.up, columns.controllable].every((bits) => rowsOf(bits).includes(row));
    const fits = (
      [
        ['vcpus', asked.vcpus],
        ['memoryMb', asked.memoryMb],
        ['diskMb', asked.diskMb],
      ] as const
    ).every(([name, amount]) => {
      const column = columns[name];
      const total = column.total[row] as number;
      if (name === 'vcpus' && total === 0) return true;
      return amount <= total && amount <= total * (column.ratio[row] as number) - column.used(row);
    });
    return zone && service && fits;
  });
  if (passing.length < 2) return passing;
  const terms = prepareTerms(new Candidates(rules.filters, asked, columns), rules.weighers, asked, columns);
  return passing.toSorted((a, b) => weightAt(terms, b) - weightAt(terms, a) || a - b);
}
