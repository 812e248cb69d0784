/** The rules of plan, apply, verify and revert over a fake host, and who owns what. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { DomainView } from '../../../../agent/libvirt/hypervisor.js';
import { Ledger } from '../../../../agent/reconcile/ledger.js';
import { ownerOf, ownersOf, withTakeOver } from '../../../../agent/reconcile/ownership.js';
import {
  planRestore,
  planWants,
  toSettingStatus,
  type Outcome,
  type PlanEntry,
} from '../../../../agent/reconcile/plan.js';
import { Reconciler, type ReconcilerOptions } from '../../../../agent/reconcile/reconciler.js';
import { FileStats } from '../../../../agent/tuners/common/block/file-stats.js';
import { tuners } from '../../../../agent/tuners/index.js';
import type { Knob, Reading, Want } from '../../../../agent/tuners/tuner.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { codec } from '../../../../proto/wire/load.js';
import type { TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { FakeHost, type FakeShape } from '../../../support/fake-host.js';
import { until } from '../../../support/poll.js';

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
    const [entry] = planWants([{ knob, ...reading }], [{ ...want, ...more }], { ledger, owner });
    t.match(
      entry,
      { knob, now: reading.value ?? '', wanted: '512', outcome, reason, original: ledger.get()?.original },
      name,
    );
  }
  t.match(
    planWants([], [want], { ledger: noLedger }),
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
    affects: Array.from({ length: 10 }, (_, index) => `d${index}`),
    evidence: '',
    drift: 'heal',
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
  const short = (services: Record<string, string>): string[] =>
    ownersOf(services).map(({ tuner, owner, state }) => `${tuner} ${owner} ${state}`);
  t.strictSame(short({}), []);
  t.strictSame(
    short({
      'ksmtuned.service': 'inactive',
      'tuned.service': 'failed',
      'numad.service': '',
      'libvirtd.service': 'active',
    }),
    [],
  );
  t.strictSame(short({ 'ksmtuned.service': 'active' }), ['ksm ksmtuned.service owns']);
  const both = ownersOf({ 'tuned.service': 'reloading', 'numad.service': 'activating' });
  t.equal(ownerOf(both, 'transparent-hugepages'), 'tuned.service');
  t.equal(ownerOf(both, 'vcpu-pinning'), 'numad.service');
  t.equal(ownerOf(both, 'ksm'), undefined);
  const taken = withTakeOver(both, { owners: { take_over: ['tuned.service'] } });
  t.equal(ownerOf(taken, 'transparent-hugepages'), undefined, 'who is to stop owns nothing');
  t.match(
    taken.find(({ owner }) => owner === 'tuned.service'),
    { state: 'taken-over', evidence: /reloading/ },
  );
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
  const b = host.start({ name: 'b' });
  let refusals = 0;
  const pin = host.pinVcpu.bind(host);
  host.pinVcpu = async (domain, vcpu, cpus) => {
    if (domain.uuid === b.uuid && vcpu === 0 && refusals++ === 0) throw new Error('this one is refused');
    return pin(domain, vcpu, cpus);
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

void t.test('a start looks anew where its images lie, a pass does not', async (t) => {
  const host = new FakeHost();
  let number = host.facts().blockDevices[0]?.deviceNumber as string;
  let asked = 0;
  const ask = async () => {
    asked++;
    return { device: number, node: undefined, sizeBytes: 1 };
  };
  const files = new FileStats({ ask, maximumAgeMs: 300_000 });
  const { reconciler } = await bench(t, {
    ports: { ...host.ports, files },
    hostView: async () => host.view(),
  });
  t.teardown(() => host.dispose());
  const settings: TunerSettings = { 'block-qos': { write_bytes_sec: 1_000_000 } };
  const limits = (uuid: string) => reconciler.applyDomain(settings, uuid).then((all) => only(all, 'changed'));
  const a = host.start({ name: 'a' });
  t.match(await limits(a.uuid), [{ knob: { setting: 'write_bytes_sec /dev/vda' } }]);
  const before = asked;
  await reconciler.apply(settings);
  t.equal(asked, before);
  host.stop(a.uuid);
  number = '253:16'; // while it was off, a disk was mounted over its images
  host.start({ name: 'a' });
  t.match(await limits(a.uuid), [{ knob: { setting: 'write_bytes_sec /dev/vdb' } }]);
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
  const told = await bench(t, { owners: async () => ownersOf({ 'tuned.service': 'active' }) });
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

void t.test(
  'what somebody does to a domain between two passes is found by the next, each time',
  async (t) => {
    const { host, reconciler } = await bench(t);
    const domain = host.start({ name: 'a' });
    const settings: TunerSettings = { 'cpu-qos': { cpu_shares: 512 }, 'vcpu-pinning': { shared: '0-1' } };
    const shares = `${host.group(domain, 'cpu')}/cpu.shares`;
    const thread = `/proc/${domain.pid}/task/${(domain.pid as number) + 1}/status`;
    for (let pass = 0; pass < 3; pass++) await reconciler.apply(settings);
    for (const others of ['77', '78', '77']) {
      host.put(shares, others);
      t.match(only(await reconciler.verify(settings), 'change'), [
        { knob: { setting: 'cpu_shares' }, now: others, wanted: '512' },
      ]);
      t.match(only(await reconciler.apply(settings), 'changed'), [{ knob: { setting: 'cpu_shares' } }]);
      t.equal(host.root.read(shares), '512');
      t.match(only(await reconciler.apply(settings), 'changed'), []);
    }
    host.put(thread, 'Name:\tCPU 0/KVM\nCpus_allowed_list:\t2-3');
    t.match(only(await reconciler.apply(settings), 'changed'), [{ knob: { setting: 'vcpu 0 affinity' } }]);
    t.match(host.root.read(thread), /\t0-1$/);
  },
);

void t.test('passes are serial, bounded, and equal ones wait once; looks run beside them', async (t) => {
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
  const other = reconciler.apply({});
  await t.rejects(reconciler.revert(), { code: 'resource-exhausted' });
  const looks = (pages: number) => reconciler.plan({ ksm: { run: 'on', pages_to_scan: pages } });
  const plans = [looks(1)];
  await new Promise(setImmediate);
  plans.push(looks(2), looks(3));
  await t.rejects(reconciler.plan(all), { code: 'resource-exhausted' });
  const starts = Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => reconciler.applyDomain(all, `no-${index}`)),
  );
  await t.rejects(reconciler.applyDomain(all, 'one-more'), { code: 'resource-exhausted' });
  open();
  await Promise.all([first, ...same, other, ...plans]);
  t.equal((await starts).length, 10);
  t.equal(views, 3 + 3 + 10 + 8, 'two equal calls were one; a pass looks again at the eight domains in work');
  t.equal(reconciler.status().state, 'failed', 'a call that was refused is said');
  await reconciler.apply({});
  t.equal(reconciler.status().state, 'in-sync', 'until the next one');
});

void t.test('a pass that could not be made is no success', async (t) => {
  let fault: Error | undefined = new Error('no list of domains');
  const holder: { host?: FakeHost } = {};
  const hostView = async () => {
    if (fault) throw fault;
    return (holder.host as FakeHost).view();
  };
  const { host, reconciler } = await bench(t, { hostView });
  holder.host = host;
  const failed = { state: 'failed', entries: [{ outcome: 'failed', reason: 'no list of domains' }] };
  await t.rejects(reconciler.apply({ ksm: { run: 'on' } }));
  t.match(reconciler.status(), failed, 'the first');
  fault = undefined;
  await reconciler.apply({ ksm: { run: 'on' } });
  t.equal(reconciler.status().state, 'in-sync');
  fault = new Error('no list of domains');
  await t.rejects(reconciler.apply({ ksm: { run: 'off' } }));
  t.match(reconciler.status(), failed, 'the next revision');
  t.equal(host.root.read('/sys/kernel/mm/ksm/run'), '1');
});

void t.test('libvirt does not answer: the host is tuned, domains wait', async (t) => {
  const domainsUnknown = 'libvirt does not answer: domains were not looked at';
  let isAway = false;
  const holder: { host?: FakeHost } = {};
  const hostView = async () => {
    const view = (holder.host as FakeHost).view();
    return isAway ? { facts: view.facts, domains: [], domainsUnknown } : view;
  };
  const { host, ledger, reconciler } = await bench(t, { hostView });
  holder.host = host;
  const { uuid } = host.start({ name: 'a' });
  await reconciler.apply({ 'cpu-qos': { cpu_shares: 7 } });
  isAway = true;
  const applied = await reconciler.apply(all);
  t.strictSame(
    only(applied, 'failed').map(({ knob, reason }) => `${knob.tuner} ${reason}`),
    ['vcpu-pinning', 'cpu-qos', 'block-qos'].map((tuner) => `${tuner} ${domainsUnknown}`),
  );
  t.strictSame(names(only(applied, 'changed')), ['host pages_to_scan', 'host run', 'host enabled']);
  t.equal(reconciler.status().state, 'failed');
  await t.rejects(reconciler.applyDomain(all, uuid), { code: 'unavailable' });
  await t.rejects(reconciler.apply({ 'vcpu-pinning': { shared: '9' } }), { code: 'invalid-argument' });
  await reconciler.apply({});
  t.strictSame(
    ledger.entries().map((entry) => entry.knob.domain?.uuid),
    [uuid],
    'what a domain had is kept',
  );
  t.match(await reconciler.revert(), [{ outcome: 'failed', reason: new RegExp(domainsUnknown) }]);
  isAway = false;
  await reconciler.apply({});
  t.equal(ledger.size, 0);
});

void t.test('a domain whose XML is not known is left alone', async (t) => {
  let blind = '';
  const holder: { host?: FakeHost } = {};
  const hostView = async () => {
    const view = (holder.host as FakeHost).view();
    const hide = (domain: DomainView): DomainView =>
      domain.name === blind ? { ...domain, disks: [], xmlUnknown: 'the XML could not be read' } : domain;
    return { ...view, domains: view.domains.map(hide) };
  };
  const { host, ledger, reconciler } = await bench(t, { hostView });
  holder.host = host;
  host.start({ name: 'a' });
  host.start({ name: 'b' });
  await reconciler.apply(all);
  const size = ledger.size;
  blind = 'a';
  const writes = host.writes;
  const applied = await reconciler.apply({ ...all, 'block-qos': { write_bytes_sec: 5, device: '/dev/vda' } });
  t.equal(host.writes, writes + 1, 'only the other one is written');
  t.strictSame([ledger.size, reconciler.status().state], [size, 'in-sync']);
  const own = applied.filter(({ knob }) => knob.domain?.name === 'a');
  t.ok(own.length >= 5 && own.every(({ reason }) => reason === 'the XML could not be read'));
  t.ok(own.every(({ outcome }) => outcome === 'held' || outcome === 'unsupported'));
  await reconciler.apply({});
  t.ok(
    ledger.entries().every(({ knob }) => knob.domain?.name === 'a'),
    'nor is it when the settings go',
  );
  t.ok((await reconciler.revert()).every(({ outcome }) => outcome === 'failed'));
  blind = '';
  await reconciler.apply({});
  t.equal(ledger.size, 0);
});

void t.test('a domain that was started anew between plan and write is not written', async (t) => {
  const { host, ledger, reconciler } = await bench(t);
  host.start({ name: 'a' });
  const b = host.start({ name: 'b' });
  await reconciler.apply({ 'cpu-qos': { cpu_shares: 7 } });
  const record = ledger.record.bind(ledger);
  const restart = (): void => {
    host.stop(b.uuid);
    host.start({ name: 'b' });
  };
  for (const settings of [{ 'cpu-qos': { cpu_shares: 9 } }, {}] as const) {
    ledger.record = async (originals) => {
      ledger.record = record;
      restart();
      return record(originals);
    };
    const applied = await reconciler.apply(settings);
    const own = applied.filter(({ knob }) => knob.domain?.name === 'b');
    t.notOk(own.some(({ outcome }) => outcome === 'changed'));
    if ('cpu-qos' in settings) t.match(own, [{ outcome: 'failed', reason: /was started anew/ }]);
    const again = await reconciler.apply(settings);
    t.strictSame(only(again, 'failed'), []);
    t.ok(ledger.entries().every(({ original }) => original === '1024'));
  }
  t.equal(ledger.size, 0);
  const vm = host.view().domains.find(({ name }) => name === 'b') as DomainView;
  t.equal(host.root.read(`${host.group(vm, 'cpu')}/cpu.shares`), '1024', 'it is as it was');
});

void t.test('a vCPU that was unplugged is released', async (t) => {
  for (const way of ['apply', 'revert', 'withdraw'] as const) {
    const { host, ledger, reconciler } = await bench(t);
    const { pid } = host.start({ name: 'a', vcpus: 3 });
    const settings = { 'vcpu-pinning': { shared: '1-3' } };
    await reconciler.apply(settings);
    rmSync(join(host.directory, `/proc/${pid}/task/${(pid as number) + 3}`), { recursive: true });
    if (way === 'revert') {
      const entries = await reconciler.revert();
      t.match(
        entries.find(({ knob }) => knob.setting === 'vcpu 2 affinity'),
        {
          outcome: 'in-sync',
          reason: /has it no longer/,
        },
      );
      t.strictSame([only(entries, 'failed'), ledger.size], [[], 0], way);
      continue;
    }
    t.strictSame(only(await reconciler.apply(way === 'apply' ? settings : {}), 'failed'), [], way);
    t.equal(ledger.size, way === 'apply' ? 3 : 0, way);
    t.equal(reconciler.status().state, 'in-sync', way);
  }
});

/** Domain `name` never answers a call: each ends in its deadline. */
function neverAnswers(host: FakeHost, name: string, deadlineMs: number): { calls: number; answers: boolean } {
  const state = { calls: 0, answers: false };
  const pin = host.pinVcpu.bind(host);
  host.pinVcpu = async (domain, vcpu, cpus) => {
    const isStuck = host.view().domains.find(({ uuid }) => uuid === domain.uuid)?.name === name;
    if (!isStuck || state.answers) return pin(domain, vcpu, cpus);
    state.calls++;
    await setTimeout(deadlineMs);
    throw new DroverError('deadline-exceeded', 'no answer');
  };
  return state;
}

void t.test('a domain that never answers holds up nobody else', async (t) => {
  const { host, ledger, reconciler } = await bench(t);
  host.start({ name: 'a-stuck', vcpus: 4 });
  for (let index = 0; index < 20; index++) host.start({ name: `d${index}` });
  const stuck = neverAnswers(host, 'a-stuck', 1_500);
  const settings = { 'vcpu-pinning': { shared: '1-3' }, ksm: { run: 'on' } } as const;
  const pass = reconciler.apply(settings);
  await until(() => stuck.calls === 1, 1_000, 'the pass reached the stuck domain');
  const late = host.start({ name: 'late' });
  const began = performance.now();
  t.equal(only(await reconciler.applyDomain(settings, late.uuid), 'changed').length, 3);
  t.strictSame(only(await reconciler.plan(settings), 'change').length > 0, true, 'and plans are made');
  t.ok(performance.now() - began < 1_000, `enforced after ${Math.round(performance.now() - began)} ms`);
  const affinity = (): number =>
    host.view().domains.filter(({ pid }) => {
      const status = host.root.read(`/proc/${pid}/task/${(pid as number) + 1}/status`);
      return status?.includes('\t1-3');
    }).length;
  await until(() => affinity() === 21, 1_000, 'all others are enforced meanwhile');
  t.equal(stuck.calls, 1);
  const applied = await pass;
  t.match(
    applied.filter(({ knob }) => knob.domain?.name === 'a-stuck').map(({ outcome }) => outcome),
    ['failed', 'failed', 'held', 'held', 'held'],
  );
  t.ok(
    reconciler.status().entries.some(({ knob }) => knob.domain?.name === 'late'),
    'what came beside the pass is in the status',
  );
  t.equal(ledger.size, 5 + 21 * 3 + 1);
});

void t.test('a domain that does not answer is left alone for a growing while', async (t) => {
  let nowMs = 0;
  const { host, reconciler } = await bench(t, { now: () => nowMs });
  host.start({ name: 'stuck', vcpus: 4 });
  const stuck = neverAnswers(host, 'stuck', 0);
  const settings = { 'vcpu-pinning': { shared: '1-3' } };
  const reasons = async (): Promise<string[]> =>
    only(await reconciler.apply(settings), 'held').map(({ reason }) => reason);
  t.strictSame(
    await reasons(),
    Array.from({ length: 3 }, () => 'does not answer; next try in 10 s'),
  );
  nowMs = 9_001;
  t.match(await reasons(), { length: 5, 0: 'does not answer; next try in 1 s' });
  t.equal(reconciler.status().state, 'drifted', 'which is not in sync');
  t.equal(stuck.calls, 2);
  for (const pauseS of [20, 40, 60, 60]) {
    nowMs += 60_000;
    const calls = stuck.calls;
    t.match(await reasons(), { length: 4, 0: `does not answer; next try in ${pauseS} s` });
    t.equal(stuck.calls, calls + 1, 'one try');
  }
  nowMs -= 3_600_000;
  t.equal((await reasons()).length, 4, 'a clock that was set back holds nothing for longer');
  nowMs += 60_000;
  stuck.answers = true;
  t.equal(only(await reconciler.apply(settings), 'changed').length, 5, 'the first answer ends it');
  t.equal(reconciler.status().state, 'in-sync');
  t.strictSame(only(await reconciler.revert(), 'failed'), []);
});
