/** The fleet over a store in memory: directory, profiles, sessions, conditions, operations, pages. */
import { EventEmitter } from 'node:events';
import t from 'tap';
import { Claims } from '../../../../controlplane/allocations/claims.js';
import { negotiate, sessionHandler, type SessionStream } from '../../../../controlplane/api/agent-session.js';
import { fleetHandlers } from '../../../../controlplane/api/fleet.js';
import { healthHandlers } from '../../../../controlplane/api/health.js';
import { largestPageBytes, page } from '../../../../controlplane/api/page.js';
import { placementHandlers } from '../../../../controlplane/api/placement.js';
import { tuningHandlers } from '../../../../controlplane/api/tuning.js';
import { parseConfig } from '../../../../controlplane/config.js';
import { FleetControl } from '../../../../controlplane/fleet/control.js';
import { AllocationFeed } from '../../../../controlplane/fleet/allocation-feed.js';
import { Directory } from '../../../../controlplane/fleet/directory.js';
import { liveness } from '../../../../controlplane/fleet/liveness.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import { Sessions } from '../../../../controlplane/fleet/sessions.js';
import { Conditions, verdicts } from '../../../../controlplane/health/conditions.js';
import { capacityOf } from '../../../../controlplane/model/host-capacity.js';
import { matchesPattern, profileFor, selects } from '../../../../controlplane/model/selector.js';
import { operationLimits, Operations } from '../../../../controlplane/operations/operations.js';
import { profileLimits, Profiles } from '../../../../controlplane/profiles/profiles.js';
import { Writer } from '../../../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../../../controlplane/store/memory.js';
import type { StoredRecord, Write } from '../../../../controlplane/store/store.js';
import type { AgentMessage, AgentMessageInput } from '../../../../proto/gen/drover/v1/AgentMessage.js';
import type { Allocation } from '../../../../proto/gen/drover/v1/Allocation.js';
import type { DomainInput } from '../../../../proto/gen/drover/v1/Domain.js';
import type { Hello, HelloInput } from '../../../../proto/gen/drover/v1/Hello.js';
import type { HostFacts } from '../../../../proto/gen/drover/v1/HostFacts.js';
import type { HostTuning } from '../../../../proto/gen/drover/v1/HostTuning.js';
import type { HostRecord, HostRecordInput } from '../../../../proto/gen/drover/v1/HostRecord.js';
import type { Profile } from '../../../../proto/gen/drover/v1/Profile.js';
import type { SettingStatus } from '../../../../proto/gen/drover/v1/SettingStatus.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { desiredDigest } from '../../../../proto/wire/profile.js';
import { maximumToldAllocations } from '../../../../proto/wire/limits.js';
import { codec, type Codec } from '../../../../proto/wire/load.js';
import { openTestCatalog } from '../../../support/test-catalog.js';
import { asRecords, stored } from '../../../support/stored.js';

function record(name: string, more: HostRecordInput = {}): HostRecordInput {
  return { id: `id-${name}`, name, availabilityZone: 'az-1', labels: { kind: 'real' }, ...more };
}

function profile(name: string, more: object = {}): Profile {
  return codec('Profile').decode(
    codec('Profile').encode({ name, tuners: { ksm: '{"run":"off"}' }, ...more }),
  );
}

const join = (directory: Directory, input: HostRecordInput): Promise<HostRecord> =>
  directory.enrol(input.id as string, input.name as string, () => input);

async function writer(): Promise<{ store: MemoryStore; commits: Writer }> {
  const store = new MemoryStore();
  return { store, commits: new Writer(store, (await store.load()).revision) };
}

t.test('directory: durable, and the same after a reload', async (t) => {
  const { store, commits } = await writer();
  const directory = new Directory(commits, () => undefined);
  await join(directory, record('kvm-1'));
  await join(directory, record('kvm-2'));
  await t.rejects(join(directory, record('kvm-1', { id: 'another' })), {
    code: 'already-exists',
    field: 'host_name',
  });
  await t.rejects(
    Promise.all([
      join(directory, record('kvm-3', { id: 'a' })),
      join(directory, record('kvm-3', { id: 'b' })),
    ]),
    { code: 'already-exists' },
    'two at once: one wins',
  );
  // Two changes that overlap both last: neither was read before the other was written.
  await Promise.all([
    directory.update('id-kvm-1', () => ({ disabled: true })),
    directory.update('id-kvm-1', () => ({ labels: { rack: '7' } })),
  ]);
  t.match(directory.resolve('kvm-1'), { disabled: true, labels: { rack: '7' } });
  // A host that joins again is made of the newest record, whatever was read before.
  const stale = directory.resolve('kvm-1');
  await Promise.all([
    directory.update('id-kvm-1', () => ({ disabledReason: 'new disk' })),
    directory.enrol(stale.id, stale.name, (newest) => ({ ...newest, certificateSerial: '2' })),
  ]);
  t.match(directory.resolve('kvm-1'), { disabled: true, disabledReason: 'new disk', certificateSerial: '2' });
  await join(directory, record('gone'));
  const [removed, changed] = await Promise.allSettled([
    directory.remove('id-gone'),
    directory.update('id-gone', () => ({ disabled: true })),
  ]);
  t.match(
    [removed, changed],
    [{ status: 'fulfilled' }, { reason: { code: 'not-found' } }],
    'one after the other',
  );
  const full = new Directory(commits, () => undefined, 1);
  await join(full, record('only'));
  await t.rejects(join(full, record('more')), { code: 'resource-exhausted' }, 'the limit of hosts');
  t.throws(
    () => full.checkJoin('id-more', 'more'),
    { code: 'resource-exhausted' },
    'before a token is spent',
  );
  t.doesNotThrow(() => full.checkJoin('id-only', 'only'), 'who is in may join again');
  await full.remove('id-only');
  await directory.remove('id-kvm-2');
  t.throws(() => directory.resolve('kvm-2'), { code: 'not-found', field: 'host', value: 'kvm-2' });
  const again = new Directory(commits, () => undefined);
  again.load(await store.load());
  t.same(
    again
      .all()
      .map((host) => host.name)
      .sort(),
    ['kvm-1', 'kvm-3'],
  );
  t.match(again.resolve('id-kvm-1'), { disabled: true, labels: { rack: '7' } });
});

t.test('selector', async (t) => {
  const patterns: [string, string, boolean][] = [
    ['kvm-*', 'kvm-01', true],
    ['kvm-?1', 'kvm-01', true],
    ['kvm-?1', 'kvm-1', false],
    ['*', '', true],
    ['*-01', 'kvm-02', false],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxbyy', false],
  ];
  for (const [pattern, name, expected] of patterns)
    t.equal(matchesPattern(pattern, name), expected, `${pattern} on ${name}`);
  t.equal(
    matchesPattern('*a'.repeat(200), 'a'.repeat(5000) + 'b'),
    false,
    'many stars take no exponential time',
  );
  const host = { name: 'kvm-1', labels: { kind: 'real' }, availabilityZone: 'az-1' };
  t.ok(selects(null, host));
  t.ok(selects({ hosts: ['kvm-*'], labels: { kind: 'real' }, availabilityZones: ['az-1'] }, host));
  t.notOk(
    selects({ hosts: ['kvm-*'], labels: { kind: 'sim' }, availabilityZones: [] }, host),
    'every part must match',
  );
  const some = [
    profile('b'),
    profile('a'),
    profile('high', { priority: 5, selector: { labels: { kind: 'sim' } } }),
  ];
  t.equal(profileFor(host, some)?.name, 'a', 'same priority: the name that sorts first');
  t.equal(profileFor({ ...host, labels: { kind: 'sim' } }, some)?.name, 'high');
  t.equal(profileFor(host, [profile('a', { withdrawn: true })]), undefined);
});

t.test('profiles: immutable revisions', async (t) => {
  const { store, commits } = await writer();
  let changes = 0;
  const profiles = new Profiles(
    commits,
    () => 1,
    () => changes++,
  );
  t.match(await profiles.apply(profile('p'), 'ops'), {
    created: true,
    profile: { revision: 1, createdBy: 'ops' },
  });
  t.match(
    await profiles.apply(profile('p'), 'ops'),
    { created: false, profile: { revision: 1 } },
    'the same content is no revision',
  );
  const both = await Promise.all([
    profiles.apply(profile('p', { tuners: { ksm: '{"run":"on"}' } }), 'x'),
    profiles.apply(profile('p', { tuners: { ksm: '{"run":"unmerge"}' } }), 'y'),
  ]);
  t.same(
    both.map((one) => one.profile.revision),
    [2, 3],
    'two at once: both, in order',
  );
  t.equal(profiles.get('p', 1).tuners['ksm'], '{"run":"off"}', 'an old revision is as it was');
  t.throws(() => profiles.get('p', 9), { code: 'not-found' });
  await t.rejects(profiles.apply(profile('p', { tuners: { ksm: '{"run":"maybe"}' } }), 'x'), {
    code: 'invalid-argument',
    field: 'tuners.ksm.run',
  });
  await t.rejects(async () => profiles.apply(profile('p', { tuners: { kms: '{}' } }), 'x'), {
    message: /did you mean ksm/,
  });
  const host = codec('HostRecord').decode(codec('HostRecord').encode(record('kvm-1')));
  t.match(profiles.desiredFor(host), { profileName: 'p', profileRevision: 3 });
  await profiles.withdraw('p', 'ops');
  t.match(profiles.desiredFor(host), { profileName: '', tuners: {} }, 'a withdrawn profile selects nothing');
  await t.rejects(profiles.withdraw('p', 'ops'), { code: 'invalid-argument' });
  t.equal(changes, 4);
  const again = new Profiles(
    commits,
    () => 2,
    () => undefined,
  );
  again.load(await store.load());
  t.match(again.newest(), [{ name: 'p', revision: 4, withdrawn: true }]);
  const many = new Profiles(
    commits,
    () => 2,
    () => undefined,
  );
  for (let n = 0; n < profileLimits.profiles; n++) await many.apply(profile(`p${n}`), 'ops');
  await t.rejects(many.apply(profile('one-more'), 'ops'), { code: 'resource-exhausted' });
  for (let n = 0; n < profileLimits.profiles; n++)
    await commits.submit([{ key: `profile/p${n}/0000000001`, value: undefined }]);
  for (let n = 0; n < profileLimits.revisions + 5; n++)
    await again.apply(profile('p', { description: `${n}` }), 'ops');
  t.throws(() => again.get('p', 4), { code: 'not-found' }, 'only so many revisions are kept');
  t.equal((await stored(store)).records.length, profileLimits.revisions);
});

t.test('liveness: as Nova counts', async (t) => {
  const rule = { serviceDownTimeMs: 60_000 };
  const cases: [number, number, string][] = [
    [0, 5_000, 'never-seen'],
    [1_000, 61_000, 'up'],
    [1_000, 61_001, 'down'],
    [61_000, 1_000, 'up'],
  ];
  for (const [seen, now, expected] of cases)
    t.equal(liveness(seen, now, rule), expected, `seen ${seen}, now ${now}`);
});

t.test('sessions: a new stream takes the place of the old one, and resumes what it knows', async (t) => {
  let ids = 0;
  const sessions = new Sessions(() => `s${++ids}`);
  const hello = {
    lowestVersion: 1,
    highestVersion: 1,
    agentVersion: '1',
    sessionId: '',
    received: 0,
    desiredDigest: '',
    bootId: '',
  };
  const first = sessions.open('h', hello);
  const ended: string[] = [];
  first.session.end = (reason) => ended.push(reason);
  t.match(sessions.open('h', { ...hello, sessionId: 's1' }), { resumed: true, session: { sessionId: 's1' } });
  t.equal(ended.length, 1, 'the old stream was ended');
  t.match(sessions.open('h', { ...hello, sessionId: 'unknown' }), {
    resumed: false,
    session: { sessionId: 's2' },
  });
  t.equal(negotiate({ lowestVersion: 1, highestVersion: 7 }), 1);
  t.throws(() => negotiate({ lowestVersion: 2, highestVersion: 7 }), {
    code: 'version-mismatch',
    message: /2-7.*1-1/,
  });
});

t.test('conditions: missing data is unknown, and a status keeps its time', async (t) => {
  const states = verdicts(undefined, 'never-seen');
  t.same(
    states.map((one) => one.status),
    ['unknown', 'unknown', 'unknown'],
  );
  const conditions = new Conditions();
  const host = { id: 'h', name: 'kvm-1' };
  t.equal(conditions.of(host, states, 100)[0]?.sinceUnixMs, 100);
  t.equal(conditions.of(host, states, 200)[0]?.sinceUnixMs, 100, 'the same status since 100');
  t.equal(conditions.of(host, verdicts(undefined, 'down'), 300)[1]?.sinceUnixMs, 300);
});

/** A feed whose clock and timer are turned by hand, and one agent a host. */
function feedOf(hosts: number) {
  const sessions = new Sessions(() => `s${++ids}`);
  const state = {
    ...{ clock: 1_000, generation: 1, costMs: 0, rests: [] as number[] },
    ...{ warnings: [] as object[], held: new Map<string, number>() },
  };
  let ids = 0;
  let next: { atMs: number; work: () => void } | undefined;
  const allocation = (index: number) => ({
    id: `a${index}`,
    extraSpecs: { k: 'v' },
    devices: [],
    hostName: 'no news',
  });
  const feed = new AllocationFeed({
    sessions,
    allocations: {
      list: (id) => {
        state.clock += state.costMs;
        const length = state.held.get(id) ?? 0;
        return Array.from({ length }, (_, n) => allocation(n) as unknown as Allocation);
      },
      generationOf: () => state.generation,
    },
    now: () => state.clock,
    log: { warn: (fields) => state.warnings.push(fields) },
    later: (ms, work) => {
      state.rests.push(ms);
      next = { atMs: state.clock + ms, work };
      return () => (next = undefined);
    },
  });
  const connect = (id: string, sessionId = '') => {
    const { session, resumed } = sessions.open(id, hello({ sessionId }));
    const told: { sequence: number; generation: number; count: number }[] = [];
    session.end = () => undefined;
    session.link.attach((sequence, _acknowledged, { allocations }) => {
      const { generation = 0, allocations: all = [] } = allocations ?? {};
      return told.push({ sequence, generation: Number(generation), count: all.length }) > 0;
    }, 0);
    feed.connected(session);
    const acknowledge = (): void => {
      session.link.accept(0, told.at(-1)?.sequence ?? 0);
      feed.acknowledged(session);
    };
    return { session, told, resumed, acknowledge };
  };
  return {
    ...{
      state,
      feed,
      sessions,
      connect,
      connected: Array.from({ length: hosts }, (_, n) => connect(`h${n}`)),
    },
    /** The allocations of a host changed `ms` later. */
    change(ms: number, count: number, id = 'h0') {
      this.pass(ms);
      state.held.set(id, count);
      state.generation++;
      feed.changed(id);
    },
    /** Time passes, and the timer runs when it is due. */
    pass(ms: number) {
      const end = state.clock + ms;
      while (next && next.atMs <= end) {
        const { atMs, work } = next;
        next = undefined;
        state.clock = Math.max(state.clock, atMs);
        work();
      }
      state.clock = Math.max(state.clock, end);
    },
    isIdle: () => next === undefined,
  };
}

t.test('allocations: told when a session begins, and once it is quiet after changes', async (t) => {
  const w = feedOf(1);
  const [{ told, acknowledge, session }] = w.connected as [ReturnType<typeof w.connect>];
  t.same(told, [{ sequence: 1, generation: 1, count: 0 }], 'the empty set too');
  acknowledge();
  t.ok(w.isIdle());
  for (const count of [1, 2, 3]) w.change(50, count);
  w.pass(100);
  t.equal(told.length, 1, 'not quiet yet');
  w.pass(150);
  t.same(told[1], { sequence: 2, generation: 4, count: 3 }, 'three changes, one message');
  acknowledge();
  w.pass(2_000);
  t.ok(told.length === 2 && w.isIdle(), 'nothing more');

  for (let count = 4; count < 34; count++) w.change(100, count); // three seconds without a quiet moment
  t.ok(told.length === 3, `${told.length - 2} message while the first is not handled`);
  acknowledge();
  w.pass(1_000);
  t.match(told[3], { count: 33 });
  acknowledge();

  w.change(50, 40);
  session.end = undefined; // the stream breaks
  w.pass(2_000);
  t.ok(told.length === 4 && w.isIdle(), 'nobody there');
  w.change(50, 41);
  const back = w.connect('h0', session.sessionId);
  t.ok(back.resumed);
  t.match(back.told, [{ count: 41 }], 'a resumed session is told what changed meanwhile');
  w.pass(2_000);
  t.equal(back.told.length, 1, 'once');
  w.change(50, 42);
  const resumedAgain = w.connect('h0', session.sessionId);
  t.same(resumedAgain.told.length, 1, 'the message that was not handled is sent again, alone');
  resumedAgain.acknowledge();
  w.pass(300);
  t.match(resumedAgain.told, [{ count: 41 }, { count: 42 }]);
  resumedAgain.acknowledge();
  t.same(w.connect('h0', session.sessionId).told, [], 'a resumed session that missed nothing');
  t.match(w.connect('h0').told, [{ count: 42 }], 'a new one is told everything');
  w.change(50, 43);
  w.feed.forget('h0');
  w.feed.changed('nobody');
  w.pass(2_000);
  t.ok(w.isIdle());
  w.change(0, 44);
  w.feed.stop();
  t.ok(w.isIdle());
});

t.test('allocations: hosts take turns, and too many are an error that is seen', async (t) => {
  const w = feedOf(3);
  for (const { acknowledge } of w.connected) acknowledge();
  w.state.rests.length = 0;
  for (const id of ['h0', 'h1', 'h2']) w.change(0, 1, id);
  w.state.costMs = 20; // of telling one host
  const turns: number[] = [];
  for (const ms of [199, 1, 179, 1, 179, 1]) {
    w.pass(ms);
    turns.push(w.connected.filter(({ told }) => told.length === 2).length);
  }
  t.same(turns, [0, 1, 1, 2, 2, 3], 'one host a turn where telling takes long');
  t.same(w.state.rests, [50, 50, 50, 50, 180, 180], 'and a pause after it that is as much longer');
  w.state.costMs = 0;

  const [{ told, acknowledge, session }] = w.connected as [ReturnType<typeof w.connect>];
  acknowledge();
  for (const more of [1, 2]) {
    w.change(0, maximumToldAllocations + more);
    w.pass(500);
  }
  t.equal(told.length, 2, 'the agent keeps the last set');
  t.match(w.state.warnings, [{ host: 'h0', error: /^the host holds 4097 allocations, .* at most 4096/ }]);
  t.equal(w.state.warnings.length, 1, 'logged once');
  session.tuning = { state: 'in-sync', settings: [] } as unknown as HostTuning;
  t.match(verdicts(session, 'up')[2], {
    type: 'tuned',
    status: 'degraded',
    reason: 'allocations-untold',
    message: /holds 4098/,
  });
  w.change(0, maximumToldAllocations);
  w.pass(500);
  t.match([told.length, told[2]], [3, { count: maximumToldAllocations }]);
  t.match(verdicts(session, 'up')[2], { status: 'ok' });
  acknowledge();
  session.link.send = () => {
    throw new Error('a broken link');
  };
  w.change(0, 1);
  w.pass(500);
  t.match(w.state.warnings[1], { error: 'a broken link' }, 'and no crash');
});

t.test('operations: limits and deadlines', async (t) => {
  let ids = 0;
  const operations = new Operations({ newId: () => `${++ids}`, now: () => ids });
  t.teardown(() => operations.close());
  const host = { id: 'h', name: 'kvm-1' };
  t.throws(() => operations.start(host, 'destroy', 0), { code: 'invalid-argument', field: 'kind' });
  t.throws(() => operations.start(host, 'plan', 301), {
    code: 'invalid-argument',
    field: 'deadline_seconds',
  });
  const one = operations.start(host, 'plan', 1);
  operations.finish('another host', { id: one.id, error: '', settings: [] });
  t.equal(operations.get(one.id).state, 'running', 'an answer of another host is not taken');
  operations.finish('h', { id: one.id, error: '', settings: [] });
  t.equal(operations.get(one.id).state, 'done');
  for (let n = 0; n < operationLimits.kept + 10; n++)
    operations.finish('h', { id: operations.start(host, 'plan', 0).id, error: '', settings: [] });
  t.equal(operations.list('').length, operationLimits.kept);
  const setting = { tuner: 'ksm', setting: 'run', outcome: 'pending' };
  const settings = Array.from({ length: 50 }, () => setting) as unknown as SettingStatus[];
  const small = new Operations({ newId: () => `${++ids}`, now: () => ids, keptBytes: 5_000 });
  for (let n = 0; n < 20; n++)
    small.finish('h', { id: small.start(host, 'plan', 0).id, error: 'e'.repeat(n && 9_000), settings });
  const kept = small.list('');
  t.ok(kept.length >= 1 && kept.length < 5, `${kept.length} operations in 5,000 bytes`);
  t.match(kept[0], { settings: [], pending: 50, error: /^e{2000}$/ }, 'a list has no settings');
  t.equal(small.get(kept[0]?.id as string).settings.length, 50, 'one operation has them');
  t.throws(() => operations.get(one.id), { code: 'not-found' }, 'the oldest is forgotten');
  for (let n = 0; n < operationLimits.running; n++) operations.start(host, 'plan', 0);
  t.throws(() => operations.start(host, 'plan', 0), { code: 'resource-exhausted' });
  const late = new Operations({ newId: () => 'late', now: Date.now });
  late.start(host, 'verify', 1);
  await new Promise((resolve) => setTimeout(resolve, 1_050));
  t.match(late.get('late'), { state: 'failed', error: 'no answer within 1 s' });
});

t.test('pages', async (t) => {
  const items = ['d', 'a', 'c', 'b'];
  const first = page(items, 3, '', (item) => item);
  t.same(first.items, ['a', 'b', 'c']);
  t.same(
    page([...items, 'aa'], 3, first.nextPageToken, (item) => item),
    { items: ['d'], nextPageToken: '', total: 5 },
    'what came meanwhile moves nothing',
  );
  const large = page(
    items,
    0,
    '',
    (item) => item,
    () => largestPageBytes / 2,
  );
  t.equal(large.items.length, 2, 'as many as one answer takes');
  const next = page(
    items,
    0,
    large.nextPageToken,
    (item) => item,
    () => largestPageBytes + 1,
  );
  t.same([next.items.length, next.items[0] !== large.items.at(-1)], [1, true], 'one at least');
  t.throws(() => page(items, 1001, '', (item) => item), { code: 'invalid-argument', message: /page_size/ });
  t.throws(() => page(items, 0, 'xyz', (item) => item), { code: 'invalid-argument', message: /page_token/ });
});

t.test('capacity: the shared set counts', async (t) => {
  const facts = { cpu: { online: '0-7' }, memory: { totalBytes: 5 }, diskTotalBytes: 7 } as HostFacts;
  const pinned = (settings: object) => capacityOf(facts, { 'vcpu-pinning': JSON.stringify(settings) }).vcpus;
  t.same(capacityOf(facts, {}), { vcpus: 8, memoryBytes: 5, diskBytes: 7 });
  t.equal(pinned({ shared: '4-$' }), 4);
  t.equal(pinned({ reserved: '0-1' }), 6);
  t.equal(pinned({ shared: '0', dedicated: '4-$' }), 1, 'slots are those of the shared set');
  t.equal(pinned({ dedicated: '2-$' }), 6, 'and of the dedicated one where it is the only');
  t.equal(pinned({ shared: '90-$' }), 8, 'a set that the host refuses is not in force');
});

t.test('configuration', async (t) => {
  t.match(parseConfig('service_down_time: 120\nram_allocation_ratio: 1.2', 'c.yaml'), {
    service_down_time: 120,
    ram_allocation_ratio: 1.2,
    cpu_allocation_ratio: 4,
  });
  const bad: [string, RegExp][] = [
    ['service_down_time: 14', /c\.yaml: service_down_time/],
    ['cpu_allocation_ratio: 0', /cpu_allocation_ratio/],
    ['cpu_ratio: 4', /cpu_ratio.*unknown key/],
    ['listen: nowhere', /listen.*HOST:PORT/],
    ['a: [', /c\.yaml/],
  ];
  for (const [text, message] of bad)
    t.throws(() => parseConfig(text, 'c.yaml'), { code: 'invalid-argument', message }, text);
});

t.test('profiles: a trial belongs to the revision and to the desired state', async (t) => {
  const { commits, store } = await writer();
  const options = [commits, () => 1, () => undefined] as const;
  const profiles = new Profiles(...options);
  const host = codec('HostRecord').decode(codec('HostRecord').encode(record('kvm-1')));
  await profiles.apply(profile('p'), 'ops');
  const plain = profiles.desiredFor(host);
  t.match(plain, { trialSeconds: 0, onFailure: 'revert' });
  t.match(await profiles.apply(profile('p', { onFailure: 'revert' }), 'ops'), { created: false });
  const trial = { trialSeconds: 30, onFailure: 'keep' };
  t.match(await profiles.apply(profile('p', trial), 'ops'), { created: true, profile: trial });
  t.match(await profiles.apply(profile('p', trial), 'ops'), { created: false });
  t.match(await profiles.apply(profile('p', { ...trial, trialSeconds: 31 }), 'ops'), { created: true });
  const again = new Profiles(...options);
  again.load(await store.load());
  const desired = again.desiredFor(host);
  t.match(desired, { profileRevision: 3, trialSeconds: 31, onFailure: 'keep' }, 'also after a restart');
  t.equal(desired.digest, desiredDigest('p', 3, desired.tuners, { trialSeconds: 31, onFailure: 'keep' }));
  t.equal(plain.digest, desiredDigest('p', 1, plain.tuners), 'the default leaves the digest as it was');
  for (const [wrong, field] of [
    [{ trialSeconds: 91 }, 'trial_seconds'],
    [{ onFailure: 'explode' }, 'on_failure'],
  ] as const)
    await t.rejects(profiles.apply(profile('p', wrong), 'ops'), { code: 'invalid-argument', field });
});

const messages = codec('AgentMessage');
const said = (body: AgentMessageInput): AgentMessage => messages.decode(messages.encode(body));
/** A message as the wire brings it, with every field. */
const asRead = <Input, Output>(one: Codec<Input, Output>, input: Input): Output =>
  one.decode(one.encode(input));
const hello = (more: HelloInput = {}): Hello =>
  asRead(codec('Hello'), { lowestVersion: 1, highestVersion: 1, ...more });
const claimOf = (memoryMb: number, more: object = {}) =>
  asRead(codec('ClaimRequest'), { request: { vcpus: 1, memoryMb, ...more }, idempotencyKey: '' });
const nobody = { name: 'test' };

/** A whole fleet over a store in memory whose commits can be made to fail. */
async function world() {
  const store = new MemoryStore();
  const writing = new Writer(store, 0);
  const state = {
    clock: 1_000_000,
    fails: false,
    ids: 0,
    warnings: [] as string[],
    before: Promise.resolve(),
  };
  const commits = {
    submit: async (writes: readonly Write[]) => {
      await state.before;
      if (state.fails) throw new DroverError('storage-failed', 'told to fail');
      return writing.submit(writes);
    },
  };
  const registry = new Registry();
  const now = () => state.clock;
  const newId = () => `n${++state.ids}`;
  const claims = new Claims({
    ...{ registry, commits, now, newId },
    freed: (id) => fleet.accountDomains(id),
    changed: (id) => fleet.allocationsChanged(id),
  });
  const operations = new Operations({ newId, now });
  const directory = new Directory(commits, (id, host) => {
    if (!host) return registry.remove(id);
    registry.upsert(host);
    fleet.hostChanged(host);
  });
  const profiles = new Profiles(commits, now, () => fleet.desiredChanged());
  const fleet: FleetControl = new FleetControl({
    directory,
    sessions: new Sessions(newId),
    registry,
    profiles,
    operations,
    allocations: claims,
    rule: { serviceDownTimeMs: 60_000 },
    now,
    log: { warn: (fields, message) => state.warnings.push(`${message} ${JSON.stringify(fields)}`) },
  });
  const capacity = { vcpus: 8, memoryBytes: 16 * 2 ** 30, diskBytes: 100 * 2 ** 30 };
  const { catalog } = await openTestCatalog();
  const placement = placementHandlers({ registry, claims, catalog });
  return {
    ...{ state, store, registry, claims, directory, profiles, fleet, placement },
    hosts: fleetHandlers(fleet, { create: () => Promise.reject(new Error('no tokens here')) }),
    tuning: tuningHandlers(fleet),
    add: (name: string, more: HostRecordInput = {}) => join(directory, record(name, { capacity, ...more })),
    /** A host's stream, with what it was sent. */
    connect(id: string) {
      const { session } = fleet.sessions.open(id, hello());
      const sent: object[] = [];
      session.link.attach((_sequence, _acknowledged, body) => sent.push(body) > 0, 0);
      fleet.connected(session, directory.get(id) as HostRecord);
      return { session, sent, say: (body: AgentMessageInput) => fleet.take(session, said(body)) };
    },
    /** A host that is in service, with these domains. */
    serve(id: string, domains: DomainInput[] = []) {
      const host = this.connect(id);
      host.say({ heartbeat: { hypervisorReachable: true } });
      host.say({ domains: { domains } });
      return host;
    },
    usage: (id: string) => fleet.host(directory.resolve(id)).usage,
  };
}

const running = (more: DomainInput = {}): DomainInput => ({
  ...{ uuid: 'u', name: 'd', state: 'running', vcpus: 2, memoryBytes: 2 ** 33, diskBytes: 2 ** 30, ...more },
});

t.test('nothing is placed where domains are not known or libvirt does not answer', async (t) => {
  const w = await world();
  await w.add('a');
  const { session, say } = w.connect('id-a');
  const refusal = { code: 'no-valid-host', message: /ComputeFilter refuses 1 \(host-not-controllable\)/ };
  const claim = () => w.placement.Claim(claimOf(1024), nobody);
  await t.rejects(claim(), refusal, 'connected, and nothing said yet');
  say({ heartbeat: { hypervisorReachable: true } });
  await t.rejects(claim(), refusal, 'its domains are not known');
  t.match(w.fleet.conditions(w.directory.resolve('a'))[0], { status: 'unknown', reason: 'no-domains' });
  say({ domains: { domains: [] } });
  t.match(await claim(), { allocation: { hostName: 'a' } });
  say({ heartbeat: { hypervisorReachable: false } });
  await t.rejects(claim(), refusal, 'libvirt is gone');
  say({ heartbeat: { hypervisorReachable: true } });
  t.match(await claim(), { allocation: { hostName: 'a' } });
  w.registry.setLiveness('id-a', false, 1);
  w.fleet.heard(session);
  t.match(await claim(), { allocation: { hostName: 'a' } }, 'whatever is heard is a sign of life');
  w.state.clock += 60_001;
  w.fleet.sweep();
  await t.rejects(claim(), { message: /host-down/ });
});

t.test('a host that is deleted takes no claim, and its record of allocations goes with it', async (t) => {
  const w = await world();
  await w.add('a');
  w.serve('id-a');
  const { allocation } = await w.placement.Claim(claimOf(1024), nobody);
  await t.rejects(w.hosts.DeleteHost({ host: 'a' }), { code: 'failed-precondition', message: /holds 1 / });
  await w.placement.Release({ allocationId: allocation?.id as string });
  w.state.fails = true;
  await t.rejects(w.hosts.DeleteHost({ host: 'a' }), { code: 'storage-failed' });
  w.state.fails = false;
  const again = await w.placement.Claim(claimOf(1024), nobody);
  t.equal(again.allocation?.hostName, 'a', 'a deletion that failed leaves it in service');
  await w.placement.Release({ allocationId: again.allocation?.id as string });
  const keys = async () => (await stored(w.store)).records.map(({ key }) => key);
  t.same(await keys(), ['allocations/id-a', 'host/id-a']);
  let store = (): void => undefined;
  w.state.before = new Promise((resolve) => (store = resolve));
  const deleting = w.hosts.DeleteHost({ host: 'a' });
  await new Promise(setImmediate); // it waits for the disk
  await t.rejects(w.placement.Claim(claimOf(1024), nobody), {
    code: 'no-valid-host',
    message: /forced-down/,
  });
  store();
  await deleting;
  t.same(await keys(), []);
  t.equal(w.claims.generationOf('id-a'), 0);
});

t.test('a domain counts as taken unless an allocation stands for it', async (t) => {
  const w = await world();
  await w.add('a');
  const { say } = w.serve('id-a');
  const instanceUuid = '0192F3A1-0000-4000-8000-000000000001';
  const { allocation } = await w.placement.Claim(claimOf(8192, { instanceUuid }), nobody);
  const held = { memoryBytes: 2 ** 33, unmanagedDomains: 0 };
  say({ domains: { domains: [running({ uuid: instanceUuid.toLowerCase() })] } });
  t.match(w.usage('id-a'), held, 'by its UUID');
  say({ domains: { domains: [running({ allocationId: allocation?.id as string })] } });
  t.match(w.usage('id-a'), held, 'by its metadata');
  await w.placement.Release({ allocationId: allocation?.id as string });
  t.match(w.usage('id-a'), { memoryBytes: 2 ** 33, unmanagedDomains: 1, allocations: 0 }, 'it still runs');
  await t.rejects(w.placement.Claim(claimOf(15_000), nobody), { code: 'no-valid-host' });
  say({ domains: { domains: [running({ state: 'shutoff' })] } });
  t.match(
    w.usage('id-a'),
    { vcpus: 0, memoryBytes: 0, diskBytes: 2 ** 30 },
    'one that is off holds its disk',
  );
});

t.test('what one agent says wrongly is its own loss', async (t) => {
  const w = await world();
  for (const name of ['a', 'b']) await w.add(name);
  const [a, b] = [w.serve('id-a'), w.serve('id-b')];
  a.say({ facts: { cpu: { online: '0-9000' } } });
  t.match(w.state.warnings, [/^facts not taken .*"host":"a"/]);
  t.equal(a.session.facts, undefined);
  a.session.link.send = () => {
    throw new Error('a broken link');
  };
  await w.tuning.ApplyProfile(asRead(codec('ApplyProfileRequest'), { profile: profile('p') }), nobody);
  t.match(b.sent.at(-1), { desiredState: { profileName: 'p' } });
  t.match(w.state.warnings[1], /^desired state not sent .*"host":"a"/);
  b.say({ facts: { cpu: { online: '0-7' }, numaCells: [{ id: 0, cpus: 'x-y' }] } });
  t.match(w.state.warnings.at(-1), /^details not taken .*"host":"b"/);
  t.equal(b.session.facts?.cpu?.online, '0-7', 'the rest of what it tells is taken');
});

t.test('a label brings a profile, and its shared set is the capacity at once', async (t) => {
  const w = await world();
  await w.add('a');
  const { say } = w.serve('id-a');
  say({ facts: { cpu: { online: '0-7' }, memory: { totalBytes: 2 ** 34 }, diskTotalBytes: 2 ** 37 } });
  const more = { selector: { labels: { tier: 'x' } }, tuners: { 'vcpu-pinning': '{"shared":"6-$"}' } };
  await w.profiles.apply(profile('p', more), 'test');
  const update = { host: 'a', updateMask: ['labels.tier'], labels: { tier: 'x' } };
  await w.hosts.UpdateHost(asRead(codec('UpdateHostRequest'), update));
  await w.directory.update('id-a', () => ({})); // the change of the capacity stands before it
  t.equal(w.directory.resolve('a').capacity?.vcpus, 2);
});

t.test('lists count each host once, page before they build, and say what is cut', async (t) => {
  const w = await world();
  for (const name of ['c', 'a', 'b']) await w.add(name, { availabilityZone: name === 'c' ? 'z' : 'y' });
  await w.profiles.apply(profile('wide'), 'test');
  await w.profiles.apply(profile('one', { priority: 1, selector: { hosts: ['a'] } }), 'test');
  t.match((await w.tuning.ListProfiles()).profiles, [
    { name: 'one', selectedHosts: 1 },
    { name: 'wide', selectedHosts: 2 },
  ]);
  const first = await w.hosts.ListHosts({ availabilityZone: 'y', pageSize: 1, pageToken: '' });
  t.match(first, { hosts: [{ name: 'a', liveness: 'never-seen' }], total: 2 });
  t.equal(first.hosts?.length, 1);
  const pageToken = first.nextPageToken ?? '';
  const last = await w.hosts.ListHosts({ availabilityZone: 'y', pageSize: 1, pageToken });
  t.match(last, { hosts: [{ name: 'b' }], nextPageToken: '' });
  const { ListConditions } = healthHandlers(w.fleet);
  t.match(await ListConditions({ host: '', onlyNotOk: false }), { total: 9 });
  for (let n = 0; n < 3_400; n++) w.directory.load(asRecords([hostRecord(n)]));
  const cut = await ListConditions({ host: '', onlyNotOk: true });
  t.same([cut.conditions?.length, cut.total], [10_000, 3 * 3_403]);
});

function hostRecord(n: number): StoredRecord {
  return { key: `host/n${n}`, value: codec('HostRecord').encode({ id: `n${n}`, name: `n${n}` }) };
}

t.test('what a replaced stream still says is not heard', async (t) => {
  const w = await world();
  await w.add('a');
  const log = { info: () => undefined, warn: () => undefined };
  const handle = sessionHandler({ fleet: w.fleet, hostOf: () => 'id-a', log });
  const open = (): EventEmitter => {
    const call = Object.assign(new EventEmitter(), { write: () => true, end: () => undefined });
    handle(call as unknown as SessionStream);
    call.emit('data', said({ hello: { lowestVersion: 1, highestVersion: 1 } }));
    return call;
  };
  const old = open();
  const newest = open();
  old.emit('data', said({ sequence: 50, domains: { domains: [] } }));
  newest.emit('data', said({ sequence: 1, domains: { domains: [running()] } }));
  t.match(w.fleet.domains('id-a'), [{ name: 'd' }], 'numbers of the old stream mean nothing to the new one');
});
