/** Drift by policy, effects, extra specs, what waits for a reboot: what the engine adds to plan, apply, verify, revert. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { DomainView } from '../../../../agent/libvirt/hypervisor.js';
import { driftPolicy, Settled } from '../../../../agent/reconcile/drift.js';
import { Ledger } from '../../../../agent/reconcile/ledger.js';
import { novaPinning } from '../../../../agent/reconcile/ownership.js';
import {
  maximumPendingReboots,
  pendingOf,
  PendingReboots,
} from '../../../../agent/reconcile/pending-reboots.js';
import { planWants, type PlanEntry } from '../../../../agent/reconcile/plan.js';
import { Reconciler } from '../../../../agent/reconcile/reconciler.js';
import { dressed, withAllocation, withClass } from '../../../../agent/reconcile/specs.js';
import { tuners } from '../../../../agent/tuners/index.js';
import type { Knob, Reading, Tuner, Want } from '../../../../agent/tuners/tuner.js';
import type { TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { FakeHost } from '../../../support/fake-host.js';
import { until } from '../../../support/poll.js';

const log = { info: () => undefined, warn: () => undefined };
const pages = '/sys/kernel/mm/ksm/pages_to_scan';

interface Bench {
  readonly host: FakeHost;
  readonly directory: string;
  ledger: Ledger;
  /** A new process over the same disk. */
  restart(bootId?: string): Promise<Reconciler>;
}

function bench(t: Test, used: readonly Tuner[] = tuners): Bench {
  const host = new FakeHost();
  const directory = mkdtempSync(join(tmpdir(), 'drover-engine-'));
  const made = { host, directory } as Bench;
  made.restart = async (bootId = 'boot-1') => {
    await made.ledger?.close();
    made.ledger = await Ledger.open(directory, { bootId, now: () => 0 });
    const ports = host.ports;
    const hostView = async () => host.view();
    return new Reconciler({
      tuners: used,
      ports,
      ledger: made.ledger,
      hostView,
      planOnly: false,
      now: () => 0,
      log,
    });
  };
  t.teardown(async () => {
    await made.ledger?.close();
    host.dispose();
    rmSync(directory, { recursive: true });
  });
  return made;
}

const find = (entries: readonly PlanEntry[], setting: string): PlanEntry | undefined =>
  entries.find(({ knob }) => knob.setting === setting);

void t.test('the policy of a knob', async (t) => {
  const knob = { tuner: 'vcpu-pinning', setting: 'vcpu 0 affinity' } as const;
  const of = (drift: unknown): string =>
    driftPolicy({ 'vcpu-pinning': { shared: '1', drift } } as TunerSettings, knob);
  t.equal(driftPolicy(undefined, knob), 'heal');
  t.equal(of(undefined), 'heal');
  t.equal(of('report'), 'report');
  t.equal(of({ 'vcpu 0 affinity': 'adopt', vcpu: 'report' }), 'adopt', 'the whole name first');
  t.equal(of({ vcpu: 'report', '*': 'adopt' }), 'report', 'then the first word');
  t.equal(of({ emulator: 'report', '*': 'adopt' }), 'adopt', 'then the rest');
  t.equal(of({ emulator: 'report' }), 'heal');
});

void t.test('settled values are bounded, the oldest go first', async (t) => {
  const settled = new Settled(2);
  for (const key of ['a', 'b', 'c']) settled.note(key, '1');
  t.strictSame(
    [settled.size, settled.has('a', '1'), settled.has('c', '1'), settled.has('c', '2')],
    [2, false, true, false],
  );
});

void t.test('drift is healed by default, and said', async (t) => {
  const { host, restart } = bench(t);
  const settings = { ksm: { run: 'on', pages_to_scan: 300 } } as const;
  const reconciler = await restart();
  await reconciler.apply(settings);
  host.put(pages, '9');
  t.match(find(await reconciler.plan(settings), 'pages_to_scan'), { outcome: 'change', drifted: true });
  const applied = await reconciler.apply(settings);
  t.match(find(applied, 'pages_to_scan'), { outcome: 'changed', reason: 'somebody changed 300 to 9' });
  t.equal(host.root.read(pages), '300');
  const other = { ksm: { run: 'on', pages_to_scan: 400 } } as const;
  t.match(
    find(await reconciler.plan(other), 'pages_to_scan'),
    { outcome: 'change', reason: '' },
    'a new wish is no drift',
  );
});

for (const policy of ['report', 'adopt'] as const) {
  void t.test(`drift under ${policy}, also after a new start of the agent`, async (t) => {
    const made = bench(t);
    const { host, restart } = made;
    host.put(pages, '300');
    const original = host.root.read('/sys/kernel/mm/ksm/run');
    const settings = {
      ksm: { run: 'on', pages_to_scan: 300, drift: { pages_to_scan: policy } },
    } as TunerSettings;
    const first = await restart();
    t.match(find(await first.apply(settings), 'pages_to_scan'), { outcome: 'in-sync', original: '300' });
    host.put(pages, '9');
    for (const reconciler of [first, await restart()]) {
      const entry = find(await reconciler.apply(settings), 'pages_to_scan');
      t.match(entry, {
        outcome: policy === 'report' ? 'held' : 'in-sync',
        reason: /^somebody changed 300 to 9: (reported only|adopted), as the profile says$/,
        drift: policy,
      });
      t.equal(host.root.read(pages), '9', 'nothing is written');
      t.equal(reconciler.status().state, policy === 'report' ? 'drifted' : 'in-sync');
    }
    const last = await restart();
    const wish = { ksm: { run: 'on', pages_to_scan: 500, drift: policy } } as TunerSettings;
    t.match(find(await last.apply(wish), 'pages_to_scan'), { outcome: 'changed' }, 'a new wish is obeyed');
    await last.revert();
    t.equal(host.root.read(pages), policy === 'report' ? '300' : '9', 'undo leaves what was adopted');
    t.equal(host.root.read('/sys/kernel/mm/ksm/run'), original);
    t.equal(made.ledger.size, 0);
  });
}

void t.test('ledger lines of drift survive compaction; files on disk survive a reboot', async (t) => {
  const { directory } = bench(t);
  const open = (bootId: string) => Ledger.open(directory, { bootId, now: () => 0, maximumDeadLines: 3 });
  const knob = (setting: string, persistent?: true): Knob => ({
    tuner: 'sysctl',
    setting,
    source: `/proc/sys/${setting}`,
    ...(persistent && { persistent }),
  });
  const ledger = await open('one');
  await ledger.record([
    { knob: knob('a'), original: '1' },
    { knob: knob('boot file', true), original: 'absent' },
  ]);
  const key = 'sysctl|host|a';
  for (const value of ['2', '3', '3', '4', '5', '6']) await ledger.settle(new Map([[key, value]]));
  await ledger.settle(new Map([['unknown', '1']]));
  await ledger.adopt(key, '9');
  await ledger.adopt('unknown', '9');
  await ledger.close();
  t.ok(readFileSync(ledger.file, 'utf8').split('\n').length < 8, 'dead lines were cleared away');
  const again = await open('one');
  t.match(again.get(key), { original: '9', settled: '6' });
  await again.close();
  const rebooted = await open('two');
  t.strictSame(
    rebooted.entries().map(({ knob: { setting, persistent } }) => [setting, persistent]),
    [['boot file', true]],
  );
  t.equal(rebooted.voided.length, 1);
  await rebooted.close();
});

const knob: Knob = { tuner: 'irq-affinity', setting: 'irq 9', source: '/proc/irq/9/smp_affinity_list' };
const wish: Want = { knob, value: '0', effect: 'now', affects: [] };

void t.test('effects, remarks and what is deferred', async (t) => {
  const plan = (reading: Partial<Reading>, want: Partial<Want> = {}): PlanEntry | undefined =>
    planWants([{ knob, ...reading }], [{ ...wish, ...want }], { ledger: { get: () => undefined } })[0];
  t.match(plan({ value: '0', evidence: 'virtio0' }), { outcome: 'in-sync', evidence: 'virtio0' });
  t.match(plan({ value: '0', ineffective: 'effective affinity is 0-3' }), {
    outcome: 'failed',
    reason: 'set, but without effect: effective affinity is 0-3',
  });
  t.match(plan({ value: '0-3' }, { deferred: 'needs a reboot', effect: 'host-reboot' }), {
    outcome: 'deferred',
    reason: 'needs a reboot',
  });
  t.match(plan({ value: '0-3' }, { remark: '9 clamped to 3' }), {
    outcome: 'change',
    reason: '9 clamped to 3',
  });
});

void t.test('a write that reads back and does not bite has failed', async (t) => {
  let value = '0-3';
  const tuner: Tuner<'irq-affinity'> = {
    name: 'irq-affinity',
    observe: async () => [{ knob, value, ...(value === '0' && { ineffective: 'still served by CPU 3' }) }],
    want: () => [wish],
    write: async (_ports, _knob, text) => void (value = text),
  };
  const { restart } = bench(t, [tuner]);
  const reconciler = await restart();
  const settings = { 'irq-affinity': {} } as TunerSettings;
  t.match(await reconciler.apply(settings), [
    { outcome: 'failed', reason: 'written, but without effect: still served by CPU 3', original: '0-3' },
  ]);
  t.equal(reconciler.status().state, 'failed');
  await reconciler.revert();
  t.equal(value, '0-3', 'and is undone all the same');
});

for (const policy of ['adopt', 'report'] as const)
  void t.test(`an apply that is put back is no drift to ${policy}`, async (t) => {
    const { host, restart } = bench(t);
    const wish = (pagesToScan: number): TunerSettings => ({
      ksm: { run: 'on', pages_to_scan: pagesToScan, drift: policy },
    });
    const reconciler = await restart();
    await reconciler.apply(wish(300));
    await reconciler.putBack(await reconciler.apply(wish(400)));
    t.equal(host.root.read(pages), '300');
    t.match(find(await reconciler.apply(wish(300)), 'pages_to_scan'), { outcome: 'in-sync', reason: '' });
    t.match(find(await reconciler.apply(wish(400)), 'pages_to_scan'), { outcome: 'changed' });
    await reconciler.revert();
    t.equal(host.root.read(pages), '100');
  });

void t.test('what the XML of a domain sets stays its own under every drift policy', async (t) => {
  for (const drift of ['heal', 'report', 'adopt'] as const) {
    const { host, restart } = bench(t);
    host.start({ name: 'own', vcpus: 1, explicit: { vcpuPins: [0], emulatorPin: true } });
    const reconciler = await restart();
    await reconciler.apply({ 'vcpu-pinning': { shared: '0-3', drift } });
    const entries = await reconciler.apply({ 'vcpu-pinning': { shared: '1-3', drift } });
    t.match(find(entries, 'vcpu 0 affinity'), { outcome: 'held', reason: /XML sets it/ }, drift);
  }
});

void t.test('a domain that waits for its turn gets the settings of the newest pass', async (t) => {
  const { host, restart } = bench(t);
  const views = Array.from({ length: 12 }, (_, index) => host.start({ name: `d${index}`, vcpus: 1 }));
  const pin = host.pinVcpu.bind(host);
  host.pinVcpu = async (...call) => {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    return pin(...call);
  };
  const reconciler = await restart();
  const old = { 'vcpu-pinning': { shared: '0-1' } };
  const newest = { 'vcpu-pinning': { shared: '2-3' } };
  const single = views.map(({ uuid }) => reconciler.applyDomain(old, uuid));
  await Promise.all([reconciler.apply(newest), ...single]);
  const left = (await reconciler.verify(newest)).filter(({ outcome }) => outcome === 'change');
  t.strictSame(left, []);
});

void t.test(
  'a domain that is being enforced while its settings are withdrawn keeps none of them',
  async (t) => {
    const made = bench(t);
    const { host, restart } = made;
    const { uuid } = host.start({ name: 'late', vcpus: 4 });
    const before = host.snapshot();
    const pin = host.pinVcpu.bind(host);
    let begun = 0;
    host.pinVcpu = async (...call) => {
      begun++;
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
      return pin(...call);
    };
    const reconciler = await restart();
    const single = reconciler.applyDomain({ 'vcpu-pinning': { shared: '2-3' } }, uuid);
    await until(() => begun > 0, 1_000, 'the first pin');
    await Promise.all([reconciler.apply({}), single]);
    t.strictSame([host.snapshot(), made.ledger.size], [before, 0]);
  },
);

void t.test('a domain that ends between a write and its look is no fault of the profile', async (t) => {
  const { host, restart } = bench(t);
  const { uuid } = host.start({ name: 'short', vcpus: 1 });
  const schedule = host.setScheduler.bind(host);
  host.setScheduler = async (...call) => {
    await schedule(...call);
    host.stop(uuid);
  };
  const reconciler = await restart();
  const [entry] = await reconciler.apply({ 'cpu-qos': { cpu_shares: 77 } });
  t.match(entry, { outcome: 'failed', reason: /has ended/, postponed: true });
});

void t.test('which extra specs count', async (t) => {
  const host = new FakeHost();
  t.teardown(() => host.dispose());
  const view = host.start({ name: 'a', specs: { 'quota:cpu_shares': '100', own: '1' }, specSource: 'nova' });
  const allocated = withAllocation(view, { id: 'x', extraSpecs: { 'quota:cpu_shares': '200' } });
  t.match(allocated, { specs: { 'quota:cpu_shares': '200', own: '1' }, specSource: 'allocation' });
  t.equal(allocated.allocationId, 'x');
  t.equal(withAllocation(view, undefined), view);
  const classes = {
    default: 'bronze',
    classes: { gold: { 'quota:cpu_shares': '900', more: '1' }, bronze: { less: '1' } },
  };
  t.strictSame(withClass(view, undefined), view);
  t.strictSame(withClass(view, classes).specs, { less: '1', 'quota:cpu_shares': '100', own: '1' });
  const gold = { ...view, qosClass: 'gold' };
  t.match(withClass(gold, classes), { specs: { more: '1', 'quota:cpu_shares': '100' }, specSource: 'nova' });
  const named = { ...view, specs: { 'drover:qos_class': 'gold' }, specSource: '' as const };
  t.match(withClass(named, classes), {
    qosClass: 'gold',
    specs: { 'quota:cpu_shares': '900' },
    specSource: 'class',
  });
  const unknown = { ...view, qosClass: 'platinum' };
  t.equal(withClass(unknown, classes), unknown, 'a class that is not there gives nothing');
  t.match(dressed(host.view(), { 'qos-classes': classes }), {
    settings: { 'qos-classes': classes },
    domains: [{ qosClass: 'bronze' }],
  });
});

void t.test("Nova's pinning is said, domain by domain", async (t) => {
  const host = new FakeHost();
  t.teardown(() => host.dispose());
  host.start({ name: 'a', isNovas: true, explicit: { vcpuPins: [0, 1] } });
  host.start({ name: 'b', isNovas: true });
  const domains: readonly DomainView[] = host.view().domains;
  t.match(novaPinning(domains), [
    { tuner: 'vcpu-pinning', owner: 'nova-compute', state: 'respected', evidence: /^1 of 2 domains/ },
  ]);
  t.strictSame(novaPinning(domains.slice(1)), []);
});

void t.test('what waits for a reboot is one list with the time since when', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-pending-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'pending-reboots.json');
  const entry = (setting: string, wanted: string, outcome: PlanEntry['outcome'] = 'deferred'): PlanEntry => ({
    knob: { tuner: 'kernel-command-line', setting, source: '/proc/cmdline' },
    ...{ now: 'absent', wanted, outcome, reason: 'at the next boot', effect: 'host-reboot', affects: [] },
    original: undefined,
  });
  const pending = await PendingReboots.load(file);
  await pending.update(
    [entry('isolcpus', '2-3'), entry('hugepages', '4'), entry('quiet', '1', 'in-sync')],
    10,
  );
  await pending.update([entry('isolcpus', '2-3'), entry('hugepages', '8')], 20);
  const again = await PendingReboots.load(file);
  t.match(again.current, [
    { setting: 'isolcpus', sinceUnixMs: 10 },
    { setting: 'hugepages', wanted: '8', sinceUnixMs: 20 },
  ]);
  await again.update([], 30);
  t.throws(() => readFileSync(file), { code: 'ENOENT' }, 'nothing waits: no file');
  writeFileSync(file, '[{"half');
  t.strictSame(
    (await PendingReboots.load(file)).current,
    [],
    'a damaged file is found anew by the next pass',
  );
  const many = Array.from({ length: maximumPendingReboots + 1 }, (_, index) => entry(`a${index}`, '1'));
  t.equal(pendingOf(many, [], 0).length, maximumPendingReboots);
});
