import t from 'tap';
import { Claims, type ClaimsParts } from '../../../../controlplane/allocations/claims.js';
import { reportGraceMs } from '../../../../controlplane/allocations/confirmations.js';
import type { RunningDomain } from '../../../../controlplane/allocations/domain-set.js';
import { halvingMs } from '../../../../controlplane/allocations/failed-builds.js';
import { orphanMs } from '../../../../controlplane/allocations/healing.js';
import { Lapses, mostStopped } from '../../../../controlplane/allocations/lapses.js';
import { mostRequests, Requests } from '../../../../controlplane/allocations/requests.js';
import { timeIds } from '../../../../controlplane/allocations/time-ids.js';
import { Turns } from '../../../../controlplane/allocations/turns.js';
import { noDetails } from '../../../../controlplane/model/host-details.js';
import { guestNumaOf } from '../../../../controlplane/model/numa/guest-numa-of.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import { type CheckedRequest, requestFor } from '../../../../controlplane/model/request.js';
import { novaSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { rulesOf } from '../../../../controlplane/placement/select.js';
import { Writer } from '../../../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../../../controlplane/store/memory.js';
import type { AllocationInput } from '../../../../proto/gen/drover/v1/Allocation.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { codec } from '../../../../proto/wire/load.js';
import { asRecords, stored } from '../../../support/stored.js';

const ttlMs = 120_000;

function addHost(registry: Registry, index: number): void {
  registry.upsert({
    ...{ id: `h${index}`, name: `kvm-${index}`, availabilityZone: '', labels: {}, overcommit: null },
    ...{ disabled: false, disabledReason: '', machineId: '', certificateSerial: '', enrolledUnixMs: 0 },
    ...{ forcedDown: false, maintenance: null, lock: null, simulated: true },
    capacity: { vcpus: 8, memoryBytes: 64 * 2 ** 30, diskBytes: 1000 * 2 ** 30 },
  });
  registry.setLiveness(`h${index}`, true, 1);
}

/** Claims over a store in memory, with a clock that stands and hosts whose domains are what the test says. */
function world(hosts: number, more: Partial<ClaimsParts> = {}) {
  const registry = new Registry();
  for (let index = 0; index < hosts; index++) addHost(registry, index);
  const store = new MemoryStore();
  const state = { clock: 1_000_000, fails: false, warnings: [] as string[], id: 0 };
  const domains = new Map<string, readonly RunningDomain[]>();
  const writer = new Writer(store, 0);
  const submit: Writer['submit'] = (writes) =>
    state.fails ? Promise.reject(new DroverError('storage-failed', 'told to fail')) : writer.submit(writes);
  const settings = { ...novaSettings, maxAttempts: 3 };
  const claims = new Claims({
    registry,
    commits: { submit },
    now: () => state.clock,
    newId: () => `a${state.id++}`,
    rules: rulesOf(settings),
    claimTtlMs: ttlMs,
    log: { warn: (_fields, message) => state.warnings.push(message) },
    domainsOf: (hostId) => domains.get(hostId),
    ...more,
  });
  return {
    ...{ registry, store, state, domains, claims },
    /** What an agent reports of its domains. */
    reports(hostId: string, now: readonly RunningDomain[]): void {
      const before = domains.get(hostId);
      domains.set(hostId, now);
      const row = registry.rowOf(hostId) as number;
      for (const { uuid } of now) registry.columns.instances.add(uuid, row);
      claims.domainsReported(hostId, now, before);
    },
    free: (host: number): number => registry.columns.memoryMb.free.values[host] as number,
    count: (name: 'ioOps' | 'failedBuilds' | 'servers', host: number): number =>
      registry.columns[name].values[host] as number,
    async pass(ms: number): Promise<void> {
      state.clock += ms;
      await claims.sweep();
    },
  };
}

const wanted = (instanceUuid = '', more: Partial<CheckedRequest> = {}): CheckedRequest =>
  requestFor({ vcpus: 1, memoryMb: 1024 }, { instanceUuid, ...more });

const domain = (uuid: string, more: Partial<RunningDomain> = {}): RunningDomain => ({
  ...{ uuid, allocationId: '', state: 'running' },
  ...more,
});

const answer = (generation: number, confirmedIds: string[], rejectedIds: string[] = []) => ({
  generation,
  confirmedIds,
  rejected: rejectedIds.map((id) => ({ id, reason: 'no huge pages are left' })),
});

/** Waits until the work that a report began is done. */
async function settle(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !done(); turn++) await new Promise(setImmediate);
  if (!done()) throw new Error('it did not come to that');
}

t.test('a claim lapses unless its agent confirms it', async (t) => {
  const w = world(2);
  const [kept, lost] = [await w.claims.claim(wanted(), 'kept'), await w.claims.claim(wanted(), 'lost')];
  t.match(kept.allocation, {
    state: 'claimed',
    lapsesUnixMs: 1_000_000 + ttlMs,
    alternates: ['kvm-1'],
    attempts: 1,
  });
  t.same([w.count('ioOps', 0), w.count('ioOps', 1)], [1, 1], 'work is under way on both hosts');
  w.claims.report('h0', answer(1, [kept.allocation.id, lost.allocation.id, 'nobody']));
  await settle(() => w.claims.get(kept.allocation.id)?.state === 'confirmed');
  t.match(w.claims.get(kept.allocation.id), { lapsesUnixMs: 0, hostGeneration: 1 });
  t.equal(w.claims.get(lost.allocation.id)?.state, 'claimed', 'another host cannot confirm it');
  t.same([w.count('ioOps', 0), w.count('ioOps', 1)], [0, 1]);
  await w.pass(ttlMs - 1);
  t.equal(w.claims.list().length, 2);
  w.state.fails = true;
  await w.pass(1);
  t.equal(w.claims.list().length, 2, 'what the store refuses is tried again later');
  w.state.fails = false;
  await w.pass(ttlMs);
  t.strictSame(
    w.claims.list().map(({ id }) => id),
    [kept.allocation.id],
  );
  t.equal(w.free(1), 65_024);
  t.match(await w.claims.claim(wanted(), 'lost'), { existed: false }, 'its key is free');

  const again = new Claims({
    registry: w.registry,
    commits: { submit: () => Promise.resolve(1) },
    now: () => 0,
    newId: () => '',
  });
  again.load(await w.store.load());
  t.equal(again.get(kept.allocation.id)?.state, 'confirmed', 'confirmed durably');
});

t.test('an agent of an older build confirms by acknowledging, a domain does too', async (t) => {
  const w = world(1);
  const first = (await w.claims.claim(wanted(), '')).allocation;
  w.claims.acknowledged('h0', 1);
  const second = (await w.claims.claim(wanted('vm-2'), '')).allocation;
  await w.pass(reportGraceMs - 1);
  t.equal(w.claims.get(first.id)?.state, 'claimed', 'its report may still come');
  w.claims.acknowledged('h0', 2);
  await w.pass(1);
  t.equal(w.claims.get(first.id)?.state, 'confirmed');
  t.equal(w.claims.get(second.id)?.state, 'claimed', 'the set that was acknowledged had it not');
  await w.pass(reportGraceMs);
  t.equal(w.claims.get(second.id)?.state, 'confirmed', 'the later acknowledgement counts from its own time');

  const third = (await w.claims.claim(wanted('VM-3'), '')).allocation;
  w.claims.report('h0', answer(3, []));
  w.claims.acknowledged('h0', 3);
  await w.pass(reportGraceMs);
  t.equal(w.claims.get(third.id)?.state, 'claimed', 'an agent that sends reports confirms by nothing else');
  w.reports('h0', [domain('vm-3')]);
  await settle(() => w.claims.get(third.id)?.state === 'confirmed');
  const fourth = (await w.claims.claim(wanted(), '')).allocation;
  w.claims.sessionBegan('h0');
  w.claims.acknowledged('h0', 4);
  w.state.fails = true;
  await w.pass(reportGraceMs);
  t.match(w.state.warnings, ['confirmed allocations not stored']);
  w.state.fails = false;
  await w.pass(1_000);
  t.equal(w.claims.get(fourth.id)?.state, 'confirmed', 'stored at the next sweep');
});

t.test('a claim that is rejected goes to the next alternate, and in the end back', async (t) => {
  const w = world(4);
  const { allocation } = await w.claims.claim(wanted('vm', { hints: { group: ['x'] } }), 'key');
  t.strictSame([allocation.hostName, ...allocation.alternates], ['kvm-0', 'kvm-1', 'kvm-2']);
  w.claims.report('h0', answer(0, [], [allocation.id]));
  await settle(() => true);
  t.equal(w.claims.get(allocation.id)?.hostId, 'h0', 'an answer to an older set does not count');
  w.registry.setForcedDown('h1', true);
  w.claims.report('h0', answer(1, [], [allocation.id, allocation.id]));
  await settle(() => w.claims.get(allocation.id)?.hostId === 'h2');
  t.match(w.claims.get(allocation.id), {
    attempts: 2,
    alternates: [],
    state: 'claimed',
    movedFrom: '',
    idempotencyKey: 'key',
  });
  t.same(
    [w.count('failedBuilds', 0), w.count('servers', 0), w.count('servers', 2)],
    [1, 0, 1],
    'counted once',
  );
  t.match(await w.claims.claim(wanted('vm', { hints: { group: ['x'] } }), 'key'), {
    existed: true,
    allocation: { hostId: 'h2' },
  });
  w.claims.report('h2', answer(1, [], [allocation.id]));
  await settle(() => w.claims.list().length === 0);
  t.match(w.state.warnings.at(-1), /no other host is left/);
  t.same([w.count('failedBuilds', 2), w.free(2)], [1, 65_024]);
  t.same(
    (await stored(w.store)).records.map(({ key }) => key),
    ['allocations/h0', 'allocations/h2'],
    'generations alone are left',
  );
  w.registry.setForcedDown('h1', false);
  const next = (await w.claims.claim(wanted(), '')).allocation;
  t.equal(next.hostName, 'kvm-1', 'hosts that failed are pushed back');
  const here = (await w.claims.move({ allocationId: next.id, hostId: 'h0', key: '', by: '', reason: '' }))
    .allocation;
  w.claims.report('h0', answer(here.hostGeneration, [here.id]));
  await settle(() => w.count('failedBuilds', 0) === 0);
  await w.pass(halvingMs);
  t.equal(w.count('failedBuilds', 2), 0, 'and time heals');
});

t.test('a move takes both hosts with one commit, once for a key', async (t) => {
  const freed: string[] = [];
  const w = world(3, { freed: (hostId) => freed.push(hostId) });
  const { allocation } = await w.claims.claim(wanted('vm'), 'claim-key');
  w.claims.report('h0', answer(1, [allocation.id]));
  await settle(() => w.claims.get(allocation.id)?.state === 'confirmed');
  const move = (hostId: string, key: string) =>
    w.claims.move({ allocationId: allocation.id, hostId, key, by: 'op', reason: 'drain' });
  const { revision } = await w.store.load();
  w.state.fails = true;
  await t.rejects(move('', 'one'), { code: 'storage-failed' });
  t.same([w.count('servers', 0), w.count('servers', 1)], [1, 0], 'what fails changes nothing');
  w.state.fails = false;
  const moving = move('', 'one');
  t.same([w.count('servers', 0), w.count('servers', 1)], [1, 1], 'taken on both until it is durable');
  const moved = await moving;
  t.match(moved, {
    fromHostName: 'kvm-0',
    allocation: {
      id: allocation.id,
      hostName: 'kvm-1',
      state: 'claimed',
      movedFrom: 'kvm-0',
      hostGeneration: 1,
    },
  });
  t.same([w.count('servers', 0), w.count('servers', 1)], [0, 1]);
  t.strictSame(freed.slice(-1), ['h0'], 'whose domain still runs there counts as nobody’s');
  t.equal((await w.store.load()).revision, revision + 1);
  t.same([w.claims.generationOf('h0'), w.claims.generationOf('h1')], [2, 1]);
  t.same(await move('', 'one'), moved, 'the same key is the same move');
  await t.rejects(move('h1', 'two'), { code: 'failed-precondition', field: 'host' });
  w.registry.setForcedDown('h2', true);
  await t.rejects(move('h2', 'two'), { code: 'no-valid-host' });
  await t.rejects(w.claims.move({ allocationId: 'x', hostId: '', key: '', by: '', reason: '' }), {
    code: 'not-found',
  });
  const [released, late] = await Promise.allSettled([w.claims.release(allocation.id), move('', 'three')]);
  t.match(
    [released, late],
    [{ status: 'fulfilled' }, { reason: { code: 'not-found' } }],
    'one change at a time',
  );

  const again = new Claims({
    registry: new Registry(),
    commits: { submit: () => Promise.resolve(1) },
    now: () => 0,
    newId: () => '',
  });
  again.load(await w.store.load());
  t.same([again.list(), again.generationOf('h0'), again.generationOf('h1')], [[], 2, 2]);
});

t.test('server groups hold against claims at the same time', async (t) => {
  const groups = new Map([
    ['apart', { id: 'apart', name: 'apart', policy: 'anti-affinity', maxServerPerHost: undefined }],
    ['near', { id: 'near', name: 'near', policy: 'affinity', maxServerPerHost: undefined }],
  ]);
  const w = world(3, { groupOf: (id) => groups.get(id) });
  const inGroup = (id: string, uuid = '') =>
    wanted(uuid, { group: { id, policy: 'stale', members: [], hosts: [], maxServerPerHost: undefined } });
  const apart = await Promise.allSettled(
    [0, 1, 2, 3].map((index) => w.claims.claim(inGroup('apart', index % 2 ? `vm-${index}` : ''), '')),
  );
  const placed = apart.flatMap((one) => (one.status === 'fulfilled' ? [one.value.allocation] : []));
  t.equal(new Set(placed.map(({ hostId }) => hostId)).size, 3, 'each on a host of its own');
  t.match(apart[3], { reason: { code: 'no-valid-host', message: /ServerGroupAntiAffinityFilter/ } });
  t.same([...w.claims.membersOf('apart').hosts].sort(), ['kvm-0', 'kvm-1', 'kvm-2']);
  await t.rejects(
    w.claims.move({ allocationId: placed[0]?.id as string, hostId: '', key: '', by: '', reason: '' }),
    { code: 'no-valid-host' },
  );
  const near = (await w.claims.placeMany(
    Array.from({ length: 5 }, () => ({ request: inGroup('near'), key: '', by: '' })),
    true,
  )) as { allocation: { hostId: string } }[];
  t.equal(new Set(near.map(({ allocation }) => allocation.hostId)).size, 1);
  await w.claims.release(placed[0]?.id as string);
  t.match(await w.claims.claim(inGroup('apart', 'vm-9'), ''), { allocation: { hostId: placed[0]?.hostId } });
  groups.delete('near');
  await t.rejects(w.claims.claim(inGroup('near'), ''), { code: 'not-found', field: 'server_group' });
});

t.test('an allocation follows its domain, and an orphan is said', async (t) => {
  const w = world(3);
  const { allocation } = await w.claims.claim(wanted('vm'), '');
  w.reports('h0', [domain('vm')]);
  await settle(() => w.claims.get(allocation.id)?.state === 'confirmed');
  w.reports('h1', []);
  w.reports('h1', [domain('vm', { state: 'paused' })]);
  await w.pass(1_000);
  t.equal(w.claims.get(allocation.id)?.hostId, 'h0', 'while it runs at the old place too, it moves');
  w.domains.delete('h0');
  await w.pass(1_000);
  t.equal(w.claims.get(allocation.id)?.hostId, 'h0', 'of a host whose agent is away nobody knows');
  w.reports('h0', []);
  await w.pass(1_000);
  t.match(w.claims.get(allocation.id), { hostId: 'h1', state: 'confirmed', movedFrom: 'kvm-0' });

  await w.claims.move({ allocationId: allocation.id, hostId: 'h2', key: '', by: '', reason: '' });
  w.reports('h2', []);
  w.reports('h1', [domain('vm')]);
  await w.pass(1_000);
  t.equal(
    w.claims.get(allocation.id)?.hostId,
    'h2',
    'where it was moved from it may run until it has come over',
  );
  await w.pass(ttlMs);
  t.match(
    w.claims.get(allocation.id),
    { hostId: 'h1', state: 'confirmed' },
    'a move that nobody confirms goes back to it',
  );

  w.reports('h1', []);
  await w.pass(orphanMs);
  t.equal(w.claims.troubleOn('h1'), undefined);
  w.domains.delete('h1');
  await w.pass(1_000);
  w.domains.set('h1', []);
  await w.pass(orphanMs);
  t.equal(w.claims.troubleOn('h1'), undefined, 'the time its agent was away does not count');
  await w.pass(1_000);
  t.match(w.claims.troubleOn('h1'), { reason: 'orphan', message: new RegExp(allocation.id) });
  w.reports('h1', [domain('other', { allocationId: allocation.id })]);
  t.equal(w.claims.troubleOn('h1'), undefined, 'it is back');
  t.equal(w.claims.list().length, 1, 'an orphan is not given back by itself');
});

t.test('orphans are given back where that is wanted; two allocations of one machine are said', async (t) => {
  const w = world(2, { releasesOrphans: true });
  const { allocation } = await w.claims.claim(wanted('vm'), '');
  w.reports('h0', [domain('vm')]);
  await settle(() => w.claims.get(allocation.id)?.state === 'confirmed');
  const double = (await w.claims.claim(wanted('VM'), '')).allocation;
  t.equal(
    w.state.warnings.filter((text) => /two allocations/.test(text)).length,
    0,
    'UUIDs are texts to the index',
  );
  const same = (await w.claims.claim(wanted('vm'), '')).allocation;
  t.match(w.state.warnings, [/two allocations for one virtual machine/]);
  t.match(w.claims.troubleOn('h0'), { reason: 'double' });
  await w.claims.release(same.id);
  await w.claims.release(double.id);
  await w.pass(1_000);
  t.equal(w.claims.troubleOn('h0'), undefined);
  w.reports('h0', []);
  await w.pass(orphanMs + 1);
  t.same(w.claims.list(), []);
});

t.test('records of older builds are read, and rewritten once', async (t) => {
  const w = world(1);
  const old = (id: string): AllocationInput => ({
    id,
    hostId: 'h0',
    hostName: 'kvm-0',
    vcpus: 1,
    memoryMb: 1024,
  });
  const value = codec('HostAllocations').encode({ generation: 7, allocations: [old('x'), old('y')] });
  await w.store.commit([{ key: 'allocations/h0', value }], 0);
  const { records, revision } = await stored(w.store);
  const claims = new Claims({
    ...{ registry: w.registry, commits: new Writer(w.store, revision), now: () => 0, newId: () => 'z' },
  });
  claims.load(asRecords(records));
  t.match(claims.list(), [{ id: 'x', state: 'confirmed' }, { id: 'y' }]);
  t.equal(claims.generationOf('h0'), 7);
  await claims.migrate();
  t.same(
    (await stored(w.store)).records.map(({ key }) => key),
    ['allocation/x', 'allocation/y', 'allocations/h0'],
  );
  await claims.release('x');
  const fresh = new Claims({
    ...{
      registry: w.registry,
      commits: { submit: () => Promise.resolve(1) },
      now: () => 0,
      newId: () => 'z',
    },
  });
  fresh.load(await w.store.load());
  t.same([fresh.list().map(({ id }) => id), fresh.generationOf('h0')], [['y'], 8]);
  fresh.load(
    asRecords([
      { key: 'allocation/x', value: codec('Allocation').encode({ ...old('x'), hostGeneration: 9 }) },
      { key: 'allocations/h0', value },
    ]),
  );
  t.equal(fresh.get('x')?.hostGeneration, 9, 'of two records of one allocation its own is the newer');
  t.throws(() => fresh.load(asRecords([{ key: 'allocation/x', value: Buffer.from([0xff]) }])), {
    code: 'storage-corrupt',
  });
});

t.test('NUMA cells are fitted when a claim is marked, counted off, and given back', async (t) => {
  const w = world(2);
  const network = { physnets: [], tunneled: false };
  const cell = (id: number, cpus: number[]) => ({
    ...{ id, sharedCpus: [], dedicatedCpus: cpus, memoryMb: 8192, memoryUsedMb: 0, vcpusUsed: 0 },
    ...{ pinnedCpus: [], siblings: cpus.map((cpu) => [cpu]), socket: 0, network },
    pages: [{ sizeKb: 4, total: 2 ** 21, used: 0, reserved: 0 }],
  });
  const told = { ...noDetails, numa: { cells: [cell(0, [0, 1]), cell(1, [2, 3])] } };
  for (const id of ['h0', 'h1']) w.registry.setDetails(id, w.claims.detailsWith(id, told));
  const flavor = { name: 'pinned', vcpus: 2, memoryMb: 1024, rootGb: 0, ephemeralGb: 0, swapMb: 0 };
  const extraSpecs = { 'hw:cpu_policy': 'dedicated' };
  const image = { id: '', name: '', properties: {} };
  const numa = guestNumaOf({ ...flavor, extraSpecs }, image);
  const pinned = requestFor({ ...flavor, extraSpecs }, { image, numa });
  const pinnedOn = (host: number): number[] =>
    (w.registry.columns.detailsOf(host).numa?.cells ?? []).flatMap(({ pinnedCpus }) => pinnedCpus);
  const four = await Promise.all([0, 1, 2, 3].map(() => w.claims.claim(pinned, '')));
  t.same(
    [pinnedOn(0), pinnedOn(1)],
    [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
  );
  t.same(
    four
      .map(({ allocation }) => allocation.cells.map(({ hostCell }) => hostCell).join())
      .toSorted((one, other) => one.localeCompare(other)),
    ['0', '0', '1', '1'],
  );
  await t.rejects(
    w.claims.claim(pinned, ''),
    { code: 'no-valid-host' },
    'room for vCPUs is left, pCPUs are not',
  );
  const first = four[0]?.allocation.id as string;
  const { hostId } = await w.claims.release(first);
  const row = w.registry.rowOf(hostId) as number;
  t.equal(pinnedOn(row).length, 2);
  t.equal(
    w.claims.detailsWith(hostId, told).numa?.cells.flatMap(({ pinnedCpus }) => pinnedCpus).length,
    2,
    'facts anew',
  );
  const other = four.map(({ allocation }) => allocation).find((one) => one.hostId !== hostId);
  const moved = await w.claims.move({
    allocationId: other?.id as string,
    hostId: '',
    key: '',
    by: '',
    reason: '',
  });
  t.match(moved.allocation, { hostId, cells: [{ pinning: {} }] });
  t.same([pinnedOn(row).length, pinnedOn(1 - row).length], [4, 2]);
  const again = new Claims({
    registry: w.registry,
    commits: { submit: () => Promise.resolve(1) },
    now: () => 0,
    newId: () => '',
  });
  again.load(await w.store.load());
  t.equal(
    again.detailsWith(hostId, told).numa?.cells.flatMap(({ pinnedCpus }) => pinnedCpus).length,
    4,
    'after a restart too',
  );
});

t.test('claims lapse in their order, and who waits no longer does not', async (t) => {
  const waiting = new Map<string, number>();
  const lapses = new Lapses(10, (id) => waiting.get(id));
  const start = (id: string, nowMs: number): void => {
    waiting.set(id, lapses.at(nowMs));
    lapses.start({ id, lapsesUnixMs: lapses.at(nowMs) }, nowMs);
  };
  for (const id of ['a', 'b', 'c', 'd']) start(id, 0);
  waiting.delete('b');
  lapses.stop();
  start('d', 0);
  start('a', 5);
  t.same(lapses.take(9, 9), []);
  t.same(lapses.take(10, 1), ['c'], 'b is confirmed, a was placed anew');
  t.same(lapses.take(10, 9), ['d'], 'placed anew in the same moment, it lapses once');
  t.same([lapses.take(14, 9), lapses.take(15, 9), lapses.size], [[], ['a'], 0]);
  lapses.start({ id: 'e', lapsesUnixMs: 40 }, 20);
  waiting.set('e', 40);
  t.same([lapses.take(39, 9), lapses.take(40, 9)], [[], ['e']], 'not before, with a clock that was set back');
  const never = new Lapses(0, () => 0);
  never.start({ id: 'a', lapsesUnixMs: 0 }, 5);
  t.same([never.at(5), lapses.at(5), never.size], [0, 15, 0]);
});

t.test('claims that wait no longer take room for so long only', async (t) => {
  const waiting = new Map<string, number>([['waits', 10]]);
  const lapses = new Lapses(10, (id) => waiting.get(id));
  lapses.start({ id: 'waits', lapsesUnixMs: 10 }, 0);
  let most = 0;
  for (let index = 0; index < 3 * mostStopped; index++) {
    lapses.start({ id: `c${index}`, lapsesUnixMs: 10 }, 0);
    lapses.stop();
    most = Math.max(most, lapses.size);
  }
  t.ok(most <= mostStopped + 2, `${most} stood there`);
  t.same(lapses.take(10, 9), ['waits']);
});

t.test('what is kept is bounded', async (t) => {
  const requests = new Requests();
  for (let index = 0; index <= mostRequests; index++)
    requests.keep(`r${index}`, wanted('', { ignoreHosts: ['a'] }));
  requests.keep('plain', wanted());
  t.equal(requests.size, mostRequests, 'the oldest goes, and a request that its allocation says is not kept');
  const turns = new Turns();
  const order: string[] = [];
  const failing = turns.run('a', () => Promise.reject(new Error('no'))).catch(() => order.push('first'));
  const next = turns.run('a', () => Promise.resolve(order.push('second')));
  t.ok(turns.isBusy('a'));
  await Promise.all([failing, next]);
  await new Promise(setImmediate);
  t.same([order.sort(), turns.size], [['first', 'second'], 0]);
});

t.test('ids grow with time, also when the clock does not', async (t) => {
  let clock = 1_700_000_000_000;
  const next = timeIds(
    () => clock,
    (bytes) => Buffer.alloc(bytes, 0xff),
  );
  const ids = Array.from({ length: 10_000 }, next);
  clock -= 5_000;
  ids.push(next());
  t.same(ids, [...ids].sort());
  t.equal(new Set(ids).size, ids.length);
  t.match(ids[0], /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
