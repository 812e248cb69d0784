/**
 * Searches against a plain search over hosts that the test itself keeps: all ten weighers, while hosts come, go, change and
 * take each other's rows, and while copies of the registry go their own ways.
 */
import fc from 'fast-check';
import t from 'tap';
import { forkRegistry } from '../../controlplane/fleet/registry-fork.js';
import { Registry } from '../../controlplane/fleet/registry.js';
import { noDetails } from '../../controlplane/model/host-details.js';
import { type CheckedRequest, requestFor } from '../../controlplane/model/request.js';
import { novaSettings, type SchedulerSettings } from '../../controlplane/model/scheduler-settings.js';
import { repeatLimits, RepeatedSearches } from '../../controlplane/placement/repeated.js';
import { type Rules, rulesOf, select } from '../../controlplane/placement/select.js';
import { seeded } from '../../scripts/bench/fleet.js';
import { codec } from '../../proto/wire/load.js';
import { type PlainHost, plainSearch } from '../support/naive-placement.js';

type Random = () => number;
const below = (random: Random, most: number): number => Math.floor(random() * most);
const one = <Item>(random: Random, items: readonly Item[]): Item =>
  items[below(random, items.length)] as Item;

const multiplierKeys = [
  'ram',
  'cpu',
  'disk',
  'io_ops',
  'metrics',
  'pci',
  'soft_affinity',
  'soft_anti_affinity',
]
  .concat('build_failure', 'cross_cell_move')
  .map((name) => `${name}_weight_multiplier`);

/** A registry and what the test knows of it. */
class Fleet {
  readonly registry: Registry;
  readonly hosts: Map<string, PlainHost>;
  next: number;

  constructor(registry = new Registry(), hosts = new Map<string, PlainHost>(), next = 0) {
    this.registry = registry;
    this.hosts = hosts;
    this.next = next;
  }

  fork(): Fleet {
    const hosts = [...this.hosts.values()].map((host) => structuredClone(host));
    return new Fleet(forkRegistry(this.registry), new Map(hosts.map((host) => [host.id, host])), this.next);
  }

  add(random: Random): void {
    const id = `h${this.next++}`;
    const nothing = () => ({ vcpus: 0, memoryMb: 0, diskMb: 0 });
    const host: PlainHost = {
      ...{ id, row: 0, zone: '', up: false, enabled: true, forcedDown: false, maintenance: null, lock: null },
      ...{
        total: nothing(),
        ratio: nothing(),
        reserved: nothing(),
        allocated: nothing(),
        unmanaged: nothing(),
      },
      ...{ ioOps: 0, failedBuilds: 0, details: noDetails, aggregates: [], instances: new Set() },
    };
    this.hosts.set(id, host);
    this.record(host, random);
    host.row = this.registry.rowOf(id) as number;
    this.live(host, random);
    this.take(host, random);
    if (random() < 0.5) this.tell(host, random);
    if (random() < 0.2) this.group(host, random);
  }

  record(host: PlainHost, random: Random): void {
    host.zone = one(random, ['', 'z0', 'z1', 'z2']);
    host.enabled = random() < 0.95;
    host.total = {
      vcpus: below(random, 33),
      memoryMb: below(random, 65) * 1000,
      diskMb: below(random, 30) * 10_240,
    };
    host.ratio = { vcpus: one(random, [0.5, 1, 4, 1.15]), memoryMb: one(random, [0.9, 1, 1.5]), diskMb: 1 };
    host.reserved = { vcpus: below(random, 3), memoryMb: one(random, [0, 512]), diskMb: 0 };
    this.registry.upsert({
      ...{ id: host.id, name: host.id, availabilityZone: host.zone, labels: {}, disabled: !host.enabled },
      ...{ disabledReason: '', machineId: '', certificateSerial: '', enrolledUnixMs: 0, forcedDown: false },
      ...{ maintenance: null, lock: null },
      simulated: true,
      capacity: {
        vcpus: host.total.vcpus,
        memoryBytes: host.total.memoryMb * 2 ** 20,
        diskBytes: host.total.diskMb * 2 ** 20,
      },
      overcommit: {
        cpuAllocationRatio: host.ratio.vcpus,
        ramAllocationRatio: host.ratio.memoryMb,
        diskAllocationRatio: host.ratio.diskMb,
        reservedHostCpus: host.reserved.vcpus,
        reservedHostMemoryMb: host.reserved.memoryMb,
        reservedHostDiskMb: host.reserved.diskMb,
      },
    });
  }

  live(host: PlainHost, random: Random): void {
    host.up = random() < 0.9;
    host.forcedDown = random() < 0.05;
    this.registry.setLiveness(host.id, host.up, 1);
    this.registry.setForcedDown(host.id, host.forcedDown);
  }

  take(host: PlainHost, random: Random): void {
    const some = () => ({
      vcpus: below(random, 12),
      memoryMb: below(random, 20_000),
      diskMb: below(random, 50_000),
    });
    host.allocated = some();
    host.unmanaged = random() < 0.3 ? some() : host.unmanaged;
    host.ioOps = below(random, 4);
    host.failedBuilds = random() < 0.1 ? below(random, 4) : 0;
    this.registry.setAllocated(host.id, { ...host.allocated, count: 1 });
    this.registry.setUnmanaged(host.id, { ...host.unmanaged, count: 1 });
    this.registry.setCounts(host.id, { ioOps: host.ioOps, failedBuilds: host.failedBuilds });
    this.member(host, `vm${below(random, 6)}`, random() < 0.6);
  }

  member(host: PlainHost, uuid: string, isThere: boolean): void {
    if (isThere) host.instances.add(uuid);
    else host.instances.delete(uuid);
    this.registry.columns.instances[isThere ? 'add' : 'remove'](uuid, host.row);
  }

  tell(host: PlainHost, random: Random): void {
    const metrics = ['cpu', 'io']
      .filter(() => random() < 0.8)
      .map((name) => ({ name, value: below(random, 5) - 1.5 }));
    const pool = { vendorId: 'v', productId: 'p', numaCell: null, deviceType: 'type-PCI', tags: {} };
    const pciPools = random() < 0.5 ? [{ ...pool, count: below(random, 130) }] : undefined;
    host.details = { ...noDetails, cellUuid: one(random, [null, 'c0', 'c1']), metrics, pciPools };
    this.registry.setDetails(host.id, host.details);
  }

  group(host: PlainHost, random: Random): void {
    const metadata = (): Record<string, string> => ({
      ...(random() < 0.7 && { [one(random, multiplierKeys)]: one(random, ['-3', '0', '0.25', '7', 'many']) }),
      ...(random() < 0.1 && { availability_zone: 'z9' }),
    });
    host.aggregates = Array.from({ length: below(random, 3) }, (_, id) => ({
      id,
      name: `a${id}`,
      metadata: metadata(),
    }));
    this.registry.setAggregates(host.id, host.aggregates);
  }

  /** A host leaves; its row is the next that is given away. */
  drop({ id, row, instances }: PlainHost): void {
    for (const uuid of instances) this.registry.columns.instances.remove(uuid, row);
    this.registry.remove(id);
    this.hosts.delete(id);
  }

  change(random: Random): void {
    const host = one(random, [...this.hosts.values()]);
    if (host === undefined || random() < 0.1) return this.add(random);
    if (random() < 0.12) return this.drop(host);
    return one(random, [this.take, this.take, this.tell, this.group, this.live, this.record]).call(
      this,
      host,
      random,
    );
  }
}

function settings(random: Random): SchedulerSettings {
  const weightMultipliers: Record<string, number> = {};
  for (const key of multiplierKeys)
    if (random() < 0.4) weightMultipliers[key] = one(random, [1, -1, 0.5, 0, -2, 3, 1e9]);
  const metricRatios =
    random() < 0.5
      ? [
          { name: 'cpu', ratio: -1 },
          { name: 'io', ratio: 0.5 },
        ]
      : [];
  return {
    ...novaSettings,
    weightMultipliers,
    metricRatios,
    metricsRequired: false,
    weightOfUnavailable: -2,
  };
}

function request(random: Random): CheckedRequest {
  const members = Array.from({ length: 4 }, (_, index) => `vm${index}`);
  const policy = one(random, ['soft-affinity', 'soft-anti-affinity', '']);
  const cellUuid = one(random, [null, null, 'c0', 'c7']);
  return requestFor(
    { vcpus: 1 + below(random, 4), memoryMb: 1 + below(random, 8_000), rootGb: below(random, 3) * 5 },
    {
      availabilityZone: one(random, ['', '', '', 'z0', 'z1', 'z9', 'nova']),
      group: policy === '' ? null : { id: 'g', policy, members, hosts: [], maxServerPerHost: undefined },
      destination:
        cellUuid === null ? null : { host: null, node: null, cellUuid, allowCrossCellMove: random() < 0.8 },
    },
  );
}

function compare(
  { registry, hosts }: Fleet,
  asked: CheckedRequest,
  held: SchedulerSettings,
  count: number,
): number {
  const plain = plainSearch([...hosts.values()], asked, count, held);
  const ours = select(registry, rulesOf(held), asked, count).destinations;
  const shown = (found: readonly { row: number; weight: number }[]) =>
    JSON.stringify(found.map(({ row, weight }) => [row, weight]));
  if (shown(ours) !== shown(plain)) throw new Error(`select ${shown(ours)} but plainly ${shown(plain)}`);
  return ours.length;
}

t.test('all ten weighers, while hosts change between searches and copies go their own ways', async (t) => {
  let found = 0;
  const property = fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
    const random = seeded(seed);
    const fleet = new Fleet();
    const size = one(random, [1, 2, 5, 40, 70, 150]);
    for (let index = 0; index < size; index++) fleet.add(random);
    const held = [settings(random), settings(random)] as const;
    const fleets = [fleet];
    const searches = one(random, [10, 40]);
    for (let index = 0; index < searches; index++) {
      if (random() < 0.05 && fleets.length < 3) fleets.push(one(random, fleets).fork());
      for (const each of fleets) {
        const changes = below(random, 4);
        for (let made = 0; made < changes; made++) each.change(random);
        found += compare(each, request(random), one(random, held), one(random, [1, 3, 5, 20, 200]));
      }
    }
  });
  fc.assert(property, { numRuns: Number(process.env['DROVER_SEARCH_RUNS'] ?? 250) });
  t.ok(found > 1_000, `${found} destinations compared`);
});

/** A fleet that few kinds of request are asked of, over and over; what is found is taken there, as claims do. */
function askAgain(seed: number): { found: number; repeated: number } {
  const random = seeded(seed);
  const fleet = new Fleet();
  for (let size = one(random, [1, 3, 40, 300]); size > 0; size--) fleet.add(random);
  const { registry } = fleet;
  const searches = new RepeatedSearches(registry);
  const choices = () => ({
    ...settings(random),
    hostSubsetSize: one(random, [1, 1, 1, 4]),
    shuffleBestSameWeighedHosts: random() < 0.2,
  });
  const rules: Rules[] = [rulesOf(choices()), rulesOf(choices())];
  const simple = (): CheckedRequest => ({ ...request(random), group: null, destination: null });
  const asked = [simple(), simple(), simple(), request(random)];
  let found = 0;
  for (let turn = 0; turn < 150; turn++) {
    const [rule, wanted] = [one(random, rules), { ...one(random, asked) }];
    const count = one(random, [1, 3, 3, 5, 20, 40]);
    const plainly = select(registry, rule, wanted, count, turn).destinations.map(({ row }) => row);
    const ours = [...searches.find(rule, wanted, count, turn)];
    if (String(ours) !== String(plainly))
      throw new Error(`kept ${ours.join()} but plainly ${plainly.join()}`);
    found += ours.length;
    if (random() < 0.8) claim(fleet, ours[0], wanted);
    if (fleet.hosts.size === 0 || random() < 0.1) fleet.change(random);
    else if (random() < 0.3) fleet.take(one(random, [...fleet.hosts.values()]), random);
  }
  return { found, repeated: searches.hits };
}

function claim(
  { registry, hosts }: Fleet,
  row: number | undefined,
  { vcpus, memoryMb }: CheckedRequest,
): void {
  const host = [...hosts.values()].find((one) => one.row === row);
  if (!host) return;
  const { allocated, id } = host;
  host.allocated = { ...allocated, vcpus: allocated.vcpus + vcpus, memoryMb: allocated.memoryMb + memoryMb };
  registry.setAllocated(id, { ...host.allocated, count: 1 });
  registry.setCounts(id, { ioOps: ++host.ioOps });
}

t.test('a search that is kept answers what a new one does, whatever changes between', async (t) => {
  let [found, repeated] = [0, 0];
  const property = fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
    const run = askAgain(seed);
    [found, repeated] = [found + run.found, repeated + run.repeated];
  });
  fc.assert(property, { numRuns: Number(process.env['DROVER_SEARCH_RUNS'] ?? 60) });
  t.ok(found > 1_000 && repeated > 500, `${found} hosts found, ${repeated} with a kept search`);
});

t.test('so many searches are kept and no more', async (t) => {
  const fleet = new Fleet();
  for (let size = 0; size < 40; size++) fleet.add(seeded(size));
  const searches = new RepeatedSearches(fleet.registry);
  const rules = rulesOf(novaSettings);
  for (let round = 0; round < 2; round++)
    for (let vcpus = 1; vcpus <= repeatLimits.searches + 3; vcpus++)
      searches.find(rules, requestFor({ vcpus, memoryMb: 64 }), 3, 1);
  t.equal(searches.size, repeatLimits.searches);
});

/** Hosts that are all alike, or whose sizes differ. */
function manyHosts(count: number, sizeOf: (index: number) => number): Registry {
  const registry = new Registry();
  for (let index = 0; index < count; index++) {
    const [id, vcpus] = [`h${index}`, sizeOf(index)];
    const capacity = { vcpus, memoryBytes: vcpus * 2 ** 32, diskBytes: 2 ** 40 };
    registry.upsert(hosts.decode(hosts.encode({ id, name: id, availabilityZone: 'nova', capacity })));
    registry.setLiveness(id, true, 1);
  }
  return registry;
}

t.test('a fleet of like hosts is filled without searching anew', async (t) => {
  const registry = manyHosts(1_500, () => 64);
  const searches = new RepeatedSearches(registry);
  const [rules, wanted] = [rulesOf(novaSettings), requestFor({ vcpus: 1, memoryMb: 64 })];
  for (let turn = 0; turn < 1_400; turn++) {
    const ours = [...searches.find(rules, wanted, 3, turn)];
    const plainly = select(registry, rules, wanted, 3, turn).destinations;
    if (String(ours) !== String(plainly.map(({ row }) => row))) t.fail(`claim ${turn}: ${ours.join()}`);
    registry.setHeld(plainly[0]?.hostId ?? '', { vcpus: 1, memoryMb: 64, diskMb: 0, count: 1 }, 1, 0);
  }
  const anew = 1_400 - searches.hits;
  t.ok(anew <= 4, `${anew} were searched anew`);
});

t.test('a large fleet is put into order only for what is asked often enough', async (t) => {
  const registry = manyHosts(3 * repeatLimits.rowsPerSearch, (index) => 32 + (index % 97));
  const searches = new RepeatedSearches(registry);
  const [rules, wanted] = [rulesOf(novaSettings), requestFor({ vcpus: 1, memoryMb: 64 })];
  const plainly = String(select(registry, rules, wanted, 3).destinations.map(({ row }) => row));
  const worthIt = Math.ceil(registry.columns.rows / repeatLimits.rowsPerSearch);
  t.ok(worthIt >= 3);
  for (let turn = 0; turn < worthIt + 3; turn++) {
    t.equal(searches.size, turn > worthIt ? 1 : 0, `before question ${turn}`);
    if (String([...searches.find(rules, wanted, 3, turn)]) !== plainly) t.fail(`turn ${turn}`);
  }
  t.equal(searches.hits, 2);
  registry.rulesChanged();
  searches.find(rules, wanted, 3, 1);
  t.equal(searches.size, 0, 'anything may have changed: it begins anew');
});

const hosts = codec('HostRecord');
