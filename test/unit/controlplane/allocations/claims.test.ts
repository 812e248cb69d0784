import t from 'tap';
import {
  batchLimits,
  CommitLane,
  type CommitQueue,
} from '../../../../controlplane/allocations/commit-lane.js';
import { Claims, type ClaimLimits, type Claimed } from '../../../../controlplane/allocations/claims.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import { type CheckedRequest, requestFor } from '../../../../controlplane/model/request.js';
import { MemoryStore } from '../../../../controlplane/store/memory.js';
import { Writer } from '../../../../controlplane/store/group-commit.js';
import type { Write } from '../../../../controlplane/store/store.js';
import type { Allocation } from '../../../../proto/gen/drover/v1/Allocation.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { codec } from '../../../../proto/wire/load.js';
import { defaultRules } from '../../../../controlplane/placement/select.js';
import { placementRequest } from '../../../support/placement-request.js';
import { placementHandlers } from '../../../../controlplane/api/placement.js';
import { asRecords, stored } from '../../../support/stored.js';

function fleet(hosts: number, vcpus = 8): Registry {
  const defaults = {
    cpuAllocationRatio: 2,
    ramAllocationRatio: 1,
    diskAllocationRatio: 1,
    reservedHostCpus: 0,
    reservedHostMemoryMb: 0,
    reservedHostDiskMb: 0,
  };
  const registry = new Registry({ defaults });
  for (let index = 0; index < hosts; index++) {
    const id = `h${index}`;
    const capacity = { vcpus, memoryBytes: 64 * 2 ** 30, diskBytes: 1000 * 2 ** 30 };
    const more = {
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
      simulated: true,
    };
    registry.upsert({ id, name: `kvm-${index}`, availabilityZone: '', capacity, ...more });
    registry.setLiveness(id, true, 1);
  }
  return registry;
}

function wanted(vcpus: number, instanceUuid = ''): CheckedRequest {
  return requestFor(
    { vcpus, memoryMb: 1024, rootGb: 1, extraSpecs: { 'hw:cpu_policy': 'shared' } },
    { instanceUuid },
  );
}

/** A commit queue that waits to be told what becomes of each commit. */
class HeldCommits implements CommitQueue {
  readonly held: { writes: readonly Write[]; settle: (error?: Error) => void }[] = [];
  #revision = 0;

  submit(writes: readonly Write[]): Promise<number> {
    return new Promise((resolve, reject) => {
      this.held.push({ writes, settle: (error) => (error ? reject(error) : resolve(++this.#revision)) });
    });
  }

  /** The next commit, once it was handed in. */
  async next(): Promise<HeldCommits['held'][number]> {
    for (let turn = 0; turn < 1000 && this.held.length === 0; turn++) await new Promise(setImmediate);
    const next = this.held.shift();
    if (!next) throw new Error('no commit came');
    return next;
  }
}

function setUp(registry: Registry, commits: CommitQueue, limits: Partial<ClaimLimits> = {}): Claims {
  let id = 0;
  return new Claims({ registry, commits, now: () => 1234, newId: () => `a${id++}`, limits });
}

t.test('who is told that allocations changed sees them durable', async (t) => {
  const registry = fleet(2);
  const told: string[] = [];
  const commits = new HeldCommits();
  const changed = (hostId: string) => {
    told.push(`${hostId} holds ${claims.list(hostId).length} at ${claims.generationOf(hostId)}`);
  };
  let id = 0;
  const claims: Claims = new Claims({ registry, commits, now: () => 1, newId: () => `a${id++}`, changed });
  const one = claims.claim(wanted(1), 'one');
  const other = claims.claim(wanted(1), 'other');
  const first = await commits.next();
  t.same(told, [], 'a mark is no allocation yet');
  first.settle();
  const { hostId } = (await one).allocation;
  await other;
  t.same(told, ['h0 holds 1 at 1', 'h1 holds 1 at 1'], 'once a host and commit');
  const failing = claims.claim(wanted(1), 'failing');
  (await commits.next()).settle(new DroverError('storage-failed', 'told to fail'));
  await t.rejects(failing, { code: 'storage-failed' });
  t.equal(told.length, 2, 'what failed changed nothing');
  const released = claims.release((await one).allocation.id);
  (await commits.next()).settle();
  await released;
  t.equal(told[2], `${hostId} holds 0 at 2`);
});

/** What a commit says: allocations that are written, ids that go, and generations of hosts that lost something. */
function said(writes: readonly Write[]) {
  const written: Allocation[] = [];
  const gone: string[] = [];
  const generations: Record<string, number> = {};
  for (const { key, value } of writes) {
    const [kind, id = ''] = key.split('/');
    if (kind === 'allocation' && value) written.push(codec('Allocation').decode(value));
    else if (kind === 'allocation') gone.push(id);
    else if (value) generations[id] = codec('HostAllocations').decode(value).generation;
  }
  return { written, gone, generations };
}

const catalog = {
  names: {
    flavor: () => t.fail('no flavor was named') as never,
    group: () => t.fail('no group was named') as never,
    checkZone: () => undefined,
    alias: () => {
      throw new Error('not asked');
    },
  },
  rules: () => defaultRules,
  rulesWith: () => defaultRules,
};

const freeVcpus = (registry: Registry, row = 0): number =>
  registry.columns.vcpus.usable.values[row] as number;

t.test('a claim is answered when it is durable, and is all there after a restart', async (t) => {
  const store = new MemoryStore();
  const registry = fleet(2);
  const claims = setUp(registry, new Writer(store, 0));
  const first = await claims.claim(wanted(3, 'vm-1'), 'key-1', 'alice');
  t.match(first, {
    existed: false,
    hostGeneration: 1,
    allocation: {
      id: 'a0',
      vcpus: 3,
      memoryMb: 1024,
      diskMb: 1024,
      createdUnixMs: 1234,
      createdBy: 'alice',
      instanceUuid: 'vm-1',
      idempotencyKey: 'key-1',
    },
  });
  t.strictSame(first.allocation.extraSpecs, { 'hw:cpu_policy': 'shared' });
  t.match(
    await claims.claim(wanted(3, 'vm-1'), 'key-1'),
    { existed: true, allocation: { id: 'a0' } },
    'the same key again',
  );
  await t.rejects(claims.claim(wanted(4, 'vm-1'), 'key-1'), {
    code: 'already-exists',
    field: 'idempotency_key',
  });
  for (const other of [{ availabilityZone: 'nova' }, { extraSpecs: {} }])
    await t.rejects(
      claims.claim({ ...wanted(3, 'vm-1'), ...other }, 'key-1'),
      { code: 'already-exists' },
      'another zone or other extra specs are another request',
    );
  await t.rejects(claims.claim(wanted(3), 'k'.repeat(129)), { code: 'invalid-argument' });

  const { records, revision } = await stored(store);
  const again = fleet(2);
  const reloaded = setUp(again, new Writer(store, revision));
  reloaded.load(asRecords(records));
  t.strictSame(again.columns.vcpus.usable.values, registry.columns.vcpus.usable.values);
  t.strictSame(reloaded.list(), [first.allocation]);
  t.match(await reloaded.claim(wanted(3, 'vm-1'), 'key-1'), { existed: true, allocation: { id: 'a0' } });
  t.same(await reloaded.release('a0'), first.allocation);
  t.equal(again.columns.vcpus.usable.values[0], 16);
  t.equal(reloaded.generationOf(first.allocation.hostId), 2);
  await t.rejects(reloaded.release('a0'), { code: 'not-found', field: 'allocation_id' });
  t.throws(() => reloaded.load(asRecords([{ key: 'allocations/h0', value: Buffer.from([0xff, 0xff]) }])), {
    code: 'storage-corrupt',
  });
});

t.test('claims on one host while a commit is on its way go together in the next', async (t) => {
  const commits = new HeldCommits();
  const registry = fleet(1);
  const claims = setUp(registry, commits);
  const first = claims.claim(wanted(1), 'first');
  const one = await commits.next();
  const later = [
    claims.claim(wanted(1), 'x'),
    claims.claim(wanted(1), 'y'),
    claims.claim(wanted(1), 'first'),
  ];
  t.equal(freeVcpus(registry), 13, 'marked before they are durable');
  t.equal(said(one.writes).written.length, 1);
  t.equal(commits.held.length, 0, 'nothing goes out while a commit is on its way');
  one.settle();
  t.match(await first, { hostGeneration: 1 });
  const two = await commits.next();
  t.match(said(two.writes), {
    written: [
      { id: 'a1', hostGeneration: 2 },
      { id: 'a2', hostGeneration: 2 },
    ],
    generations: {},
  });
  two.settle();
  t.match(await Promise.all(later), [
    { hostGeneration: 2 },
    { hostGeneration: 2 },
    { existed: true, allocation: { id: 'a0' } },
  ]);
  t.strictSame([...claims.idsOn('h0')], ['a0', 'a1', 'a2']);
});

t.test('a commit that fails is taken back exactly, and what came after it is not touched', async (t) => {
  const commits = new HeldCommits();
  const registry = fleet(1);
  const claims = setUp(registry, commits);
  const failing = claims.claim(wanted(2), 'lost');
  const waiting = claims.claim(wanted(2), 'lost');
  const one = await commits.next();
  const after = claims.claim(wanted(5), 'kept');
  const broken = new DroverError('storage-failed', 'disk full');
  one.settle(broken);
  await t.rejects(failing, broken);
  await t.rejects(waiting, broken, 'whoever waited for the same key hears the same');
  const two = await commits.next();
  const { written } = said(two.writes);
  t.match(written, [{ idempotencyKey: 'kept', hostGeneration: 1 }]);
  t.equal(written.length, 1, 'no trace of the one that failed');
  two.settle();
  await after;
  t.equal(freeVcpus(registry), 11);
  const retried = claims.claim(wanted(2), 'lost');
  (await commits.next()).settle();
  t.match(await retried, { existed: false }, 'the key is free again');
});

t.test('a release counts as taken until it is durable', async (t) => {
  const commits = new HeldCommits();
  const registry = fleet(1);
  const claims = setUp(registry, commits);
  const claim = claims.claim(wanted(8), 'a');
  (await commits.next()).settle();
  const { allocation } = await claim;
  const release = claims.release(allocation.id);
  t.equal(claims.release(allocation.id), release, 'a second release joins the first');
  const one = await commits.next();
  t.equal(freeVcpus(registry), 8, 'nobody can take it yet');
  one.settle(new DroverError('storage-failed', 'disk full'));
  await t.rejects(release, { code: 'storage-failed' });
  t.equal(freeVcpus(registry), 8);
  t.equal(claims.list().length, 1);
  const retry = claims.release(allocation.id);
  const two = await commits.next();
  t.strictSame(said(two.writes), { written: [], gone: [allocation.id], generations: { h0: 2 } });
  two.settle();
  await retry;
  t.equal(freeVcpus(registry), 16);
  t.equal(claims.idsOn('h0').size, 0);
});

t.test('placeMany: all or nothing, or each on its own', async (t) => {
  const store = new MemoryStore();
  const registry = fleet(2);
  const claims = setUp(registry, new Writer(store, 0));
  const many = (sizes: number[], name: string) =>
    sizes.map((vcpus, index) => ({ request: wanted(vcpus), key: `${name}-${index}`, by: '' }));
  await t.rejects(claims.placeMany(many([8, 8, 8, 8, 8], 'all'), true), {
    code: 'no-valid-host',
    message: /^claims\[4\]: no valid host among 2/,
  });
  t.strictSame([freeVcpus(registry), freeVcpus(registry, 1)], [16, 16], 'nothing was kept');
  t.equal((await store.load()).revision, 0, 'and nothing written');
  const bad = new DroverError('invalid-argument', 'claims[1].request.vcpus: bad');
  await t.rejects(claims.placeMany([...many([1], 'all'), bad], true), bad);
  const each = await claims.placeMany([...many([8, 8, 8], 'each'), bad, ...many([8, 8], 'more')], false);
  t.strictSame(
    each.map((outcome) => ('error' in outcome ? outcome.error.code : 'placed')),
    ['placed', 'placed', 'placed', 'invalid-argument', 'placed', 'no-valid-host'],
  );
  t.equal((await store.load()).revision, 1, 'one commit for all');
  const again = (await claims.placeMany([...many([8, 8], 'each'), ...many([8], 'each')], true)) as Claimed[];
  t.ok(
    again.every(({ existed }) => existed),
    'known keys are not placed again',
  );
  t.equal(again[0]?.allocation.id, again[2]?.allocation.id, 'also twice in one call');
  await t.rejects(claims.placeMany([], false), { code: 'invalid-argument', field: 'claims' });
  await t.rejects(claims.placeMany(many(Array<number>(1001).fill(1), 'many'), false), {
    code: 'invalid-argument',
    field: 'claims',
  });
});

t.test('claims of one call that fail alike share one explanation', async (t) => {
  let prepared = 0;
  const filters = defaultRules.filters.map((filter, index) => ({
    ...filter,
    prepare: (...all: Parameters<typeof filter.prepare>) => {
      if (index === 0) prepared++;
      return filter.prepare(...all);
    },
  }));
  const commits = new Writer(new MemoryStore(), 0);
  const rules = { ...defaultRules, filters };
  const claims = new Claims({ registry: fleet(2), commits, now: () => 0, newId: () => 'a', rules });
  const many = Array.from({ length: 100 }, (_, index) => ({
    request: wanted(9 + (index % 2)),
    key: '',
    by: '',
  }));
  const outcomes = await claims.placeMany(many, false);
  t.ok(outcomes.every((outcome) => 'error' in outcome && outcome.error.code === 'no-valid-host'));
  t.match(outcomes.slice(0, 2), [{ error: /wanted 9 vCPUs/ }, { error: /wanted 10 vCPUs/ }]);
  const forAll = prepared;
  await claims.placeMany(many.slice(0, 2), false);
  t.equal(prepared, 2 * forAll, 'a hundred claims of two requests cost what two claims cost');
});

t.test('all-or-nothing waits for keys on their way, and falls with the commit', async (t) => {
  const commits = new HeldCommits();
  const registry = fleet(1);
  const claims = setUp(registry, commits);
  const first = claims.claim(wanted(1), 'shared');
  const one = await commits.next();
  const all = claims.placeMany(
    [
      { request: wanted(1), key: 'shared', by: '' },
      { request: wanted(1), key: 'own', by: '' },
    ],
    true,
  );
  one.settle(new DroverError('storage-failed', 'disk full'));
  await t.rejects(first);
  const two = await commits.next();
  t.equal(said(two.writes).written.length, 2, 'the key that failed is placed anew');
  two.settle(new DroverError('storage-failed', 'disk full'));
  await t.rejects(all, { code: 'storage-failed' });
  t.equal(freeVcpus(registry), 16);
});

t.test('limits', async (t) => {
  const commits = new HeldCommits();
  const registry = fleet(1, 1000);
  const claims = setUp(registry, commits, { inFlight: 3, perHost: 5 });
  const first = [1, 2, 3].map((n) => claims.claim(wanted(1), `k${n}`));
  await t.rejects(claims.claim(wanted(1), 'k4'), { code: 'resource-exhausted', message: /3 claims wait/ });
  t.equal(freeVcpus(registry), 1997);
  (await commits.next()).settle();
  await Promise.all(first);
  const next = [4, 5].map((n) => claims.claim(wanted(1), `k${n}`));
  await t.rejects(claims.claim(wanted(1), 'k6'), {
    code: 'resource-exhausted',
    message: /kvm-0 holds 5 allocations/,
  });
  (await commits.next()).settle();
  await Promise.all(next);
  t.equal(claims.list().length, 5);
});

t.test('a lane makes batches of bounded size, in order', async (t) => {
  const batches: number[][] = [];
  const lane = new CommitLane<number>(
    { submit: () => Promise.resolve(1) },
    {
      sizeOf: (item) => ({ writes: 1, bytes: item === 0 ? 1 : batchLimits.bytes / 2 }),
      encode: (batch) => (batches.push([...batch]), []),
      committed: () => undefined,
      failed: () => undefined,
    },
  );
  await Promise.all([1, 2, 3, 4, 5].map((item) => lane.add(item)));
  t.strictSame(batches, [[1, 2], [3, 4], [5]]);
  batches.length = 0;
  await Promise.all(Array.from({ length: batchLimits.writes + 1 }, () => lane.add(0)));
  t.strictSame(
    batches.map(({ length }) => length),
    [batchLimits.writes, 1],
    'and of so many writes',
  );
});

t.test('no valid host is told in words', async (t) => {
  const claims = setUp(fleet(3), new Writer(new MemoryStore(), 0));
  const message =
    /^no valid host among 3: AvailabilityZoneFilter left 3, .*CoreFilter left 0.*\. Most frequent: CoreFilter refuses 3 \(vcpus-over-total\); for example kvm-0 has 8 vCPUs in all, wanted 9 vCPUs\b/;
  await t.rejects(claims.claim(wanted(9), ''), { code: 'no-valid-host', message });
  await t.rejects(setUp(fleet(0), new HeldCommits()).claim(wanted(1), ''), {
    message: 'no valid host: no host has joined',
  });
});

t.test('the service: translate, call, answer', async (t) => {
  const registry = fleet(3);
  const claims = setUp(registry, new Writer(new MemoryStore(), 0));
  const service = placementHandlers({ registry, claims, catalog });
  const request = placementRequest({ vcpus: 2, memoryMb: 1024, rootGb: 1 });
  const caller = { name: 'alice' };
  t.match(await service.SelectDestinations({ request, alternates: 1, seed: 0 }), {
    hostsConsidered: 3,
    destinations: [{ hostId: 'h0', weights: { RAMWeigher: 1, CPUWeigher: 1 } }, { hostId: 'h1' }],
    filters: [{ filter: 'AvailabilityZoneFilter', hostsLeft: 3 }],
  });
  await t.rejects(service.SelectDestinations({ request, alternates: 101, seed: 0 }), {
    code: 'invalid-argument',
    field: 'alternates',
  });
  await t.rejects(service.Claim({ request: null, idempotencyKey: '', seed: 0 }, caller), {
    code: 'invalid-argument',
    field: 'request',
  });
  const claimed = await service.Claim({ request, idempotencyKey: 'k', seed: 7 }, caller);
  t.match(claimed, {
    allocation: { hostName: 'kvm-0', createdBy: 'alice', diskMb: 1024, seed: 7 },
    existed: false,
  });
  const placed = await service.PlaceMany(
    {
      allOrNothing: false,
      claims: [
        { request, idempotencyKey: '', seed: 0 },
        { request: { ...request, vcpus: 0 }, idempotencyKey: '', seed: 0 },
      ],
    },
    caller,
  );
  t.match(placed.results, [
    { allocation: { hostName: 'kvm-1' } },
    { errorCode: 'invalid-argument', error: /claims\[1\]\.request\.vcpus/ },
  ]);
  const page = await service.ListAllocations({ host: '', pageSize: 1, pageToken: '' });
  t.match(page, { total: 2, allocations: [{ hostName: 'kvm-0' }] });
  t.match(await service.ListAllocations({ host: '', pageSize: 1, pageToken: page.nextPageToken ?? '' }), {
    nextPageToken: '',
    allocations: [{ hostName: 'kvm-1' }],
  });
  t.match(await service.ListAllocations({ host: 'kvm-2', pageSize: 0, pageToken: '' }), {
    total: 0,
    allocations: [],
  });
  await t.rejects(service.ListAllocations({ host: 'nobody', pageSize: 0, pageToken: '' }), {
    code: 'not-found',
  });
  await t.rejects(service.Explain({ request, limit: 10_001 }), { code: 'invalid-argument', field: 'limit' });
  const explained = await service.Explain({ request: { ...request, vcpus: 7 }, limit: 2 });
  t.match(explained, {
    hostsConsidered: 3,
    hostsPassed: 3,
    hosts: [{ hostName: 'kvm-2', passes: true }, { hostName: 'kvm-0' }],
  });
  t.equal(explained.hosts?.length, 2);
  t.match(await service.Release({ allocationId: 'a0' }), { allocation: { id: 'a0' } });
});
