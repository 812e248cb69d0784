/** A new desired state that fails, or cuts the host off, puts the one before it back; also after a crash in the middle. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { HostAgent } from '../../../../agent/host/host-agent.js';
import { maximumSoon, Soon } from '../../../../agent/host/soon.js';
import { judgeTrial, TrialFile } from '../../../../agent/host/trial.js';
import { TrialRun } from '../../../../agent/host/trial-run.js';
import { watchFiles } from '../../../../agent/host/watch-files.js';
import { DesiredFile } from '../../../../agent/reconcile/desired.js';
import { Ledger } from '../../../../agent/reconcile/ledger.js';
import { Reconciler } from '../../../../agent/reconcile/reconciler.js';
import { tuners } from '../../../../agent/tuners/index.js';
import type { DesiredState } from '../../../../proto/gen/drover/v1/DesiredState.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { desiredDigest, encodeTuners } from '../../../../proto/wire/profile.js';
import type { TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { FakeHost } from '../../../support/fake-host.js';
import { until } from '../../../support/poll.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };

void t.test('the verdict over a trial', async (t) => {
  const cases = [
    ['it runs', { elapsedMs: 5_000, isHeard: true, lostMs: 0 }, 'wait'],
    ['it has held', { elapsedMs: 60_000, isHeard: true, lostMs: 0 }, 'hold'],
    ['at its end nothing is heard yet', { elapsedMs: 60_000, isHeard: false, lostMs: 2_000 }, 'wait'],
    ['nothing came late either', { elapsedMs: 70_000, isHeard: false, lostMs: 2_000 }, 'undo'],
    ['a short loss', { elapsedMs: 40_000, isHeard: false, lostMs: 29_999 }, 'wait'],
    ['a long loss', { elapsedMs: 40_000, isHeard: false, lostMs: 30_000 }, 'undo'],
    ['the longest trial', { elapsedMs: 90_000, isHeard: false, lostMs: 0, trialMs: 80_000 }, 'undo'],
    [
      'the longest trial, heard at last',
      { elapsedMs: 90_000, isHeard: true, lostMs: 0, trialMs: 80_000 },
      'hold',
    ],
  ] as const;
  for (const [name, moment, verdict] of cases)
    t.equal(judgeTrial({ trialMs: 60_000, ...moment }), verdict, name);
});

interface Bench {
  readonly host: FakeHost;
  readonly directory: string;
  readonly agent: HostAgent;
  readonly desired: DesiredFile;
  readonly trials: TrialFile;
  readonly ledger: Ledger;
}

async function bench(t: Test, given?: FakeHost, directory = scratch(t)): Promise<Bench> {
  const host = given ?? new FakeHost();
  if (!given) t.teardown(() => host.dispose());
  const ledger = await Ledger.open(directory, { bootId: 'boot-1', now: () => 0 });
  const desired = await DesiredFile.load(join(directory, 'desired.json'));
  const trials = await TrialFile.load(join(directory, 'trial.json'));
  const hostView = async () => host.view();
  const ports = host.ports;
  const reconciler = new Reconciler({
    ...{ tuners, ports, ledger, hostView, planOnly: false, now: () => 0, log: quiet },
  });
  const agent = new HostAgent({
    ...{ hypervisor: host, reconciler, desired, trials, log: quiet, now: () => 0 },
    facts: async () => host.facts(),
    loadAverage: () => 0,
    memoryAvailableBytes: () => 0,
    diskBytes: async () => 0,
    reconcileIntervalMs: 3_600_000,
  });
  t.teardown(async () => {
    await agent.stop();
    await ledger.close();
  });
  return { host, directory, agent, desired, trials, ledger };
}

function scratch(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'drover-trial-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}

function state(revision: number, settings: TunerSettings, more: Partial<DesiredState> = {}): DesiredState {
  const tuners = encodeTuners(settings);
  const trial = { trialSeconds: 0, onFailure: '', guests: '', ...more };
  const digest = desiredDigest('p', revision, tuners, trial);
  return { profileName: 'p', profileRevision: revision, tuners, ...trial, digest };
}

const good: TunerSettings = { ksm: { run: 'on', pages_to_scan: 300 } };
const bad: TunerSettings = {
  ksm: { run: 'on', pages_to_scan: 400 },
  'transparent-hugepages': { enabled: 'always' },
};
const ksmPages = (host: FakeHost): string | undefined => host.root.read('/sys/kernel/mm/ksm/pages_to_scan');

/** The kernel refuses `enabled` of transparent hugepages from now on. */
function refuse(host: FakeHost): void {
  const takes = host.kernelTakes.bind(host);
  host.kernelTakes = (file, value, before) =>
    file.endsWith('transparent_hugepage/enabled') ? undefined : takes(file, value, before);
}

void t.test('an apply that fails half-way is put back', async (t) => {
  const { host, agent, desired, ledger } = await bench(t);
  await agent.start();
  await agent.take(state(1, good));
  t.equal(ksmPages(host), '300');
  const before = [host.snapshot(), ledger.size, desired.current];
  refuse(host);
  const began = performance.now();
  await agent.take(state(2, bad));
  t.ok(performance.now() - began < 10_000, 'within 10 s');
  t.strictSame([host.snapshot(), ledger.size, desired.current], before, 'all is as under revision 1');
  const writes = host.writes;
  await agent.take(state(2, bad));
  t.equal(host.writes, writes, 'the same revision is not tried again');
  await agent.take(state(3, { ksm: { run: 'on', pages_to_scan: 500 } }));
  t.equal(ksmPages(host), '500', 'another one is');
  await agent.take(state(2, bad));
  t.equal(ksmPages(host), '500', 'and after that the refused one is tried anew, and put back');
});

void t.test('on_failure: keep leaves what could be set', async (t) => {
  const { host, agent, desired } = await bench(t);
  await agent.start();
  await agent.take(state(1, good));
  refuse(host);
  await agent.take(state(2, bad, { onFailure: 'keep' }));
  t.equal(ksmPages(host), '400');
  t.equal(desired.current?.profileRevision, 2);
});

void t.test('the first profile of a host that fails leaves nothing behind', async (t) => {
  const { host, agent, desired, ledger } = await bench(t);
  const original = host.snapshot();
  refuse(host);
  await agent.start();
  await agent.take(state(1, bad));
  t.strictSame([host.snapshot(), ledger.size], [original, 0]);
  t.match(
    desired.current,
    { profileName: '', tuners: {} },
    'and what the ledger still held would go back later',
  );
});

void t.test('an undo that could not be finished goes on with the next passes', async (t) => {
  const { host, agent, ledger, desired } = await bench(t);
  const original = host.snapshot();
  refuse(host);
  await agent.start();
  const takes = host.kernelTakes;
  let isStuck = false;
  host.kernelTakes = (file, value, before) => {
    if (file.endsWith('enabled')) isStuck = true;
    if (isStuck && file.endsWith('pages_to_scan')) throw new DroverError('unavailable', 'not now');
    return takes(file, value, before);
  };
  await agent.take(state(1, bad));
  t.ok(ledger.size > 0, 'something is left');
  host.kernelTakes = takes;
  await agent.pass();
  t.strictSame([host.snapshot(), ledger.size, desired.current?.profileName], [original, 0, '']);
});

void t.test('what others set, and the profile leaves to them, survives a failed profile', async (t) => {
  const { host, agent } = await bench(t);
  const mild = { ksm: { run: 'on', pages_to_scan: 300, drift: { pages_to_scan: 'adopt' } } } as TunerSettings;
  await agent.start();
  await agent.take(state(1, mild));
  host.put('/sys/kernel/mm/ksm/pages_to_scan', '77');
  await agent.pass();
  t.equal(ksmPages(host), '77', 'adopted');
  refuse(host);
  await agent.take(state(2, { ...bad, ksm: { ...bad.ksm, run: 'on', drift: 'adopt' } }));
  t.equal(ksmPages(host), '77', 'and there again after revision 2 failed');
  await agent.take(state(3, {}));
  t.equal(ksmPages(host), '77', 'also when Drover lets go');
});

void t.test('a state before that nobody can read', async (t) => {
  const { host, agent, desired } = await bench(t);
  const strange = { ...state(1, {}), tuners: { 'of-tomorrow': '{}' } };
  const digest = desiredDigest('p', 1, strange.tuners);
  await desired.save({ ...strange, digest });
  await agent.start();
  refuse(host);
  await agent.take(state(2, bad));
  t.equal(desired.current?.profileName, '', 'nothing is desired then');
  await agent.take(state(3, good));
  t.equal(ksmPages(host), '300', 'and the next state is taken');
});

void t.test('a state that cannot be saved leaves the trial that runs as it is', async (t) => {
  const { agent, trials, directory, desired } = await bench(t);
  await agent.start();
  await agent.take(state(1, good));
  await agent.take(state(2, { ksm: { run: 'on', pages_to_scan: 77 } }, { trialSeconds: 60 }));
  mkdirSync(join(directory, 'desired.json.tmp'));
  for (const trialSeconds of [0, 30]) {
    await agent.take(state(3, { ksm: { run: 'on', pages_to_scan: 88 } }, { trialSeconds }));
    t.match(trials.current, { before: { profileRevision: 1 }, tried: { profileRevision: 2 } });
    t.equal(desired.current?.profileRevision, 2);
  }
  rmSync(join(directory, 'desired.json.tmp'), { recursive: true });
  await agent.pass();
  t.equal(desired.current?.profileRevision, 3, 'the next pass takes it');
});

void t.test('a domain that does not answer puts nothing back', async (t) => {
  const { host, agent, desired } = await bench(t);
  host.start({ name: 'stuck' });
  host.pinVcpu = async () => {
    throw new DroverError('deadline-exceeded', 'no answer');
  };
  await agent.start();
  await agent.take(state(1, { 'vcpu-pinning': { shared: '1-3' }, ...good }));
  t.equal(desired.current?.profileRevision, 1);
  t.equal(ksmPages(host), '300');
});

void t.test('a trial in which the agent dies is put back at the next start', async (t) => {
  const directory = scratch(t);
  const host = new FakeHost();
  t.teardown(() => host.dispose());
  const first = await bench(t, host, directory);
  await first.agent.start();
  await first.agent.take(state(1, good));
  const before = host.snapshot();
  await first.agent.take(state(2, { ksm: { run: 'off', pages_to_scan: 77 } }, { trialSeconds: 60 }));
  t.equal(ksmPages(host), '77');
  t.match(first.trials.current, { before: { profileRevision: 1 }, tried: { profileRevision: 2 } });
  await first.agent.stop(); // what is on disk is what a kill -9 leaves
  await first.ledger.close();
  const second = await bench(t, host, directory);
  await second.agent.start();
  t.strictSame(host.snapshot(), before);
  t.equal(second.desired.current?.profileRevision, 1);
  t.equal(second.trials.current, undefined);
});

void t.test(
  'a state that comes during a trial goes back to the last one that was not on trial',
  async (t) => {
    const { host, agent, trials } = await bench(t);
    await agent.start();
    await agent.take(state(1, good));
    await agent.take(state(2, { ksm: { run: 'on', pages_to_scan: 77 } }, { trialSeconds: 60 }));
    await agent.take(state(3, { ksm: { run: 'on', pages_to_scan: 88 } }, { trialSeconds: 60 }));
    t.match(trials.current, { before: { profileRevision: 1 }, tried: { profileRevision: 3 } });
    refuse(host);
    await agent.take(state(4, bad));
    t.equal(ksmPages(host), '300');
  },
);

void t.test('the clock of a trial', async (t) => {
  let now = 0;
  let contact = { isConnected: true, isHeard: true };
  const undone: string[] = [];
  let spoken = 0;
  const file = await TrialFile.load(join(scratch(t), 'trial.json'));
  const run = new TrialRun({
    ...{ file, contact: () => contact, monotonicMs: () => now, log: quiet, tickMs: 1 },
    undo: async (record, reason) => void undone.push(`${record.tried.profileRevision}: ${reason}`),
    hold: () => run.end(),
    speak: () => void spoken++,
  });
  t.teardown(() => run.stop());
  const tried = state(2, good, { trialSeconds: 60 });
  const tick = (): Promise<void> => sleep(20); // some ticks of a millisecond
  await run.begin({ before: undefined, tried });
  run.watch(60);
  now = 59_000;
  await tick();
  t.ok(run.current, 'it still runs');
  now = 60_000;
  await until(() => run.current === undefined, 1_000, 'it has held');
  t.equal(spoken, 1, 'after a word that was acknowledged: what was heard before proves nothing');
  t.strictSame([undone, (await TrialFile.load(file.file)).current], [[], undefined]);
  await run.begin({ before: undefined, tried });
  run.watch(60);
  contact = { isConnected: false, isHeard: false };
  await tick();
  now += 30_000;
  await until(() => undone.length === 1, 1_000, 'the control plane is gone');
  t.match(undone, [/^2: the control plane was lost during the trial \(30 s without a session\)$/]);
  await run.idle();
});

void t.test('work that is put off', async (t) => {
  const ran: number[] = [];
  const soon = new Soon<number>(5, (item) => void ran.push(item));
  soon.put('a', 1);
  soon.put('a', 2);
  await until(() => ran.length > 0, 1_000, 'it ran');
  t.strictSame(ran, [1], 'once, and for the first reason');
  const slow = new Soon<number>(60_000, (item) => void ran.push(item));
  for (let key = 0; key <= maximumSoon; key++) slow.put(`${key}`, key);
  t.strictSame([slow.size, ran.at(-1)], [maximumSoon, 0], 'beyond its limit the oldest runs at once');
  slow.stop();
  t.equal(slow.size, 0);
});

void t.test('files that somebody else changes are heard of', async (t) => {
  const directory = scratch(t);
  const file = join(directory, '90-drover.cfg');
  let changes = 0;
  mkdirSync(join(directory, 'below'));
  const stop = watchFiles([file, '/nowhere/at/all'], () => changes++);
  t.teardown(stop);
  const began = performance.now();
  writeFileSync(join(directory, 'other'), 'x');
  writeFileSync(file, 'x');
  await until(() => changes > 0, 2_000, 'within 2 s');
  t.ok(performance.now() - began < 2_000);
  t.equal(readFileSync(file, 'utf8'), 'x');
});
