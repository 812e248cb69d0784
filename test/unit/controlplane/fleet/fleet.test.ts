/** The fleet over a store in memory: directory, profiles, sessions, conditions, operations, pages. */
import t from 'tap';
import { page } from '../../../../controlplane/api/page.js';
import { parseConfig } from '../../../../controlplane/config.js';
import { Directory } from '../../../../controlplane/fleet/directory.js';
import { liveness } from '../../../../controlplane/fleet/liveness.js';
import { Sessions } from '../../../../controlplane/fleet/sessions.js';
import { Conditions, verdicts } from '../../../../controlplane/health/conditions.js';
import { capacityOf } from '../../../../controlplane/model/host-capacity.js';
import { matchesPattern, profileFor, selects } from '../../../../controlplane/model/selector.js';
import { operationLimits, Operations } from '../../../../controlplane/operations/operations.js';
import { profileLimits, Profiles } from '../../../../controlplane/profiles/profiles.js';
import { Writer } from '../../../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../../../controlplane/store/memory.js';
import { negotiate } from '../../../../controlplane/api/agent-session.js';
import type { HostFacts } from '../../../../proto/gen/drover/v1/HostFacts.js';
import type { HostRecordInput } from '../../../../proto/gen/drover/v1/HostRecord.js';
import type { Profile } from '../../../../proto/gen/drover/v1/Profile.js';
import { codec } from '../../../../proto/wire/load.js';

function record(name: string, more: HostRecordInput = {}): HostRecordInput {
  return { id: `id-${name}`, name, availabilityZone: 'az-1', labels: { kind: 'real' }, ...more };
}

function profile(name: string, more: object = {}): Profile {
  return codec('Profile').decode(
    codec('Profile').encode({ name, tuners: { ksm: '{"run":"off"}' }, ...more }),
  );
}

async function writer(): Promise<{ store: MemoryStore; commits: Writer }> {
  const store = new MemoryStore();
  return { store, commits: new Writer(store, (await store.load()).revision) };
}

t.test('directory: durable, and the same after a reload', async (t) => {
  const { store, commits } = await writer();
  const directory = new Directory(commits, () => undefined);
  await directory.enrol(record('kvm-1'));
  await directory.enrol(record('kvm-2'));
  await t.rejects(directory.enrol(record('kvm-1', { id: 'another' })), {
    code: 'already-exists',
    field: 'host_name',
  });
  await t.rejects(
    Promise.all([
      directory.enrol(record('kvm-3', { id: 'a' })),
      directory.enrol(record('kvm-3', { id: 'b' })),
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
  const full = new Directory(commits, () => undefined, 1);
  await full.enrol(record('only'));
  await t.rejects(full.enrol(record('more')), { code: 'resource-exhausted' }, 'the limit of hosts');
  await full.remove('id-only');
  await directory.remove('id-kvm-2');
  t.throws(() => directory.resolve('kvm-2'), { code: 'not-found', field: 'host', value: 'kvm-2' });
  const again = new Directory(commits, () => undefined);
  again.load((await store.load()).records);
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
  again.load((await store.load()).records);
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
  t.equal((await store.load()).records.length, profileLimits.revisions);
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
  t.throws(() => page(items, 1001, '', (item) => item), { code: 'invalid-argument', message: /page_size/ });
  t.throws(() => page(items, 0, 'xyz', (item) => item), { code: 'invalid-argument', message: /page_token/ });
});

t.test('capacity: the shared set counts', async (t) => {
  const facts = { cpu: { online: '0-7' }, memory: { totalBytes: 5 }, diskTotalBytes: 7 } as HostFacts;
  const pinned = (settings: object) => capacityOf(facts, { 'vcpu-pinning': JSON.stringify(settings) }).vcpus;
  t.same(capacityOf(facts, {}), { vcpus: 8, memoryBytes: 5, diskBytes: 7 });
  t.equal(pinned({ shared: '4-$' }), 4);
  t.equal(pinned({ reserved: '0-1' }), 6);
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
