/** Locks, permits, domains reported twice, capacity, and from which state of a host which other is reached. */
import fc from 'fast-check';
import t from 'tap';
import { parseConfig } from '../../../../controlplane/config.js';
import {
  HostLocks,
  lockReleased,
  lockTaken,
  type LockWish,
} from '../../../../controlplane/fleet/host-locks.js';
import { Directory } from '../../../../controlplane/fleet/directory.js';
import { InstanceIndex } from '../../../../controlplane/fleet/instance-index.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import { ReportedTwice, twiceLimits } from '../../../../controlplane/fleet/reported-twice.js';
import { type HostSession, Sessions } from '../../../../controlplane/fleet/sessions.js';
import { permitLimits, StartPermits } from '../../../../controlplane/fleet/start-permits.js';
import { verdicts } from '../../../../controlplane/health/conditions.js';
import { computeFilter } from '../../../../controlplane/placement/filters/compute-filter.js';
import { hasBit } from '../../../../controlplane/fleet/registry-columns.js';
import { capacityWithout, capacityWords, isShort } from '../../../../controlplane/maintenance/capacity.js';
import { starting, stopping } from '../../../../controlplane/maintenance/guest-outlook.js';
import { Maintenance } from '../../../../controlplane/maintenance/maintenance.js';
import {
  entered,
  resumed,
  told,
  type Wish,
  wishOf,
} from '../../../../controlplane/maintenance/transitions.js';
import { isOutOfPlacement } from '../../../../controlplane/model/out-of-placement.js';
import { Writer } from '../../../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../../../controlplane/store/memory.js';
import type { Domain, DomainInput } from '../../../../proto/gen/drover/v1/Domain.js';
import type { GuestOrder } from '../../../../proto/gen/drover/v1/GuestOrder.js';
import type { GuestReport, GuestReportInput } from '../../../../proto/gen/drover/v1/GuestReport.js';
import type { HostRecord, HostRecordInput } from '../../../../proto/gen/drover/v1/HostRecord.js';
import { codec } from '../../../../proto/wire/load.js';
import { parseGuests } from '../../../../proto/wire/profile.js';
import { asRecords, stored } from '../../../support/stored.js';

const gib = 2 ** 30;
const record = (name: string, more: HostRecordInput = {}): HostRecord =>
  codec('HostRecord').decode(
    codec('HostRecord').encode({ id: `id-${name}`, name, availabilityZone: 'az-1', ...more }),
  );
const domain = (uuid: string, more: DomainInput = {}): Domain =>
  codec('Domain').decode(codec('Domain').encode({ uuid, name: uuid, state: 'running', vcpus: 1, ...more }));
const report = (more: GuestReportInput): GuestReport =>
  codec('GuestReport').decode(codec('GuestReport').encode(more));
const quiet = { warn: () => undefined };

async function directoryOf(
  names: readonly string[],
  store = new MemoryStore(),
  onChange: (id: string) => void = () => undefined,
) {
  const { revision, records } = await stored(store);
  const directory = new Directory(new Writer(store, revision), onChange);
  directory.load(asRecords(records));
  for (const name of names) await directory.enrol(`id-${name}`, name, () => record(name));
  return { directory, store };
}

t.test('locks: one holder a host, named to everybody else, and durable', async (t) => {
  const { directory, store } = await directoryOf(['kvm-1']);
  const locks = new HostLocks(directory, () => Date.UTC(2026, 0, 1));
  const rollout = (holder: string): LockWish => ({
    purpose: 'rollout',
    holder,
    reason: 'new limits',
    by: 'ann',
  });
  await locks.take('id-kvm-1', rollout('r1'));
  t.same(
    await locks.take('id-kvm-1', rollout('r1')),
    { ...rollout('r1'), sinceUnixMs: Date.UTC(2026, 0, 1) },
    'again',
  );
  const words = /host kvm-1 is held by rollout r1 of ann since 2026-01-01T00:00:00.000Z \(new limits\)/;
  await t.rejects(locks.take('id-kvm-1', rollout('r2')), {
    code: 'failed-precondition',
    message: words,
    field: 'lock',
  });
  await t.rejects(locks.release('id-kvm-1', { purpose: 'rollout', holder: 'r2' }), { message: words });
  const again = await directoryOf([], store);
  t.match(again.directory.get('id-kvm-1')?.lock, { holder: 'r1' }, 'on disk');
  await locks.release('id-kvm-1', { purpose: 'rollout', holder: 'r1' });
  await locks.release('id-kvm-1', { purpose: 'rollout', holder: 'r1' });
  t.equal(directory.get('id-kvm-1')?.lock, null);
  for (const wrong of [{ purpose: 'x' }, { holder: '' }, { reason: 'x'.repeat(256) }])
    await t.rejects(locks.take('id-kvm-1', { ...rollout('r'), ...wrong }), { code: 'invalid-argument' });

  // Whatever order they come in: the lock changes hands only through nobody's.
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.constantFrom('a', 'b', 'c')), { maxLength: 40 }),
      (steps) => {
        let host: Pick<HostRecord, 'name' | 'lock'> = { name: 'h', lock: null };
        for (const [takes, holder] of steps) {
          const was = host.lock?.holder;
          try {
            host = {
              ...host,
              lock: takes ? lockTaken(host, rollout(holder), 1) : lockReleased(host, rollout(holder)),
            };
          } catch {
            if (was === undefined || was === holder) return false;
            continue;
          }
          if (was !== undefined && was !== holder) return false;
          if ((host.lock?.holder ?? holder) !== holder || (host.lock !== null) !== takes) return false;
        }
        return true;
      },
    ),
  );
});

/** Permits over hosts `7a`, `7b`, `8a` whose first character is their rack, with a clock that is turned by hand. */
function permitsOf(limits = [{ label: 'rack', most: 2 }]) {
  const state = { clock: 0, granted: [] as string[] };
  const warnings: object[] = [];
  const permits = new StartPermits({
    limits,
    labelsOf: (id): Record<string, string> =>
      id === 'free' ? {} : { rack: id.slice(0, 1), storage: 'ceph', kind: 'x' },
    grant: (id, uuids) => void state.granted.push(...uuids.map((uuid) => `${id}:${uuid}`)),
    now: () => state.clock,
    log: { warn: (fields) => warnings.push(fields) },
  });
  const ask = (hostId: string, wanted: readonly string[], done: readonly string[] = []): string[] => {
    state.granted = [];
    permits.said({ hostId } as HostSession, { startRequest: { wanted: [...wanted], done: [...done] } });
    return state.granted;
  };
  return { permits, state, ask, warnings };
}

t.test('permits: so many at once, in turns, and a lost agent holds nothing', async (t) => {
  const { permits, state, ask, warnings } = permitsOf();
  t.same(ask('7a', ['1', '2', '3', '4']), ['7a:1', '7a:2'], 'the most of the rack');
  t.same(ask('7b', ['1', '2']), []);
  t.same(ask('8a', ['1']), ['8a:1'], 'another rack');
  t.same(ask('free', ['1', '2', '3']), ['free:1', 'free:2', 'free:3'], 'no such label, no limit');
  t.same(ask('7a', ['1', '3', '4']), ['7a:1'], 'an answer that was lost is given again');
  t.same(ask('7a', ['3', '4'], ['1']), ['7a:3'], 'it asked first');
  t.same(ask('7a', ['4'], ['2']), ['7b:1'], 'then hosts take turns');
  t.equal(permits.underWay('rack', '7'), 2);
  t.same(ask('7a', [], ['3']), ['7b:2'], 'what is no longer wanted is not granted');
  state.clock = permitLimits.leaseMs;
  permits.sweep();
  t.same([permits.underWay('rack', '7'), permits.counts.underWay], [0, 0], 'leases end');
  ask('7a', ['5', '6', '7']);
  state.granted = [];
  ask('7b', ['9']);
  permits.connected({ hostId: '7a' } as HostSession, undefined, false);
  t.same(state.granted, [], 'a session that goes on holds what it held');
  permits.connected({ hostId: '7a' } as HostSession, undefined, true);
  t.same(state.granted, ['7b:9']);
  permits.silent('7b');
  t.equal(permits.counts.underWay, 0);

  ask('7a', ['a', 'b']);
  const many = Array.from({ length: 300 }, (_, index) => `m${index}`);
  ask('7b', many);
  t.same(
    [permits.counts.waiting, permits.counts.refused, warnings.length],
    [permitLimits.waitingOfHost, 44, 1],
  );

  const full = permitsOf();
  const each = many.slice(0, permitLimits.waitingOfHost);
  const asking = permitLimits.waiting / permitLimits.waitingOfHost;
  for (let host = 0; host <= asking; host++) full.ask(`7-${host}`, each);
  full.ask('7-last', ['x', 'y', 'z']);
  const { waiting, refused } = full.permits.counts;
  t.same([waiting, refused], [permitLimits.waiting, each.length - 2 + 3], 'the fleet has an end too');

  const two = permitsOf([
    { label: 'rack', most: 5 },
    { label: 'storage', most: 1 },
  ]);
  t.same(
    [two.ask('7a', ['1']), two.ask('8a', ['1'])],
    [['7a:1'], []],
    'every group of a host must have room',
  );
  t.same(two.ask('7a', [], ['1']), ['8a:1']);
});

t.test('permits: never more than the limit, and nobody waits beside free room', async (t) => {
  const step = fc.record({
    host: fc.constantFrom('7a', '7b', '8a'),
    uuid: fc.constantFrom('1', '2', '3', '4'),
    kind: fc.constantFrom('want', 'done', 'lost', 'late'),
  });
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { permits, state, ask } = permitsOf();
        const wanted: Record<string, Set<string>> = {};
        for (const { host, uuid, kind } of steps) {
          const mine = (wanted[host] ??= new Set());
          if (kind === 'want') mine.add(uuid);
          if (kind === 'done') mine.delete(uuid);
          if (kind === 'want' || kind === 'done') ask(host, [...mine], kind === 'done' ? [uuid] : []);
          if (kind === 'lost') {
            mine.clear();
            permits.removed(host);
          }
          if (kind === 'late') {
            state.clock += permitLimits.leaseMs;
            permits.sweep();
          }
          for (const rack of ['7', '8']) if (permits.underWay('rack', rack) > 2) return false;
        }
        const isFull = permits.underWay('rack', '7') === 2 || permits.underWay('rack', '8') === 2;
        return permits.counts.waiting === 0 || isFull;
      }),
    ),
  );
});

t.test('a domain on two hosts: an overlap passes, what lasts is failing on both', async (t) => {
  const sessions = new Sessions(() => 's');
  const instances = new InstanceIndex();
  const state = { clock: 1_000_000, deaf: '' };
  const names = ['kvm-1', 'kvm-2'];
  const twice = new ReportedTwice({
    sessions,
    instances,
    hostAt: (row) => ({ id: `id-${names[row]}`, name: names[row] ?? '' }),
    isHeard: (id) => id !== state.deaf,
    now: () => state.clock,
    log: quiet,
  });
  const opened = names.map((name) => sessions.open(`id-${name}`, { sessionId: '' } as never).session);
  const say = (row: number, domains: Domain[]): void => {
    const session = opened[row] as HostSession;
    for (const { uuid } of session.domains ?? []) instances.remove(uuid, row);
    for (const { uuid } of domains) instances.add(uuid, row);
    session.domains = domains;
    twice.said(session, { domains: { domains } });
  };
  const trouble = () => names.map((name) => twice.troubleOn(`id-${name}`));
  const pass = (ms: number): void => {
    state.clock += ms;
    twice.sweep();
  };
  say(0, [domain('u')]);
  say(1, [domain('u')]);
  say(1, [domain('u')]);
  pass(twiceLimits.secondReportMs - 1);
  t.same(trouble(), [undefined, undefined], 'a move hands over');
  say(0, [domain('u', { state: 'shutoff' })]);
  pass(twiceLimits.runningMs);
  t.same([trouble(), twice.size], [[undefined, undefined], 0]);

  say(0, [domain('u')]);
  pass(twiceLimits.secondReportMs);
  t.same(trouble()[0], undefined, 'one report of it so far');
  pass(twiceLimits.runningMs);
  t.match(trouble(), [
    {
      type: 'domains',
      status: 'failing',
      reason: 'reported-twice',
      message:
        /^domain u \(u\) is active on kvm-1 \(running\) and kvm-2 \(running\) since 1970-01-01T00:\d\d:\d\dZ$/,
    },
    { reason: 'reported-twice' },
  ]);
  say(1, []);
  t.same(trouble(), [undefined, undefined], 'cleared at once');

  say(1, [domain('u', { state: 'paused' })]);
  pass(twiceLimits.movingMs - 1);
  t.same(trouble()[0], undefined, 'where it moves to it stands paused');
  pass(1);
  t.ok(trouble()[1]);
  say(1, []);
  state.deaf = 'id-kvm-1';
  say(1, [domain('u')]);
  pass(twiceLimits.runningMs);
  t.same(trouble()[1], undefined, 'a silent host raises nothing new: it may have been evacuated');

  state.deaf = '';
  const many = Array.from({ length: twiceLimits.watched + 5 }, (_, index) => domain(`m${index}`));
  say(0, many);
  say(1, many);
  t.equal(twice.size, twiceLimits.watched);
  pass(twiceLimits.runningMs);
  t.match(trouble()[0]?.message, /and 9997 more$/);
});

/** A registry with racks 7 (kvm-1, kvm-2) and 8 (kvm-3): 16 GiB each, half a GiB of it reserved. */
function fleet(): Registry {
  const registry = new Registry();
  const capacity = { vcpus: 8, memoryBytes: 16 * gib, diskBytes: 0 };
  for (const [name, rack] of [
    ['kvm-1', '7'],
    ['kvm-2', '7'],
    ['kvm-3', '8'],
  ] as const) {
    registry.upsert(record(name, { capacity, labels: { rack } }));
    registry.setLiveness(`id-${name}`, true, 1);
  }
  return registry;
}

t.test('capacity: what is left of fleet, zone and rack without the host', async (t) => {
  const registry = fleet();
  const take = (name: string, memoryMb: number, vcpus = 1) =>
    registry.setAllocated(`id-${name}`, { count: 1, vcpus, memoryMb, diskMb: 0 });
  const without = (name: string) => capacityWithout(registry.columns, registry.rowOf(`id-${name}`) as number);
  take('kvm-1', 8_192);
  take('kvm-2', 7_168);
  t.match(without('kvm-1'), [
    { scope: 'fleet', resource: 'memory', hosts: 2 },
    { scope: 'zone az-1', resource: 'memory', hosts: 2 },
    { scope: 'rack 7', resource: 'memory', hosts: 1 },
  ]);
  const rack = without('kvm-1')[2];
  t.equal(rack && capacityWords(rack), 'leaves 3.2 % headroom in rack 7 (memory, 1 other host)');
  take('kvm-2', 8_192);
  t.same(without('kvm-1').map(isShort), [false, false, true]);
  take('kvm-2', 0, 32);
  t.match(without('kvm-1')[2], { resource: 'vcpus' }, 'the tightest');
  t.match(without('kvm-3')[2], { headroomPercent: 0, hosts: 0 }, 'nothing to move');
  take('kvm-3', 1);
  t.match(without('kvm-3')[2], { headroomPercent: -100, hosts: 0 }, 'nowhere to go');
  registry.setLiveness('id-kvm-2', false, 1);
  t.match(without('kvm-1')[2], { headroomPercent: -100, hosts: 0 }, 'a host that is down takes nothing');

  const row = registry.rowOf('id-kvm-3') as number;
  const words = (state: string, more: HostRecordInput = {}) => {
    registry.upsert(record('kvm-3', { maintenance: { state, reason: 'fan' }, ...more }));
    const { reasonOf, wordsOf } = computeFilter.prepare({} as never, registry.columns, {} as never);
    return [
      hasBit(registry.columns.inService, row),
      computeFilter.reasons[reasonOf(row)],
      wordsOf(row).observed,
    ];
  };
  t.same(words('drain'), [false, 'host-in-maintenance', 'draining: fan']);
  t.same(words('maintenance', { disabled: true }), [false, 'host-in-maintenance', 'in maintenance: fan']);
  t.equal(words('resuming')[0], true);
  t.same(words('resuming', { disabled: true }).slice(0, 2), [false, 'host-disabled']);
});

const stopRequest = {
  host: 'kvm-1',
  state: 'maintenance',
  guests: 'stop',
  reason: '',
  force: false,
  validateOnly: false,
};
const turn = { nowMs: 100, newId: () => 'stop-1' };
const wish = (more: Partial<Wish> = {}): Wish => ({
  ...wishOf({ ...stopRequest, reason: 'why' }, 'ann'),
  ...more,
});
const drain = { state: 'drain', guests: 'leave' } as const;

t.test('from each state to each other: entered, refused, resumed, told', async (t) => {
  const at = (host: HostRecord, change: HostRecordInput): HostRecord =>
    record(host.name, { ...host, ...change });
  const fresh = record('kvm-1');
  const drained = at(fresh, entered(fresh, wish(drain), turn));
  const stopped = at(drained, entered(drained, wish({ reason: '' }), { ...turn, nowMs: 200 }));
  t.match(drained, {
    maintenance: { state: 'drain', stageId: '', sinceUnixMs: 100 },
    lock: { reason: 'why', by: 'ann' },
  });
  t.match(stopped, {
    maintenance: { stageId: 'stop-1', reason: 'why', sinceUnixMs: 200 },
    lock: { sinceUnixMs: 100 },
  });
  t.strictSame(entered(stopped, wish({ reason: 'other' }), { ...turn, nowMs: 300 }).maintenance, {
    ...stopped.maintenance,
    reason: 'other',
  });
  const start = (by: string) => ({ guests: 'start', by }) as const;
  const resuming = at(stopped, resumed(stopped, start('bob'), 400));
  t.match(resuming, { maintenance: { state: 'resuming', stageId: 'stop-1-start', by: 'bob' }, lock: null });
  t.strictSame(resumed(resuming, start('eve'), 500), { maintenance: resuming.maintenance, lock: null });
  t.same(resumed(drained, start('bob'), 400), { maintenance: null, lock: null });
  const left = at(fresh, entered(fresh, wish({ guests: 'leave' }), turn));
  t.match(entered(left, wish(), turn).maintenance, { stageId: 'stop-1' }, 'left first, stopped later');
  for (const [from, to, words] of [
    [stopped, wish(drain), /guests stopped; first drover host resume kvm-1/],
    [stopped, wish({ guests: 'leave' }), /first drover host resume/],
    [left, wish(drain), /left running; first drover host resume/],
    [resuming, wish(drain), /is resuming: its guests are being started/],
  ] as const)
    t.throws(() => entered(from, to, turn), { code: 'failed-precondition', message: words });
  t.match(entered(resuming, wish({ ...drain, force: true }), turn).maintenance, { state: 'drain' });
  const locked = at(fresh, {
    lock: { purpose: 'rollout', holder: 'r1', reason: '', by: '', sinceUnixMs: 1 },
  });
  t.throws(() => entered(locked, wish({ force: true }), turn), { message: /held by rollout r1/ });

  const tell = (host: HostRecord, id: string, state: string, endedUnixMs = 9) =>
    told(host, { id, state, endedUnixMs, message: 'x'.repeat(300) });
  t.match(tell(stopped, 'stop-1', 'running', 0), { maintenance: { stageState: 'running' } });
  t.equal(tell(stopped, 'other', 'done'), undefined);
  t.equal(tell(drained, '', 'done'), undefined);
  t.same(tell(resuming, 'stop-1-start', 'done'), { maintenance: null });
  t.match(tell(resuming, 'stop-1-start', 'cut-off'), { maintenance: { stageState: 'cut-off' } });
  const short = at(resuming, tell(resuming, 'stop-1-start', 'failed') ?? {});
  t.match(short.maintenance, { state: 'resuming', stageState: 'failed', stageEndedUnixMs: 9 });
  t.equal(short.maintenance?.stageMessage.length, 255);
  t.equal(tell(short, 'stop-1-start', 'failed'), undefined, 'told before');
  const again = at(short, resumed(short, start('eve'), 600));
  t.match(again.maintenance, { state: 'resuming', stageState: '', stageMessage: '', by: 'eve' });
  t.equal(again.maintenance?.sinceUnixMs, 400);
  t.equal(tell(again, 'stop-1-start', 'failed'), undefined, 'still the failure of before');
  t.match(tell(again, 'stop-1-start', 'failed', 10), { maintenance: { stageState: 'failed' } });
  t.same(resumed(short, { guests: 'leave', by: 'eve' }, 600), { maintenance: null, lock: null });
  for (const [request, field] of [
    [{ state: 'off' }, 'state'],
    [{ guests: 'kill' }, 'guests'],
    [{ state: 'drain' }, 'guests'],
    [{ reason: 'x'.repeat(256) }, 'reason'],
  ] as const)
    t.throws(() => wishOf({ ...stopRequest, ...request }, 'ann'), { code: 'invalid-argument', field });
});

t.test('what happens to each guest: the plan of the agent, or the profile', async (t) => {
  const settings = parseGuests(
    '{"rules":[{"domains":["db"],"order":5},{"domains":["app*"],"after":["mq"]},{"domains":["mq"],"after":["db"],"then":"leave"}]}',
  );
  const domains = [domain('db'), domain('mq'), domain('app1'), domain('off', { state: 'shutoff' })];
  const asked = { domains, isManaged: () => false, settings, plan: [] };
  const shown = (guests: ReturnType<typeof stopping>) =>
    guests.map(({ domain: one, wave, action }) => `${one?.name} ${wave} ${action}`);
  t.same(shown(stopping(asked)), ['app1 1 shut-down', 'mq 2 shut-down', 'db 3 shut-down', 'off 0 stays']);
  t.match(stopping(asked)[1]?.detail, /left running after 60 s/);
  const plan = report({
    plan: [
      { uuid: 'db', wave: 1, message: 'by its agent' },
      { uuid: 'mq', wave: 2 },
      { uuid: 'app1', wave: 2 },
    ],
  }).plan;
  t.match(stopping({ ...asked, plan })[0], { domain: { name: 'db' }, wave: 1, detail: 'by its agent' });
  const circle = parseGuests(
    JSON.stringify({
      rules: [
        { domains: ['db'], after: ['mq'] },
        { domains: ['mq'], after: ['db', 'mq'] },
      ],
    }),
  );
  t.equal(stopping({ ...asked, settings: circle }).length, 4, 'a circle ends');
  const stage = report({
    stage: {
      guests: [
        { uuid: 'off', state: 'stopped', wave: 2 },
        { uuid: 'db', state: 'left', wave: 1 },
      ],
    },
  }).stage;
  t.same(shown(starting(asked, { kind: 'stop', guests: stage?.guests ?? [] }))[0], 'off 1 started');
});

t.test('over a store: two of one rack at once, orders, a stop that failed', async (t) => {
  const registry = fleet();
  for (const name of ['kvm-1', 'kvm-2'])
    registry.setAllocated(`id-${name}`, { count: 1, vcpus: 1, memoryMb: 1_024, diskMb: 0 });
  const capacity = { vcpus: 8, memoryBytes: 16 * gib, diskBytes: 0 };
  const { directory } = await directoryOf([], new MemoryStore(), (id) => {
    const host = directory.get(id);
    if (host) registry.upsert(host);
  });
  for (const name of ['kvm-1', 'kvm-2', 'kvm-3'])
    await directory.enrol(`id-${name}`, name, () => ({
      capacity,
      labels: { rack: name === 'kvm-3' ? '8' : '7' },
    }));
  const sessions = new Sessions(() => 's');
  let ids = 0;
  const maintenance = new Maintenance({
    ...{ directory, sessions, registry, log: quiet, now: () => 1_000, newId: () => `stop-${++ids}` },
    ...{ guestsOf: () => '{}', covers: () => true, isHeard: () => true },
  });
  const both = await Promise.allSettled(
    ['kvm-1', 'kvm-2'].map((host) => maintenance.maintain({ ...stopRequest, host, ...drain }, 'ann')),
  );
  t.same(
    both.map(({ status }) => status),
    ['fulfilled', 'rejected'],
    'the second sees what the first took',
  );
  const resume = (by: string) => maintenance.resume({ host: 'kvm-1', guests: '' }, by);
  await resume('ann');

  const { session } = sessions.open('id-kvm-1', { sessionId: '' } as never);
  session.end = () => undefined;
  session.domains = [domain('a'), domain('b', { state: 'shutoff' })];
  const orders: GuestOrder[] = [];
  const attach = () =>
    session.link.attach((sequence, _acknowledged, { guestOrder }) => {
      if (guestOrder) orders.push(guestOrder as GuestOrder);
      return sequence >= 0;
    }, 0);
  attach();
  const say = async (state: string): Promise<void> => {
    const id = directory.get('id-kvm-1')?.maintenance?.stageId ?? '';
    session.guests = report({
      stage: { id, kind: 'stop', state, endedUnixMs: 9, guests: [{ uuid: 'a', state: 'stopped' }] },
    });
    for (let times = 0; times < 3; times++) maintenance.said(session, { guestReport: session.guests });
    await directory.update('id-kvm-1', () => ({}));
  };
  const stop = () => maintenance.maintain(stopRequest, 'ann');
  t.match(await stop(), {
    host: { maintenance: { stageState: '' } },
    guests: [{ action: 'shut-down', managed: true }, {}],
  });
  await stop();
  t.match(orders, [{ id: 'stop-1', kind: 'stop' }, { id: 'stop-1' }], 'the same order again');
  t.equal(session.link.waiting, 1, 'and only one waits');
  await say('failed');
  t.same([...maintenance.expectedOn('id-kvm-1')], ['a']);
  t.equal(directory.get('id-kvm-1')?.maintenance?.stageState, 'failed');
  maintenance.connected(session, directory.resolve('kvm-1'), true);
  t.equal(orders.length, 2, 'not by itself');
  await stop();
  t.equal(orders.length, 3, 'asked again by a person');
  await say('done');
  await stop();
  t.equal(orders.length, 3);
  const { warnings } = await resume('bob');
  t.match(
    [orders[3], orders.length, warnings],
    [{ id: 'stop-1-start', kind: 'start', forId: 'stop-1' }, 4, []],
  );
  await t.rejects(stop(), { message: /is resuming/ });
  t.match(await maintenance.maintain({ ...stopRequest, force: true }, 'ann'), {
    host: { maintenance: { stageId: 'stop-2' } },
  });
  t.match(orders.slice(4), [
    { kind: 'cancel', forId: 'stop-1-start' },
    { id: 'stop-2', kind: 'stop' },
  ]);
  t.same([...maintenance.expectedOn('id-kvm-3')], []);

  orders.length = 0;
  await say('running');
  await resume('bob');
  t.match(orders, [{ kind: 'cancel', forId: 'stop-2' }], 'a stop under way ends first');
  const stage = { ...session.guests?.stage, state: 'cut-off' };
  session.guests = report({ stage });
  maintenance.said(session, { guestReport: session.guests });
  t.match(
    orders.at(-1),
    { id: 'stop-2-start', kind: 'start', forId: 'stop-2' },
    'then it is known whom it stopped',
  );
});

/** One host in a fleet of one, with an agent's session, over a store that can be opened again. */
async function oneHost() {
  const store = new MemoryStore();
  const { directory } = await directoryOf(['kvm-1'], store);
  const sessions = new Sessions(() => 's');
  const orders: string[] = [];
  const open = (of = directory) => {
    const maintenance = new Maintenance({
      ...{
        directory: of,
        sessions,
        registry: new Registry(),
        log: quiet,
        now: () => 1,
        newId: () => 'stop-1',
      },
      ...{ guestsOf: () => '{}', covers: () => true, isHeard: () => true },
    });
    const { session } = sessions.open('id-kvm-1', { sessionId: '' } as never);
    session.end = () => undefined;
    session.domains = [domain('a'), domain('b', { state: 'shutoff' })];
    session.link.attach((sequence, _acknowledged, { guestOrder }) => {
      if (guestOrder) orders.push(`${guestOrder.kind} ${guestOrder.id}`);
      return sequence >= 0;
    }, 0);
    const say = async (id: string, state: string, endedUnixMs: number, b = 'failed'): Promise<void> => {
      const kind = id.endsWith('-start') ? 'start' : 'stop';
      const a = kind === 'start' ? 'running' : 'stopped';
      const guests = [
        { uuid: 'a', name: 'a', state: a, wave: 2 },
        { uuid: 'b', name: 'b', state: b, wave: 1, message: 'no disk' },
      ];
      session.guests = report({ stage: { id, kind, state, endedUnixMs, guests } });
      maintenance.said(session, { guestReport: session.guests });
      await of.update('id-kvm-1', () => ({}));
    };
    const now = () => of.get('id-kvm-1')?.maintenance;
    return { maintenance, session, say, now, directory: of };
  };
  const restart = async () => open((await directoryOf([], store)).directory);
  return { ...open(), orders, restart };
}

t.test('a start that failed in part is tried again by another resume, and by nothing else', async (t) => {
  const { maintenance, session, orders, say, now, restart, directory } = await oneHost();
  const resume = (of = maintenance, guests = '') => of.resume({ host: 'kvm-1', guests }, 'bob');
  await maintenance.maintain(stopRequest, 'ann');
  await say('stop-1', 'done', 5, 'stopped');
  await resume();
  await say('stop-1-start', 'running', 0);
  await say('stop-1-start', 'failed', 10);
  t.match(
    now(),
    { state: 'resuming', stageState: 'failed' },
    'the host keeps in mind that a guest is missing',
  );
  t.notOk(isOutOfPlacement(directory.resolve('kvm-1')), 'and takes new ones');
  t.same([...maintenance.expectedOn('id-kvm-1')], ['a', 'b'], 'the room of the one that is missing is kept');
  orders.length = 0;
  maintenance.connected(session, directory.resolve('kvm-1'), true);
  t.same(orders, [], 'not by itself');
  await t.rejects(maintenance.maintain(stopRequest, 'ann'), {
    message: /not all of its guests have started; first drover host resume kvm-1, or use force/,
  });

  const { guests } = await resume();
  t.same(orders, ['cancel stop-1-cancel', 'start stop-1-start']);
  t.match(
    guests.map(({ domain: one, action, detail }) => [one?.name, action, detail]),
    [
      ['b', 'started', 'did not start: no disk'],
      ['a', 'stays', 'goes on running'],
    ],
  );
  t.match(now(), { stageState: '', by: 'bob' });
  await say('stop-1-start', 'failed', 10);
  t.equal(now()?.stageState, '', 'the failure of before, told again, is none of this');
  const later = await restart();
  later.maintenance.connected(later.session, later.directory.resolve('kvm-1'), true);
  t.equal(orders.at(-1), 'start stop-1-start', 'asked again also of a control plane that was started anew');
  await later.say('stop-1-start', 'failed', 10);
  t.equal(later.now()?.stageState, '');
  await later.say('stop-1-start', 'failed', 20);
  t.equal(later.now()?.stageState, 'failed');
  await resume(later.maintenance);
  await later.say('stop-1-start', 'done', 30, 'running');
  t.equal(later.now(), null);
  t.match((await resume(later.maintenance)).warnings, [/in neither drain nor maintenance/]);
});

t.test('guests that do not start can be given up', async (t) => {
  const { maintenance, orders, say, now } = await oneHost();
  const resume = async (guests: string) => maintenance.resume({ host: 'kvm-1', guests }, 'bob');
  await t.rejects(resume('stop'), { code: 'invalid-argument', field: 'guests', message: /start or leave/ });
  await maintenance.maintain(stopRequest, 'ann');
  await say('stop-1', 'done', 5, 'stopped');
  await resume('start');
  await say('stop-1-start', 'failed', 10);
  orders.length = 0;
  t.match(await resume('leave'), { host: { maintenance: null }, guests: [{ action: 'stays' }, {}] });
  t.same([orders, now()], [[], null], 'nothing is under way that would have to end');
  await maintenance.maintain(stopRequest, 'ann');
  orders.length = 0;
  t.match(await resume('leave'), { host: { maintenance: null, lock: null } });
  t.same(orders, ['cancel stop-1-cancel'], 'a stop that may go on is ended');
});

t.test('a stop that failed is asked for again, also of an agent that is away', async (t) => {
  const { maintenance, session, orders, say, now, directory } = await oneHost();
  const stop = (more: object = {}) => maintenance.maintain({ ...stopRequest, ...more }, 'ann');
  await stop();
  await say('stop-1', 'failed', 5);
  session.link.detach();
  await stop();
  t.match(now(), { stageState: '', stageEndedUnixMs: 5 }, 'durable, so that whoever follows it waits');
  await say('stop-1', 'failed', 5);
  orders.length = 0;
  session.link.attach(
    (_sequence, _acknowledged, { guestOrder }) => orders.push(String(guestOrder?.id)) > 0,
    0,
  );
  maintenance.connected(session, directory.resolve('kvm-1'), true);
  t.equal(orders.at(-1), 'stop-1');
  await say('stop-1', 'failed', 7);
  t.equal(now()?.stageState, 'failed');
  await maintenance.resume({ host: 'kvm-1', guests: '' }, 'bob');
  t.match(now(), { state: 'resuming', stageId: 'stop-1-start' }, 'and there is a way back');
});

t.test('the condition guests', async (t) => {
  const sessions = new Sessions(() => 's');
  const { session } = sessions.open('h', { sessionId: '' } as never);
  const guests = (more?: GuestReportInput) => {
    session.guests = more && report(more);
    return verdicts(session, 'up').find(({ type }) => type === 'guests');
  };
  t.equal(guests(), undefined, 'nobody keeps guests there');
  session.keepsGuests = true;
  const port = { port: 'vnet0', kind: 'stale', reason: 'no netdev' };
  for (const [status, reason, more] of [
    ['unknown', 'no-report', undefined],
    ['ok', 'in-order', {}],
    [
      'ok',
      'in-order',
      {
        ports: [
          { ...port, outcome: 'mended' },
          { ...port, outcome: 'seen' },
        ],
      },
    ],
    ['degraded', 'ports', { ports: [{ ...port, outcome: 'held' }] }],
    ['degraded', 'audit', { audit: [{ kind: 'ghost-process', name: 'x', outcome: 'logged' }] }],
    ['degraded', 'stage-failed', { stage: { kind: 'stop', state: 'failed', cause: 'maintenance' } }],
    ['degraded', 'preflight', { preflight: [{ check: 'owners', status: 'refused', message: 'm' }] }],
    ['failing', 'reported-twice', { audit: [{ kind: 'reported-twice', name: 'x', evidence: ['e'] }] }],
  ] as const)
    t.match(guests(more as GuestReportInput | undefined), { status, reason }, `${status} ${reason}`);
  t.match(
    verdicts(session, 'down').find(({ type }) => type === 'guests'),
    { status: 'unknown' },
  );
});

t.test('start_limits are checked', async (t) => {
  t.same(parseConfig('', 'f').start_limits, []);
  const limits = [
    { label: 'rack', most: 8 },
    { label: 'storage', most: 20 },
  ];
  t.same(parseConfig(JSON.stringify({ start_limits: limits }), 'f').start_limits, limits);
  for (const wrong of [
    [limits[0], limits[0]],
    [{ label: 'rack', most: 0 }],
    [{ label: '', most: 1 }],
    [{ most: 1 }],
  ])
    t.throws(() => parseConfig(JSON.stringify({ start_limits: wrong }), 'f'), { code: 'invalid-argument' });
});
