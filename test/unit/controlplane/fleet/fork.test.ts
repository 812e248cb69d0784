/** A fork of the registry: nothing of it is shared that anybody writes to, and it is cheap. */
import t from 'tap';
import { InstanceIndex } from '../../../../controlplane/fleet/instance-index.js';
import { Column, hasBit } from '../../../../controlplane/fleet/registry-columns.js';
import { forkRegistry } from '../../../../controlplane/fleet/registry-fork.js';
import { ResourceColumns } from '../../../../controlplane/fleet/registry-resources.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import { noDetails } from '../../../../controlplane/model/host-details.js';
import { requestFor } from '../../../../controlplane/model/request.js';
import { defaultRules, select } from '../../../../controlplane/placement/select.js';
import type { HostRecord } from '../../../../proto/gen/drover/v1/HostRecord.js';

function record(id: string, change: Partial<HostRecord> = {}): HostRecord {
  return {
    id,
    name: `kvm-${id}`,
    availabilityZone: `az${id.length}`,
    labels: {},
    disabled: false,
    disabledReason: '',
    overcommit: null,
    capacity: { vcpus: 16, memoryBytes: 2 ** 36, diskBytes: 2 ** 40 },
    machineId: '',
    certificateSerial: '',
    enrolledUnixMs: 0,
    forcedDown: false,
    maintenance: null,
    lock: null,
    simulated: true,
    ...change,
  };
}

const rack = { id: 1, name: 'rack', metadata: { ram_weight_multiplier: '2', availability_zone: 'rack' } };

function fleet(hosts: number): Registry {
  const registry = new Registry();
  for (let index = 0; index < hosts; index++) {
    const id = `${index}`;
    registry.upsert(record(id), index % 3 === 0 ? [rack] : []);
    registry.setLiveness(id, true, 1_000 + index);
    registry.setAllocated(id, { vcpus: index % 5, memoryMb: 512, diskMb: 0, count: 1 });
    registry.setDetails(id, { ...noDetails, nodeName: `node-${id}` });
    registry.columns.instances.add(`vm-${index}`, index);
  }
  return registry;
}

/** Every array of numbers that an object holds, itself or in its columns and maps, by the way to it; other objects fail. */
function arraysOf(holder: object, way = ''): Map<string, Float64Array | Int32Array> {
  const found = new Map<string, Float64Array | Int32Array>();
  for (const [key, value] of Object.entries(holder) as [string, unknown][]) {
    const at = `${way}.${key}`;
    if (value instanceof Float64Array || value instanceof Int32Array) found.set(at, value);
    else if (value instanceof Column || value instanceof ResourceColumns || value instanceof Map)
      for (const [name, array] of arraysOf(value instanceof Map ? Object.fromEntries(value) : value, at))
        found.set(name, array);
  }
  return found;
}

const request = requestFor({ vcpus: 2, memoryMb: 1024 });

t.test('a fork is the same, array by array, and none of them is shared', async (t) => {
  const registry = fleet(150);
  const fork = forkRegistry(registry);
  const [ours, theirs] = [arraysOf(registry.columns), arraysOf(fork.columns)];
  t.ok(ours.size > 35, `${ours.size} arrays`);
  t.ok(
    ours.has('.zones.rack') && ours.has('.multipliers.ram_weight_multiplier') && ours.has('.vcpus.fit.high'),
  );
  for (const [way, array] of ours) {
    t.not(theirs.get(way), array, `${way} is a copy`);
    t.strictSame(theirs.get(way), array, way);
  }
  t.strictSame([fork.revision, fork.size, fork.rowOfName('kvm-7')], [registry.revision, 150, 7]);
  t.strictSame(fork.view('7'), registry.view('7'));
  t.equal(fork.columns.detailsOf(9), registry.columns.detailsOf(9), 'what nobody changes in place is shared');
  t.strictSame(
    select(fork, defaultRules, request, 5).destinations,
    select(registry, defaultRules, request, 5).destinations,
  );
});

/** Everything that a registry answers about two hosts and about its own size. */
function told(registry: Registry): unknown {
  const { columns } = registry;
  return JSON.stringify([
    registry.size,
    Array.from(registry.rowsByName()),
    [...columns.zones.keys()],
    ['3', 'new'].map((id) => [registry.view(id), columns.detailsOf(registry.rowOf(id) ?? 0)]),
    columns.instances.rowsOf('vm-3'),
    columns.instances.rowsOf('vm-new'),
    select(registry, defaultRules, request, 3).destinations,
    columns.aggregatesOf(3),
  ]);
}

function changeEverything(registry: Registry): void {
  registry.upsert(record('new', { name: 'aaa', availabilityZone: 'fresh' }), [rack]);
  registry.setLiveness('new', true, 5);
  registry.remove('4');
  registry.setAllocated('3', { vcpus: 9, memoryMb: 9, diskMb: 9, count: 9 });
  registry.setUnmanaged('3', { vcpus: 1, memoryMb: 1, diskMb: 1, count: 1 });
  registry.setAggregates('3', []);
  registry.setCounts('3', { servers: 7, ioOps: 7, failedBuilds: 7 });
  registry.setDetails('3', { ...noDetails, nodeName: 'other' });
  registry.setForcedDown('3', true);
  registry.columns.instances.remove('vm-3', 3);
  registry.columns.instances.add('vm-new', 3);
  for (let index = 0; index < 100; index++) registry.upsert(record(`more-${index}`));
}

t.test('what one of the two changes the other does not see', async (t) => {
  for (const changesFork of [true, false]) {
    const registry = fleet(150);
    const fork = forkRegistry(registry);
    const [changed, still] = changesFork ? [fork, registry] : [registry, fork];
    const before = told(still);
    changeEverything(changed);
    t.equal(told(still), before, changesFork ? 'the registry' : 'the fork');
    t.not(told(changed), before);
    t.ok(hasBit(still.columns.present, 4) && still.rowOf('4') === 4);
    t.equal(forkRegistry(changed).rowOfName('aaa'), changed.rowOfName('aaa'), 'and can be forked again');
  }
});

const ascending = (a: number, b: number) => a - b;

t.test('the index of virtual machines against a plain map, through forks', async (t) => {
  let state = 11;
  const random = (below: number) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return (state >> 8) % below;
  };
  const all = [{ index: new InstanceIndex(), plain: new Map<string, Set<number>>() }];
  for (let step = 0; step < 20_000; step++) {
    const { index, plain } = all[random(all.length)] as (typeof all)[number];
    const [uuid, row] = [`vm-${random(300)}`, random(4)];
    const rows = plain.get(uuid) ?? new Set();
    if (random(3) > 0) {
      index.add(uuid, row);
      plain.set(uuid, rows.add(row));
    } else {
      index.remove(uuid, row);
      rows.delete(row);
      if (rows.size === 0) plain.delete(uuid);
    }
    if (all.length < 6 && random(2_000) === 0)
      all.push({ index: index.fork(), plain: new Map([...plain].map(([key, set]) => [key, new Set(set)])) });
  }
  t.ok(all.length > 3);
  for (const { index, plain } of all) {
    t.equal(index.size, plain.size);
    for (let vm = 0; vm < 300; vm++) {
      const rows = index.rowsOf(`vm-${vm}`).toSorted(ascending);
      if (rows.join() !== [...(plain.get(`vm-${vm}`) ?? [])].toSorted(ascending).join()) t.fail(`vm-${vm}`);
    }
  }
});

t.test('10,000 hosts with 200,000 virtual machines', async (t) => {
  const registry = fleet(10_000);
  for (let vm = 0; vm < 200_000; vm++) registry.columns.instances.add(`other-${vm}`, vm % 10_000);
  forkRegistry(registry).columns.instances.add('another', 7);
  t.equal(registry.columns.instances.rowsOf('another').length, 0);
});
