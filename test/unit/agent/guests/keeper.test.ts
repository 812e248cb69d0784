/** The room of the guests: permits, orders, stages one at a time, the keeper through boots and shutdowns, and what it tells. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { FindingsWatch } from '../../../../agent/guests/findings-watch.js';
import type { Stage } from '../../../../agent/guests/guest.js';
import { GuestKeeper, type KeeperOptions } from '../../../../agent/guests/keeper.js';
import { maximumAsked, SessionPermits } from '../../../../agent/guests/permits.js';
import { guestReport, reportLimits } from '../../../../agent/guests/report.js';
import { GuestStages } from '../../../../agent/guests/stages.js';
import { steadyClock } from '../../../../agent/guests/stop/clock.js';
import { StageFile } from '../../../../agent/guests/stop/stage-file.js';
import { ShouldRun } from '../../../../agent/guests/start/should-run.js';
import { maximumWaitingStages, Teller } from '../../../../agent/guests/teller.js';
import { maximumTurns, Turns } from '../../../../agent/guests/turns.js';
import { guestBasics, monotonicMs, stagesOf } from '../../../../agent/host/guest-basics.js';
import { GuestRoom } from '../../../../agent/host/guest-room.js';
import { watchFiles } from '../../../../agent/host/watch-files.js';
import { SimHypervisor, type SimDomainShape } from '../../../../agent/sim/sim-hypervisor.js';
import { shapeOf } from '../../../../agent/sim/sim-host.js';
import type { SimManners } from '../../../../agent/sim/sim-power.js';
import { buildTree } from '../../../../agent/sim/tree.js';
import type { GuestOrder } from '../../../../proto/gen/drover/v1/GuestOrder.js';
import type { GuestReportInput } from '../../../../proto/gen/drover/v1/GuestReport.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { guestsSection, type GuestSettings } from '../../../../proto/wire/guest-settings.js';
import { until } from '../../../support/poll.js';

t.setTimeout(120_000);
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const uuidOf = (name: string): string => `uuid-${name}`;
const order = (id: string, kind: string, more: Partial<GuestOrder> = {}): GuestOrder => ({
  ...{ id, kind, cause: 'maintenance', uuids: [], forId: '', ...more },
});
const nothing = { ports: [], audit: [], preflight: [], plan: [] };
const stageOf = (id: string, more: Partial<Stage> = {}): Stage => ({
  ...{ id, kind: 'stop', cause: 'command', state: 'done', startedMs: 1, endedMs: 2, waves: 0, message: '' },
  ...{ guests: [], ...more },
});

t.test('permits', async (t) => {
  const said: string[] = [];
  let isConnected = true;
  const signal = new AbortController().signal;
  const permitsOf = (patienceMs = 60_000) =>
    new SessionPermits({
      isConnected: () => isConnected,
      say: ({ wanted = [], done = [] }) => void said.push(`${wanted.join()}/${done.join()}`),
      patienceMs,
    });
  const permits = permitsOf();
  const [a, b] = [permits.acquire('a', signal), permits.acquire('b', signal)];
  t.same(said.splice(0), ['a/', 'a,b/']);
  permits.again();
  t.same(said.splice(0), ['a,b/'], 'a new session is told who waits');
  permits.granted({ uuids: ['b', 'stranger'] });
  t.equal(await b, 'granted');
  t.same(said.splice(0), ['a/stranger'], 'a grant that nobody waits for goes back');
  permits.granted({ uuids: ['b'] });
  t.same(said.splice(0), [], 'one that is held already does not');
  permits.release('b');
  permits.release('b');
  t.same(said.splice(0), ['a/b'], 'given back once');

  const again = permits.acquire('a', signal);
  permits.granted({ uuids: ['a'] });
  t.same(await Promise.all([a, again, permits.acquire('a', signal)]), ['granted', 'granted', 'granted']);
  said.splice(0);
  permits.release('a');
  permits.release('a');
  t.same(said, [], 'three starts of one domain have one room');
  permits.release('a');
  t.same(said.splice(0), ['/a']);

  const ending = new AbortController();
  const given = permits.acquire('c', ending.signal);
  ending.abort(new Error('given up'));
  await t.rejects(given, { message: 'given up' });
  await t.rejects(permits.acquire('d', ending.signal), { message: 'given up' }, 'at once');
  t.same(said.splice(0), ['c/', '/c']);

  const hasty = permitsOf(5);
  t.equal(await hasty.acquire('e', signal), 'alone', 'nobody answers');
  t.same(said.splice(0), ['e/', '/e']);
  hasty.release('e');
  t.same(said, [], 'it had none');

  const waits = Array.from({ length: maximumAsked }, () => new AbortController());
  const all = waits.map((one, index) => permits.acquire(`${index}`, one.signal));
  t.equal(await permits.acquire('more', signal), 'alone', 'beyond the limit nobody is asked');
  const rejected = Promise.allSettled(all);
  for (const one of waits) one.abort(new Error('over'));
  await rejected;
  isConnected = false;
  t.equal(await permits.acquire('f', signal), 'alone', 'no session');
});

t.test('turns', async (t) => {
  const turns = new Turns();
  const seen: string[] = [];
  const work = (name: string) => (signal: AbortSignal) =>
    new Promise<string>((resolve) => {
      seen.push(name);
      signal.addEventListener('abort', () => resolve(`${name} ended`), { once: true });
    });
  const [a, b, c] = ['a', 'b', 'c'].map((name) => turns.take(name, work(name)));
  await until(() => seen.length > 0, 5_000, 'the first begins');
  turns.cancel('no need', 'b');
  turns.cancel('no need', 'a');
  t.equal(await a, 'a ended');
  await t.rejects(b as Promise<string>, { code: 'unavailable', message: /no need/ });
  await until(() => seen.length > 1, 5_000, 'the next begins');
  t.same(seen, ['a', 'c'], 'one that was cancelled while it waited never began');
  for (let more = 1; more < maximumTurns; more++) turns.take('more', work('more')).catch(() => undefined);
  await t.rejects(turns.take('one', work('one')), { code: 'resource-exhausted' });
  turns.cancel('over');
  await turns.idle();
  t.equal(await c, 'c ended');
  t.equal(await turns.take('z', async () => 'z'), 'z', 'what was cancelled does not stop what comes after');
});

interface BedOptions {
  readonly directory: string;
  readonly bootId?: string;
  readonly hypervisor?: SimHypervisor;
  readonly more?: Partial<KeeperOptions>;
}

/** A keeper over simulated guests. `settings.now` may change. */
class Bed {
  readonly reports: GuestReportInput[] = [];
  readonly hypervisor: SimHypervisor;
  settings: GuestSettings | undefined;
  keeper!: GuestKeeper;
  shouldRun!: ShouldRun;
  goDown!: () => Promise<void>;
  stayUp!: () => void;
  guards = 0;
  ports = 0;
  close!: () => Promise<void>;

  constructor(hypervisor = new SimHypervisor(buildTree(shapeOf(1, 'boot')), 'v2')) {
    this.hypervisor = hypervisor;
  }

  static async open(t: Test, { directory, bootId = 'one', hypervisor, more }: BedOptions): Promise<Bed> {
    const bed = new Bed(hypervisor);
    bed.settings = guestsSection.parse({
      stop: { grace_seconds: 1, ask: ['acpi'] },
      start: { resume_guests_state_on_host_boot: true, settle_seconds: 0 },
    });
    const kernel = buildTree(shapeOf(1, 'boot'));
    kernel.put(
      `proc/${process.pid}/stat`,
      `${process.pid} (node) S ${Array.from({ length: 40 }, () => 7).join(' ')}`,
    );
    const basics = guestBasics(
      {
        ...{ hypervisor: bed.hypervisor, kernel, bootId, stateDirectory: directory },
        readings: { read: () => ({}) },
        clearPorts: async () => `${++bed.ports} ports looked at`,
      },
      quiet,
    );
    const settings = (): GuestSettings | undefined => bed.settings;
    bed.shouldRun = await ShouldRun.load({ file: join(directory, 'should-run.json'), bootId, log: quiet });
    bed.keeper = new GuestKeeper({
      ...{ hypervisor: bed.hypervisor, files: basics.files, clock: basics.clock, settings, looks: {} },
      ...{ shouldRun: bed.shouldRun, say: (report) => bed.reports.push(report), now: Date.now, log: quiet },
      makeStages: (changed) =>
        new GuestStages({
          ...stagesOf(basics, quiet),
          ...{ settings, changed },
          hold: (uuids) => bed.shouldRun.hold(uuids),
          isWanted: (uuid) => bed.shouldRun.has(uuid),
          startParts: (now) => {
            basics.limit(now);
            return { queue: basics.queue };
          },
        }),
      guard: ({ goDown, stayUp }) => {
        bed.guards++;
        Object.assign(bed, { goDown, stayUp });
        return { stop: async () => void bed.guards-- };
      },
      ...more,
    });
    await bed.keeper.start();
    bed.close = async () => {
      await bed.keeper.stop();
      basics.queue.stop();
    };
    t.teardown(() => bed.close());
    return bed;
  }

  start(name: string, manners: SimManners = {}, words: SimDomainShape['guest'] = {}): void {
    this.hypervisor.start({
      ...{
        uuid: uuidOf(name),
        name,
        vcpus: 1,
        memoryBytes: 2 ** 28,
        allocationId: '',
        guest: words,
        manners,
      },
    });
  }

  async running(): Promise<string[]> {
    const domains = await this.hypervisor.domains();
    return domains.flatMap(({ id, name }) => (id >= 0 ? [name] : [])).toSorted();
  }

  /** The stage as it was told last. */
  told(id: string) {
    return this.reports.map(({ stage }) => stage).findLast((stage) => stage?.id === id);
  }

  ends(id: string, state: string) {
    return until(() => this.told(id)?.state === state && this.told(id), 15_000, `${id} is told as ${state}`);
  }
}

const folder = (t: Test): string => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-keeper-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

t.test('a stage of a command beside the agent is told while it runs, and what becomes of it', async (t) => {
  const directory = folder(t);
  let owner: number | undefined = 4711;
  const more = { stageOwner: () => owner, followFiles: watchFiles, askEveryMs: 200 };
  const bed = await Bed.open(t, { directory, more });
  bed.start('a');
  bed.keeper.order(order('own', 'stop'));
  await bed.ends('own', 'done');

  const clock = steadyClock();
  const file = (name: string) =>
    new StageFile({ file: join(directory, name), bootId: 'one', clock, monotonicMs });
  const theirs = file('guest-stop.json');
  const running = stageOf('cmd', { state: 'running', startedMs: clock.now(), endedMs: 0 });
  theirs.put(running);
  t.match(await bed.ends('cmd', 'running'), { cause: 'command', kind: 'stop' });
  theirs.put({ ...running, state: 'done', endedMs: clock.now(), message: 'all off' });
  t.match(await bed.ends('cmd', 'done'), { message: 'all off' });
  t.equal(bed.reports.at(-1)?.stage?.id, 'cmd', 'it is the newest');

  file('guest-start.json').put({ ...running, id: 'cmd2', kind: 'start', startedMs: clock.now() });
  await bed.ends('cmd2', 'running');
  owner = undefined; // killed
  await bed.ends('cmd2', 'cut-off');
  bed.keeper.order(order('own2', 'start', { forId: 'own' }));
  await bed.ends('own2', 'done');
  await sleep(1_500); // files were written once more
  t.equal(bed.reports.at(-1)?.stage?.id, 'own2', 'the newest is its own again');
});

t.test('orders', async (t) => {
  const bed = await Bed.open(t, { directory: folder(t) });
  for (const name of ['a', 'b', 'c']) bed.start(name, {}, { order: name.codePointAt(0) ?? 0 });
  const { keeper } = bed;
  keeper.order(order('s1', 'stop', { uuids: [uuidOf('a'), uuidOf('b')] }));
  keeper.order(order('s1', 'stop')); // the same again
  const stop = await bed.ends('s1', 'done');
  t.match(stop, { kind: 'stop', cause: 'maintenance', waves: 2 });
  t.same(await bed.running(), ['c']);

  bed.start('b');
  bed.reports.splice(0);
  keeper.order(order('s1', 'stop', { uuids: [uuidOf('a'), uuidOf('b')] }));
  await bed.hypervisor.power.powerOff({ uuid: uuidOf('b') });
  bed.start('b');
  keeper.tellAll();
  await bed.ends('s1', 'done');
  t.same(await bed.running(), ['b', 'c'], 'what was done is not done again, and is told');
  await bed.hypervisor.power.powerOff({ uuid: uuidOf('b') });

  keeper.order(order('r0', 'start', { forId: 's0' }));
  t.match(await bed.ends('r0', 'failed'), { kind: 'start', message: /no stop s0 is known/ });
  keeper.order(order('x', 'dance'));
  t.match(await bed.ends('x', 'failed'), { message: /want stop, start or cancel/ });

  await bed.goDown(); // the host's own shutdown does not make the order forgotten
  t.same(await bed.running(), []);
  bed.stayUp();
  await until(async () => (await bed.running()).join() === 'c', 15_000, 'c is back');
  keeper.order(order('s1-start', 'start', { forId: 's1' }));
  t.match(await bed.ends('s1-start', 'done'), { kind: 'start' });
  t.same(await bed.running(), ['a', 'b', 'c']);

  bed.start('deaf', { deaf: true }, { graceSeconds: 600 });
  keeper.order(order('s2', 'stop', { uuids: [uuidOf('deaf')] }));
  await until(() => bed.told('s2')?.guests?.[0]?.state === 'asked', 5_000, 'it was asked');
  keeper.order(order('s3', 'stop', { uuids: [uuidOf('a')] }));
  keeper.order(order('s3-cancel', 'cancel', { forId: 's3' }));
  keeper.order(order('other', 'cancel', { forId: 'nobody' }));
  keeper.order(order('s2-cancel', 'cancel', { forId: 's2' }));
  await bed.ends('s2', 'cut-off');
  t.match(await bed.ends('s3', 'failed'), { message: /the control plane says so/ }, 'also while it waits');
  t.same(await bed.running(), ['a', 'b', 'c', 'deaf']);
  keeper.order(order('s2', 'stop', { uuids: [uuidOf('deaf')] }));
  await until(
    () => bed.told('s2')?.state === 'running',
    5_000,
    'what was cut off is gone on with when it is asked again',
  );

  bed.settings = undefined;
  keeper.settingsChanged();
  await until(() => bed.guards === 1, 1_000, 'the lock is kept as long as the stage runs');
  keeper.order(order('s2-cancel', 'cancel', { forId: 's2' }));
  await until(() => bed.guards === 0, 5_000, 'then it is given back');
  keeper.order(order('s4', 'stop'));
  t.match(await bed.ends('s4', 'failed'), { message: /no section guests/ });
});

t.test('a start that is asked for again starts those that are missing, and nobody else', async (t) => {
  const directory = folder(t);
  const bed = await Bed.open(t, { directory });
  for (const name of ['a', 'b', 'c', 'd']) bed.start(name, {}, { order: name.codePointAt(0) ?? 0 });
  bed.keeper.order(order('s', 'stop'));
  await bed.ends('s', 'done');
  const { power } = bed.hypervisor;
  const start = (of: Bed) => of.keeper.order(order('s-start', 'start', { forId: 's' }));
  const standing = (of: Bed) => of.told('s-start')?.guests?.map(({ name, state }) => `${name} ${state}`);
  for (const name of ['b', 'd']) power.setManners(uuidOf(name), { broken: 'no disk' });
  start(bed);
  const first = await bed.ends('s-start', 'failed');
  t.match(first, {
    message: '2 did not start: b, d',
    guests: [{}, { name: 'b', message: /no disk/ }, {}, {}],
  });
  t.same(await bed.running(), ['a', 'c']);

  await power.powerOff({ uuid: uuidOf('a') });
  await bed.shouldRun.forget([uuidOf('a')]); // as its owner's word does when it has settled
  await power.powerOff({ uuid: uuidOf('c') }); // crashed, say: it should run
  power.setManners(uuidOf('b'), {});
  // A report of what changed meanwhile tells of the old failure once more.
  const failedMs = () => (bed.told('s-start')?.state === 'failed' ? bed.told('s-start')?.endedUnixMs : 0);
  const firstMs = failedMs();
  start(bed);
  await until(() => failedMs() !== firstMs && failedMs(), 15_000, 'it is told to have failed again');
  t.same(await bed.running(), ['b', 'c']);
  t.same(standing(bed)?.toSorted(), ['a stopped', 'b running', 'c running', 'd failed']);
  await bed.close();

  power.setManners(uuidOf('d'), {});
  const ids = async () => (await bed.hypervisor.domains()).map(({ name, id }) => `${name} ${id}`);
  const before = await ids();
  const next = await Bed.open(t, { directory, hypervisor: bed.hypervisor });
  start(next);
  await next.ends('s-start', 'done');
  t.same(await next.running(), ['b', 'c', 'd'], 'also of an agent that was started anew');
  t.same((await ids()).filter((one) => before.includes(one)).length, 3, 'who ran was not touched');
});

t.test('a stop that failed, or was given up, forgets nobody', async (t) => {
  const directory = folder(t);
  const first = await Bed.open(t, { directory });
  first.start('plain', {}, { order: 2 });
  first.start('slow', { stopMs: 1_500 }, { order: 1, graceSeconds: 60 });
  first.keeper.order(order('s', 'stop'));
  await until(() => first.told('s')?.guests?.some(({ state }) => state === 'asked'), 5_000, 'slow is asked');
  first.keeper.order(order('s-cancel', 'cancel', { forId: 's' }));
  await first.ends('s', 'cut-off');
  first.keeper.order(order('s-start', 'start', { forId: 's' }));
  await first.ends('s-start', 'done');
  t.same(await first.running(), ['plain', 'slow'], 'also who was asked, and ended after it was given up');
  t.match(first.told('s-start')?.guests, { length: 2 });

  first.hypervisor.power.setManners(uuidOf('slow'), { deaf: true });
  first.keeper.order(order('s2', 'stop'));
  await until(() => first.told('s2')?.guests?.some(({ state }) => state === 'asked'), 5_000, 'one is off');
  await first.close();
  const second = await Bed.open(t, { directory, hypervisor: first.hypervisor, bootId: 'two' });
  second.settings = guestsSection.parse({ stop: { grace_seconds: 1, ask: ['acpi'] } });
  second.hypervisor.power.setManners(uuidOf('slow'), {});
  second.keeper.order(order('s2', 'stop'));
  const end = await second.ends('s2', 'done');
  t.match(
    end && end.guests?.map(({ name, state }) => `${name} ${state}`).toSorted(),
    ['plain stopped', 'slow stopped'],
    'whom it had stopped before the host was booted is not forgotten',
  );
});

t.test('a shutdown goes over what runs and waits, and keeps graces', async (t) => {
  const bed = await Bed.open(t, { directory: folder(t) });
  bed.start('deaf', { deaf: true }, { graceSeconds: 2 });
  bed.start('plain');
  const { keeper } = bed;
  keeper.order(order('m', 'stop', { uuids: [uuidOf('deaf')] }));
  keeper.order(order('later', 'start', { uuids: [uuidOf('plain')] }));
  await until(() => keeper.stages.current?.guests[0]?.state === 'asked', 5_000, 'it was asked');
  const askedMs = keeper.stages.current?.guests[0]?.sinceMs ?? 0;
  await sleep(1_700);
  await Promise.all([bed.goDown(), bed.goDown()]);
  const { current } = keeper.stages;
  t.match(current, { cause: 'host-shutdown', state: 'done', message: /1 ports looked at/ });
  const offMs = (current?.endedMs ?? 0) - askedMs;
  t.ok(offMs >= 2_000 && offMs < 3_600, `off ${offMs} ms after it was first asked; its grace is 2,000`);
  await bed.ends('m', 'cut-off');
  t.match(await bed.ends('later', 'failed'), { message: /the host goes down/ });
  t.same(await bed.running(), []);
  t.same(bed.shouldRun.held.map(({ name }) => name).toSorted(), ['deaf', 'plain']);
});

t.test('boots, restarts of the agent, and a host that stays up', async (t) => {
  const directory = folder(t);
  const first = await Bed.open(t, { directory });
  first.start('a');
  first.start('b', {}, { resume: false });
  first.start('slow', { stopMs: 400 });
  await first.goDown();
  t.same(await first.running(), []);
  const { hypervisor } = first;
  await first.close();

  let goesDown = true;
  const more = { goesDown: async () => goesDown };
  const amid = await Bed.open(t, { directory, hypervisor, more });
  await sleep(300);
  t.same(await amid.running(), [], 'an agent that starts amid a shutdown starts nobody');
  await amid.close();

  goesDown = false;
  const second = await Bed.open(t, { directory, hypervisor, bootId: 'two', more });
  await until(async () => (await second.running()).join() === 'a,slow', 15_000, 'who ran runs again');
  await until(() => second.reports.some(({ stage }) => stage?.cause === 'boot'), 5_000, 'and it is told');
  t.same(second.shouldRun.held, [], 'b is not to be resumed');
  await second.close();

  const third = await Bed.open(t, { directory, hypervisor, bootId: 'three', more });
  third.hypervisor.power.setManners(uuidOf('slow'), { stopMs: 700 });
  await until(() => third.shouldRun.held.length === 0, 5_000, 'taken up');
  const going = third.goDown();
  await until(async () => (await third.running()).join() === 'slow', 5_000, 'slow is asked');
  third.stayUp();
  await going;
  await until(
    async () => (await third.running()).join() === 'a,slow' && third.keeper.stages.current?.kind === 'start',
    15_000,
    'guests are back, also the one that was asked and ended after the word',
  );
  t.equal(third.keeper.stages.current?.cause, 'boot');
});

t.test('an agent that ends in a stop leaves it to the next', async (t) => {
  const directory = folder(t);
  const first = await Bed.open(t, { directory });
  first.start('deaf', { deaf: true }, { graceSeconds: 2 });
  first.keeper.order(order('s', 'stop'));
  await until(() => first.keeper.stages.current?.guests[0]?.state === 'asked', 5_000, 'it was asked');
  const askedMs = first.keeper.stages.current?.guests[0]?.sinceMs ?? 0;
  await first.close();
  t.same(await first.running(), ['deaf']);
  const second = await Bed.open(t, { directory, hypervisor: first.hypervisor });
  await second.ends('s', 'cut-off');
  second.keeper.order(order('s', 'stop')); // as the control plane does
  await second.ends('s', 'done');
  const endedUnixMs = Number(second.told('s')?.endedUnixMs ?? 0);
  t.same(await second.running(), []);
  const tookMs = endedUnixMs - askedMs;
  t.ok(tookMs >= 2_000 && tookMs < 3_500, `${tookMs} ms from the first asking; the grace is 2,000`);
});

t.test('other owners, other processes, shutdowns that logind does not announce', async (t) => {
  const refused = { check: 'owners', status: 'refused', message: 'libvirt-guests is active', cure: '' };
  const directory = folder(t);
  let findings = [refused];
  let goesDown = false;
  const bed = await Bed.open(t, {
    directory,
    more: { looks: { preflight: async () => findings }, askEveryMs: 100, goesDown: async () => goesDown },
  });
  bed.start('a');
  await bed.goDown();
  t.same(await bed.running(), ['a'], 'left to the other owner');
  t.same(bed.keeper.stages.current, undefined);
  await until(() => bed.reports.at(-1)?.preflight?.length === 1, 5_000, 'and it is told');
  bed.stayUp();
  findings = [];

  bed.start('deaf', { deaf: true }, { graceSeconds: 2 });
  bed.keeper.order(order('m', 'stop', { uuids: [uuidOf('deaf')] }));
  await until(() => bed.keeper.stages.current?.guests[0]?.state === 'asked', 5_000, 'a stage runs');
  goesDown = true;
  await until(() => bed.keeper.stages.current?.cause === 'host-shutdown', 10_000, 'heard without logind');
  await until(() => (bed.keeper.stages.current?.endedMs ?? 0) > 0, 15_000, 'it ends');
  t.same(await bed.running(), []);
});

t.test('reports', async (t) => {
  const own: { stage: Stage | undefined } = { stage: undefined };
  const said: (string | undefined)[] = [];
  const teller = new Teller({
    parts: () => ({ ...nothing, stage: own.stage }),
    say: (report) => void said.push(report.stage?.id ?? 'none'),
  });
  const next = async (count: number): Promise<void> => {
    await until(() => said.length >= count, 5_000, `${count} reports`);
  };
  teller.changed();
  teller.changed();
  await next(1);
  teller.remember(stageOf('earlier', { startedMs: 9e15 })); // a clock that was set back since
  await next(2);
  own.stage = stageOf('own', { endedMs: 0, state: 'running' });
  teller.changed();
  await next(3);
  teller.answer(stageOf('refused', { state: 'failed' }));
  await next(5);
  teller.tellAll();
  await next(6);
  t.same(said, ['none', 'earlier', 'own', 'refused', 'own', 'own']);
  for (let index = 0; index <= maximumWaitingStages; index++) teller.answer(stageOf(`answer ${index}`));
  await next(7);
  t.equal(said[6], 'answer 1', 'the oldest went');
  teller.stop();
  teller.changed();
  const { length } = said;
  await sleep(700);
  t.equal(said.length, length, 'nothing after the end');

  const many = Array.from({ length: 5_000 }, () => ({}));
  const guests = many.map(
    () => ({ uuid: '', name: '', wave: 1, state: 'asked', message: '', sinceMs: 0 }) as const,
  );
  const report = guestReport({
    ...{ ports: many, audit: many, preflight: many, plan: [] },
    stage: stageOf('s', { guests }),
  });
  t.same(
    [report.ports, report.audit, report.preflight, report.stage?.guests].map((part) => part?.length),
    [reportLimits.ports, reportLimits.audit, reportLimits.preflight, reportLimits.guests],
  );
});

t.test('looks', async (t) => {
  let settings: GuestSettings | undefined = guestsSection.parse({});
  const seen: string[] = [];
  let end: () => void = () => undefined;
  const watch = new FindingsWatch({
    ports: { pass: () => Promise.reject(new Error('Open vSwitch is away')) },
    audit: {
      pass: () => {
        seen.push('audit');
        return new Promise((resolve) => (end = () => resolve([])));
      },
      letGo: async () => void seen.push('let go'),
      findings: [],
    },
    preflight: async () => [{ check: 'budget', status: 'warning', message: '', cure: '' }],
    settings: () => settings,
    changed: () => seen.push('changed'),
    log: quiet,
    periods: { portsMs: 10, auditMs: 10, preflightMs: 10, planMs: 10 },
  });
  watch.start();
  await until(() => seen.filter((what) => what === 'changed').length > 6, 5_000, 'faults stop nothing');
  t.equal(seen.filter((what) => what === 'audit').length, 1, 'a slow look is not overtaken');
  t.equal(watch.findings.preflight.length, 1);
  settings = undefined;
  end();
  await watch.settingsChanged();
  t.same(watch.findings.preflight, []);
  await until(() => seen.includes('let go'), 5_000, 'whom the audit suspended goes on');
  t.equal(seen.filter((what) => what === 'audit').length, 1);
  watch.stop();
  seen.splice(0);
  await sleep(50);
  t.same(
    seen.filter((what) => what !== 'changed'),
    [],
  );
});

t.test('the room opens when it is needed', async (t) => {
  const seen: string[] = [];
  let isWanted = false;
  let fault: string | undefined;
  const keeper = {
    start: async () => void seen.push('start'),
    stop: async () => void seen.push('stop'),
    settingsChanged: () => void seen.push('settings'),
    order: ({ id }: GuestOrder) => void seen.push(`order ${id}`),
    tellAll: () => void seen.push('tell'),
  };
  const room = new GuestRoom({
    isWanted: () => isWanted,
    open: async () => {
      if (fault !== undefined) throw new DroverError('unavailable', fault);
      seen.push('open');
      return {
        keeper,
        granted: ({ uuids }) => void seen.push(`granted ${uuids.join()}`),
        askAgain: () => void seen.push('ask'),
        close: async () => void seen.push('close'),
      };
    },
    report: ({ stage }) => void seen.push(`${stage?.id} ${stage?.state}: ${stage?.message}`),
    now: Date.now,
    log: quiet,
  });
  const has = (...what: string[]) =>
    until(() => seen.length >= what.length && t.same(seen.splice(0), what), 5_000, what.join());
  room.settingsChanged();
  room.granted({ uuids: ['a'] });
  room.tellAll();
  await sleep(20);
  t.same(seen, [], 'nobody pays for what no profile asks for');
  fault = 'no libvirt';
  room.order(order('o1', 'stop'));
  await has('o1 failed: guests are not kept here: no libvirt');
  fault = undefined;
  isWanted = true;
  room.settingsChanged();
  await has('open', 'start');
  room.settingsChanged();
  room.order(order('o2', 'stop'));
  room.granted({ uuids: ['a'] });
  room.tellAll();
  await has('settings', 'order o2', 'granted a', 'tell', 'ask');
  await room.stop();
  await has('stop', 'close');
  room.order(order('o3', 'stop'));
  await sleep(20);
  t.same(seen, [], 'over');
});
