/** The rules of plan, apply, verify and revert over a fake host, and who owns what. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Ledger } from '../../../../agent/reconcile/ledger.js';
import { ownersOf } from '../../../../agent/reconcile/ownership.js';
import {
  planRestore,
  planWants,
  toSettingStatus,
  type Outcome,
  type PlanEntry,
} from '../../../../agent/reconcile/plan.js';
import { Reconciler, type ReconcilerOptions } from '../../../../agent/reconcile/reconciler.js';
import { tuners } from '../../../../agent/tuners/index.js';
import type { Knob, Reading, Want } from '../../../../agent/tuners/tuner.js';
import { codec } from '../../../../proto/wire/load.js';
import type { TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { FakeHost, type FakeShape } from '../../../support/fake-host.js';

const knob: Knob = {
  tuner: 'cpu-qos',
  setting: 'cpu_shares',
  source: '/file',
  domain: { uuid: 'u', name: 'vm', incarnation: '1-2' },
};
const want: Want = { knob, value: '512', effect: 'now', affects: [] };
const noLedger = { get: () => undefined };
const inLedger = { get: () => ({ original: '1024' }) };

void t.test('plan', async (t) => {
  const cases: [
    string,
    Partial<Reading>,
    Partial<Want>,
    typeof inLedger | typeof noLedger,
    string | undefined,
    Outcome,
    RegExp,
  ][] = [
    ['a difference', { value: '1024' }, {}, noLedger, undefined, 'change', /^$/],
    ['no difference', { value: '512' }, {}, noLedger, undefined, 'in-sync', /^$/],
    [
      'no difference, whoever owns it',
      { value: '512', explicit: true },
      { held: 'x' },
      noLedger,
      'tuned.service',
      'in-sync',
      /^$/,
    ],
    [
      'what the host cannot do',
      { unsupported: 'no KSM' },
      {},
      noLedger,
      undefined,
      'unsupported',
      /^no KSM$/,
    ],
    [
      'a value that the host lacks',
      { value: '1' },
      { unsupported: 'offers 1' },
      noLedger,
      'tuned.service',
      'unsupported',
      /^offers 1$/,
    ],
    [
      'another owner',
      { value: '1' },
      { held: 'x' },
      noLedger,
      'tuned.service',
      'held',
      /^tuned\.service is active/,
    ],
    ['something in the way', { value: '1' }, { held: 'x' }, noLedger, undefined, 'held', /^x$/],
    [
      "the domain's own setting",
      { value: '1', explicit: true },
      {},
      noLedger,
      undefined,
      'held',
      /^the domain's XML sets it$/,
    ],
    [
      'its own setting, overridden',
      { value: '1', explicit: true },
      { override: true },
      noLedger,
      undefined,
      'change',
      /^$/,
    ],
    [
      "its own setting, but the ledger's now",
      { value: '1', explicit: true },
      {},
      inLedger,
      undefined,
      'change',
      /^$/,
    ],
  ];
  for (const [name, reading, more, ledger, owner, outcome, reason] of cases) {
    const [entry] = planWants([{ knob, ...reading }], [{ ...want, ...more }], ledger, owner);
    t.match(
      entry,
      { knob, now: reading.value ?? '', wanted: '512', outcome, reason, original: ledger.get()?.original },
      name,
    );
  }
  t.match(
    planWants([], [want], noLedger),
    [{ outcome: 'unsupported', reason: 'not found on this host' }],
    'a knob that nobody read',
  );
  t.match(planRestore({ knob, original: '7' }, { knob, value: '8' }), {
    now: '8',
    wanted: '7',
    outcome: 'change',
    restore: true,
  });
  t.match(planRestore({ knob, original: '7' }, { knob, value: '8' }, 'tuned.service'), { outcome: 'held' });
});

void t.test('the wire', async (t) => {
  const entry: PlanEntry = {
    knob,
    now: '1024',
    wanted: '512',
    outcome: 'change',
    reason: '',
    effect: 'domain-restart',
    affects: Array.from({ length: 10 }, (_, index) => `d${index}`),
    original: undefined,
  };
  const status = toSettingStatus(entry);
  t.strictSame(status, {
    tuner: 'cpu-qos',
    setting: 'cpu_shares',
    domainUuid: 'u',
    domainName: 'vm',
    now: '1024',
    wanted: '512',
    outcome: 'pending',
    reason: 'felt after a restart of d0, d1, d2, d3, d4, d5, d6, d7 and 2 more',
    original: '',
    effect: 'domain-restart',
    source: '/file',
  });
  for (const outcome of ['in-sync', 'changed', 'unsupported', 'held', 'failed'] as const)
    t.equal(toSettingStatus({ ...entry, outcome }).outcome, outcome);
  const { domain: _, ...hostKnob } = knob;
  t.match(toSettingStatus({ ...entry, knob: hostKnob, original: '1' }), {
    domainUuid: '',
    domainName: '',
    original: '1',
  });
  t.strictSame(
    codec('SettingStatus').decode(codec('SettingStatus').encode(status)),
    status,
    'travels unchanged',
  );
});

void t.test('owners', async (t) => {
  t.strictSame(ownersOf({}), {});
  t.strictSame(
    ownersOf({
      'ksmtuned.service': 'inactive',
      'tuned.service': 'failed',
      'numad.service': '',
      'libvirtd.service': 'active',
    }),
    {},
  );
  t.strictSame(ownersOf({ 'ksmtuned.service': 'active' }), { ksm: 'ksmtuned.service' });
  t.strictSame(ownersOf({ 'tuned.service': 'reloading', 'numad.service': 'activating' }), {
    'transparent-hugepages': 'tuned.service',
    'vcpu-pinning': 'numad.service',
  });
});

interface Bench {
  readonly host: FakeHost;
  readonly ledger: Ledger;
  readonly reconciler: Reconciler;
  readonly logged: { message: string; fields: object }[];
}

async function bench(t: Test, more: Partial<ReconcilerOptions> = {}, shape: FakeShape = {}): Promise<Bench> {
  const host = new FakeHost(shape);
  const state = mkdtempSync(join(tmpdir(), 'drover-ledger-'));
  const ledger = await Ledger.open(state, { bootId: 'boot-1', now: () => 0 });
  t.teardown(async () => {
    await ledger.close();
    host.dispose();
    rmSync(state, { recursive: true });
  });
  const logged: Bench['logged'] = [];
  const keep = (fields: object, message: string): void => void logged.push({ fields, message });
  const log = { info: keep, warn: keep };
  const reconciler = new Reconciler({
    tuners,
    ports: host.ports,
    ledger,
    hostView: async () => host.view(),
    planOnly: false,
    now: () => 0,
    log,
    ...more,
  });
  return { host, ledger, reconciler, logged };
}

const all: TunerSettings = {
  'vcpu-pinning': { shared: '1-3' },
  'cpu-qos': { vcpu_period_us: 50_000, vcpu_quota_us: 25_000 },
  'block-qos': { write_bytes_sec: 1_000_000 },
  ksm: { run: 'on', pages_to_scan: 300 },
  'transparent-hugepages': { enabled: 'always' },
};
const only = (entries: readonly PlanEntry[], outcome: Outcome): PlanEntry[] =>
  entries.filter((entry) => entry.outcome === outcome);
const names = (entries: readonly PlanEntry[]): string[] =>
  entries.map((entry) => `${entry.knob.domain?.name ?? 'host'} ${entry.knob.setting}`);

void t.test('a value that the host cannot take: nothing of the profile is written', async (t) => {
  const { host, ledger, reconciler } = await bench(t);
  host.start({ name: 'a' });
  await reconciler.apply({ ksm: { run: 'on' } });
  const [writes, size, before] = [host.writes, ledger.size, host.snapshot()];
  const bad = {
    'cpu-qos': { cpu_shares: 7 },
    'vcpu-pinning': { shared: '9' },
    'block-qos': { read_bytes_sec: 1, device: '/dev/sdz' },
  };
  await t.rejects(reconciler.apply(bad), {
    code: 'invalid-argument',
    field: 'tuners.vcpu-pinning.shared',
    message: /the last is 3; tuners\.block-qos\.device.*\/dev\/vda, \/dev\/vdb/,
  });
  await t.rejects(reconciler.plan(bad), { code: 'invalid-argument' });
  t.strictSame(
    [host.writes, ledger.size, host.snapshot()],
    [writes, size, before],
    'not even what left the settings is put back',
  );
  t.match(reconciler.status(), {
    state: 'failed',
    entries: [{ knob: { tuner: 'vcpu-pinning', setting: 'shared' }, outcome: 'failed' }],
  });
  await reconciler.apply({ 'cpu-qos': { cpu_shares: 7 } });
  t.equal(reconciler.status().state, 'in-sync', 'and other settings are taken afterwards');
});

void t.test('an error stays with its knob', async (t) => {
  const { host, reconciler, logged } = await bench(t);
  host.start({ name: 'a' });
  host.start({ name: 'b' });
  let refusals = 0;
  host.beforeWrite = (number) => {
    if (number === 3 && refusals++ === 0) throw new Error('this one is refused');
  };
  const applied = await reconciler.apply(all);
  t.strictSame(names(only(applied, 'failed')), ['b vcpu 0 affinity']);
  t.match(only(applied, 'failed'), [{ reason: 'this one is refused' }]);
  t.equal(only(applied, 'changed').length, applied.length - 1);
  t.match(reconciler.status(), { state: 'failed', ledgerEntries: applied.length });
  t.match(
    logged.filter(({ message }) => message === 'setting failed'),
    [{ fields: { domain: 'b', setting: 'vcpu 0 affinity' } }],
  );
  t.strictSame(
    names(only(await reconciler.apply(all), 'changed')),
    ['b vcpu 0 affinity'],
    'the next pass makes it good',
  );
  t.equal(reconciler.status().state, 'in-sync');
});

void t.test('a tuner that cannot look is reported by name, and its ledger is left alone', async (t) => {
  let broken = false;
  const sick = tuners.map((tuner) => ({
    ...tuner,
    observe: (...each: Parameters<typeof tuner.observe>) =>
      broken && tuner.name === 'ksm' ? Promise.reject(new Error('no look')) : tuner.observe(...each),
  }));
  const { host, reconciler } = await bench(t, { tuners: sick });
  await reconciler.apply(all);
  broken = true;
  const applied = await reconciler.apply({ 'transparent-hugepages': { enabled: 'never' } });
  t.match(only(applied, 'failed'), [{ knob: { tuner: 'ksm', setting: '*' }, reason: 'no look' }]);
  t.match(host.root.read('/sys/kernel/mm/transparent_hugepage/enabled'), '[never]');
  t.equal(host.root.read('/sys/kernel/mm/ksm/run'), '1', 'what cannot be looked at is not touched');
});

void t.test('a write that the kernel silently ignores is a failure', async (t) => {
  const { host, reconciler } = await bench(t);
  host.kernelTakes = (_file, _value, before) => before;
  t.match(only(await reconciler.apply({ ksm: { run: 'on' } }), 'failed'), [
    { now: 'off', reason: 'reads off after on was written', original: 'off' },
  ]);
});

void t.test('a ledger that cannot be written stops every write', async (t) => {
  const { host, ledger, reconciler } = await bench(t);
  await reconciler.apply({ ksm: { run: 'on' } });
  await ledger.close();
  const writes = host.writes;
  const applied = await reconciler.apply({ ksm: { run: 'off', pages_to_scan: 5 } });
  t.match(only(applied, 'failed'), [
    { knob: { setting: 'pages_to_scan' }, reason: /its original is not in the ledger/ },
  ]);
  t.strictSame(
    names(only(applied, 'changed')),
    ['host run'],
    'a knob whose original is safe may still be set',
  );
  t.equal(host.writes, writes + 1);
});

void t.test('one domain', async (t) => {
  const { host, ledger, reconciler } = await bench(t);
  const a = host.start({ name: 'a' });
  host.start({ name: 'b' });
  const applied = await reconciler.applyDomain(all, a.uuid);
  t.strictSame([...new Set(applied.map((entry) => entry.knob.domain?.name))], ['a'], 'only its own knobs');
  t.equal(host.root.read('/sys/kernel/mm/ksm/run'), '0');
  t.equal(host.writes, applied.length);
  await reconciler.apply(all);
  host.stop(a.uuid);
  const again = host.start({ name: 'a' });
  t.equal(again.uuid, a.uuid);
  t.equal(
    only(await reconciler.applyDomain(all, a.uuid), 'changed').length,
    applied.length,
    'a new start is tuned again',
  );
  t.ok(
    ledger
      .entries()
      .every(
        ({ knob: { domain } }) =>
          !domain || domain.name === 'b' || domain.incarnation.startsWith(`${again.pid}-`),
      ),
    'what its last start left is released',
  );
  t.strictSame(only(reconciler.status().entries, 'change'), []);
  await t.rejects(reconciler.applyDomain(all, 'nobody'), { code: 'not-found', field: 'domain' });
});

void t.test(
  'a domain that ended is released without a write, one that libvirt does not show is kept',
  async (t) => {
    const { host, ledger, reconciler } = await bench(t);
    const a = host.start({ name: 'a' });
    host.start({ name: 'b' });
    await reconciler.apply({ 'cpu-qos': { cpu_shares: 7 } });
    host.reachable = false;
    const writes = host.writes;
    await reconciler.apply({ 'cpu-qos': { cpu_shares: 7 } });
    await reconciler.apply({});
    t.strictSame([ledger.size, host.writes], [2, writes], 'libvirt is away: both wait');
    t.match(only(await reconciler.revert(), 'failed'), [{ reason: /libvirt does not show the domain/ }, {}]);
    t.strictSame([ledger.size, reconciler.status().state], [2, 'failed']);
    host.reachable = true;
    host.stop(a.uuid);
    const reverted = await reconciler.revert();
    t.match(reverted, [
      { knob: { domain: { name: 'b' } }, outcome: 'changed' },
      { knob: { domain: { name: 'a' } }, outcome: 'in-sync', reason: /has ended/ },
    ]);
    t.strictSame([ledger.size, host.writes], [0, writes + 1]);
  },
);

void t.test('a revert that fails keeps its entry', async (t) => {
  const { host, ledger, reconciler } = await bench(t);
  await reconciler.apply({ ksm: { run: 'on', pages_to_scan: 300 } });
  host.crashAfter(1);
  const reverted = await reconciler.revert();
  t.strictSame(names(reverted), ['host run', 'host pages_to_scan'], 'newest first');
  t.match(reverted, [{ outcome: 'changed' }, { outcome: 'failed', reason: 'the process is dead' }]);
  t.strictSame(
    ledger.entries().map((entry) => entry.original),
    ['100'],
  );
});

void t.test('owned knobs are held, for other settings and for what is put back', async (t) => {
  const { host, reconciler } = await bench(t);
  host.services = { 'ksmtuned.service': 'active' };
  const applied = await reconciler.apply(all);
  t.strictSame(names(only(applied, 'held')), ['host pages_to_scan', 'host run']);
  t.match(only(applied, 'held')[0]?.reason, /^ksmtuned\.service is active/);
  host.services = {};
  await reconciler.apply(all);
  host.services = { 'ksmtuned.service': 'active' };
  await reconciler.apply({});
  t.equal(host.root.read('/sys/kernel/mm/ksm/run'), '1');
  const told = await bench(t, { owners: async () => ({ 'transparent-hugepages': 'tuned.service' }) });
  t.strictSame(
    names(only(await told.reconciler.apply(all), 'held')),
    ['host enabled'],
    'owners may be handed in',
  );
});

void t.test('verify sees drift, apply heals it, the original stays', async (t) => {
  const { host, reconciler } = await bench(t);
  t.equal(reconciler.status().state, 'unmanaged');
  await reconciler.apply(all);
  host.put('/sys/kernel/mm/ksm/pages_to_scan', '9999');
  t.match(only(await reconciler.verify(all), 'change'), [
    { knob: { setting: 'pages_to_scan' }, now: '9999', wanted: '300', original: '100' },
  ]);
  t.equal(reconciler.status().state, 'drifted');
  await reconciler.verify({ ksm: { run: 'off' } });
  t.equal(reconciler.status().entries.length, 3, 'a look at other settings does not change the status');
  await reconciler.apply(all);
  t.equal(reconciler.status().state, 'in-sync');
  await reconciler.revert();
  t.equal(host.root.read('/sys/kernel/mm/ksm/pages_to_scan'), '100');
});

void t.test('calls are serial, bounded, and equal ones wait once', async (t) => {
  let open = (): void => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  let views = 0;
  const holder: { host?: FakeHost } = {};
  const hostView = async () => {
    views++;
    await closed;
    return (holder.host as FakeHost).view();
  };
  const { host, reconciler } = await bench(t, { hostView, maximumWaiting: 2 });
  holder.host = host;
  const first = reconciler.apply(all);
  await new Promise(setImmediate);
  t.equal(reconciler.status().state, 'applying');
  const same = [reconciler.apply(all), reconciler.apply(all)];
  const plan = reconciler.plan(all);
  await t.rejects(reconciler.revert(), { code: 'resource-exhausted' });
  open();
  await Promise.all([first, ...same, plan]);
  t.equal(views, 3, 'two equal calls were one');
});
