/** cpu-qos with extra specs and ECUs, cpu-governor, irq-affinity, machine-slice: what they read, want and refuse. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { formatCpuMask, readIrqs } from '../../../../agent/kernel/irq.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import { IrqMemory } from '../../../../agent/tuners/common/cpu/irq-memory.js';
import { limitBySystemd } from '../../../../agent/tuners/common/cpu/unit-limits.js';
import { cpuGovernor } from '../../../../agent/tuners/cpu-governor.js';
import { cpuQos } from '../../../../agent/tuners/cpu-qos.js';
import { makeIrqAffinity } from '../../../../agent/tuners/irq-affinity.js';
import { machineSlice } from '../../../../agent/tuners/machine-slice.js';
import type { HostView, Reading, Tuner, UnitLimits, Want } from '../../../../agent/tuners/tuner.js';
import { parseCpuMask, parseCpuSet } from '../../../../proto/wire/cpu-set.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { protoRoot } from '../../../../proto/wire/load.js';
import { tunerSettings, type TunerName, type TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { FakeHost, type FakeShape } from '../../../support/fake-host.js';

const shared = process.env['DROVER_SHARED'] ?? join(protoRoot(), '../../shared');

function fake(t: Test, shape: FakeShape = {}): FakeHost {
  const host = new FakeHost(shape);
  t.teardown(() => host.dispose());
  return host;
}

async function wants<Name extends TunerName>(
  tuner: Tuner<Name>,
  host: FakeHost,
  settings: TunerSettings[Name],
  view: HostView = host.view(),
): Promise<Want[]> {
  return tuner.want(settings as never, await tuner.observe(host.ports, view), view);
}

/** Setting and value, with what stands in the way. */
const asked = (list: readonly Want[]): string[] =>
  list.map(({ knob, value, held, unsupported }) =>
    [`${knob.setting}=${value}`, held && `held: ${held}`, unsupported && `unsupported: ${unsupported}`]
      .filter((each) => each !== undefined)
      .join(' '),
  );
const remarks = (list: readonly Want[]): (string | undefined)[] => list.map(({ remark }) => remark);
const find = (readings: readonly Reading[], start: string): Reading => {
  const reading = readings.find(({ knob }) => knob.setting.startsWith(start));
  if (!reading) throw new Error(`no knob ${start}`);
  return reading;
};

void t.test('settings that a profile may not have', async (t) => {
  const bad: [TunerName, object, RegExp][] = [
    ['cpu-qos', { ecu_per_pcpu: 0 }, /above 0/],
    ['cpu-qos', { ecu_spec: 'x:y' }, /ecu_spec needs ecu_per_pcpu/],
    ['cpu-governor', {}, /governor or energy_performance_preference/],
    ['cpu-governor', { governor: 'userspace' }, /frequency in kHz/],
    ['cpu-governor', { governor: 'powersave', userspace_khz: 5 }, /frequency in kHz/],
    ['cpu-governor', { governor: 'fast' }, /./],
    ['irq-affinity', {}, /./],
    ['irq-affinity', { keep_off: '' }, /dedicated, or a CPU list/],
    ['machine-slice', {}, /reserved_cpus or reserved_host_memory_mb/],
    ['machine-slice', { reserved_host_memory_mb: 0 }, /./],
  ];
  for (const [name, settings, message] of bad)
    t.match(tunerSettings[name].safeParse(settings).error?.message, message, JSON.stringify(settings));
});

void t.test('cpu-qos: extra specs before ECUs before the profile', async (t) => {
  const ecu = { ecu_per_pcpu: 10 };
  const profile = { vcpu_period_us: 50_000, vcpu_quota_us: 20_000, cpu_shares: 512 };
  const cases: [string, object, Record<string, string>, string[]][] = [
    ['the profile', profile, {}, ['vcpu_period_us=50000', 'vcpu_quota_us=20000', 'cpu_shares=512']],
    ['spec shares', profile, { 'quota:cpu_shares': '4096' }, ['vcpu_period_us=50000', 'vcpu_quota_us=20000', 'cpu_shares=4096']],
    ["a spec's quota means its own period", profile, { 'quota:cpu_quota': '30000' }, ['vcpu_period_us=100000', 'vcpu_quota_us=30000', 'cpu_shares=512']],
    ['both specs', {}, { 'quota:cpu_quota': '30000', 'quota:cpu_period': '60000' }, ['vcpu_period_us=60000', 'vcpu_quota_us=30000']],
    ['no limit', {}, { 'quota:cpu_quota': '-7' }, ['vcpu_period_us=100000', 'vcpu_quota_us=-1']],
    ["a spec's period keeps the profile's share", { vcpu_period_us: 100_000, vcpu_quota_us: 50_000 }, { 'quota:cpu_period': '1000000' }, ['vcpu_period_us=1000000', 'vcpu_quota_us=500000']],
    ['of the default period', { vcpu_quota_us: 50_000 }, { 'quota:cpu_period': '20000' }, ['vcpu_period_us=20000', 'vcpu_quota_us=10000']],
    ['at least what the kernel takes', { vcpu_quota_us: 5_000 }, { 'quota:cpu_period': '10000' }, ['vcpu_period_us=10000', 'vcpu_quota_us=1000']],
    ['no limit is none', { vcpu_quota_us: -1 }, { 'quota:cpu_period': '20000' }, ['vcpu_period_us=20000', 'vcpu_quota_us=-1']],
    ['ECUs', ecu, { 'drover:ecu': '6' }, ['vcpu_period_us=100000', 'vcpu_quota_us=30000', 'cpu_shares=614']],
    ['ECUs go before the profile', { ...profile, ...ecu }, { 'drover:ecu': '6.5' }, ['vcpu_period_us=50000', 'vcpu_quota_us=16250', 'cpu_shares=666']],
    ['and after specs', { ...profile, ...ecu }, { 'drover:ecu': '6', 'quota:cpu_quota': '5000', 'quota:cpu_shares': '2' }, ['vcpu_period_us=100000', 'vcpu_quota_us=5000', 'cpu_shares=2']],
    ['ECUs in the period of a spec', ecu, { 'drover:ecu': '6', 'quota:cpu_period': '20000' }, ['vcpu_period_us=20000', 'vcpu_quota_us=6000', 'cpu_shares=614']],
    ['a name of its own', { ...ecu, ecu_spec: 'our:ecu' }, { 'drover:ecu': '9', 'our:ecu': '20' }, ['vcpu_period_us=100000', 'vcpu_quota_us=100000', 'cpu_shares=2048']],
    ['no measure for ECUs', {}, { 'drover:ecu': '6' }, []],
  ]; // prettier-ignore
  for (const [what, settings, specs, expected] of cases) {
    const host = fake(t);
    host.start({ name: 'vm', vcpus: 2, specs });
    t.strictSame(asked(await wants(cpuQos, host, settings)).toSorted(), expected.toSorted(), what);
  }
  const host = fake(t);
  host.start({ name: 'big', vcpus: 2, specs: { 'drover:ecu': '60' } });
  t.match(remarks(await wants(cpuQos, host, ecu)), [
    undefined,
    '60 ECUs on 2 vCPUs are 300000 µs of each period, clamped to 100000: one pCPU for each vCPU',
  ]);
  const small = fake(t);
  small.start({ name: 'small', vcpus: 2, specs: { 'drover:ecu': '0.01' } });
  t.match(asked(await wants(cpuQos, small, ecu)), [/./, 'vcpu_quota_us=1000', 'cpu_shares=2']);
  t.match(remarks(await wants(cpuQos, small, ecu)), [undefined, /raised to 1000/, /1 shares, clamped to 2/]);
});

void t.test('cpu-qos: a faulty spec holds its knob and no other', async (t) => {
  const cases: [Record<string, string>, string, string[]][] = [
    [{ 'quota:cpu_shares': 'many' }, 'cpu_shares', ['vcpu_period_us', 'vcpu_quota_us']],
    [{ 'quota:cpu_quota': '999' }, 'vcpu_quota_us', ['vcpu_period_us', 'cpu_shares']],
    [{ 'quota:cpu_period': '12' }, 'vcpu_period_us', ['vcpu_quota_us', 'cpu_shares']],
  ];
  for (const [specs, faulty, sound] of cases) {
    const host = fake(t);
    host.start({ name: 'vm', specs });
    host.start({ name: 'other' });
    const list = await wants(cpuQos, host, { vcpu_period_us: 50_000, vcpu_quota_us: 20_000, cpu_shares: 9 });
    const held = list.filter(({ held }) => held !== undefined).map(({ knob }) => knob.setting);
    t.strictSame(held, [faulty], JSON.stringify(specs));
    t.match(list.find(({ held }) => held)?.held, /^extra spec quota:cpu_\w+ is .*; want /);
    t.equal(list.length, 3 + sound.length + 1, 'the other domain and the other knobs go on');
  }
  const host = fake(t);
  host.start({ name: 'vm', specs: { 'drover:ecu': '-3' } });
  t.match(asked(await wants(cpuQos, host, { ecu_per_pcpu: 4 })), [
    'vcpu_period_us=100000',
    /^vcpu_quota_us=-3 held: .*want a number above 0/,
    /^cpu_shares=-3 held/,
  ]);
});

void t.test('cpu-qos: shares as weight on v2, and what shows that a quota bites', async (t) => {
  const weights: [number, string, string][] = [
    [2, '2', '2 shares are weight 0, clamped to 2'],
    [15, '2', '15 shares are weight 1, clamped to 2'],
    [256, '25', '256 shares are weight 25'],
    [1024, '100', '1024 shares are weight 100'],
    [102_400, '10000', '102400 shares are weight 10000'],
    [262_144, '10000', '262144 shares are weight 25600, clamped to 10000'],
  ];
  const v2 = fake(t, { cgroup: 'v2' });
  const view = v2.start({ name: 'vm' });
  for (const [cpu_shares, value, remark] of weights)
    t.match(await wants(cpuQos, v2, { cpu_shares }), [{ value, remark }], `${cpu_shares}`);
  const weight = find(await cpuQos.observe(v2.ports, v2.view()), 'cpu_shares');
  await cpuQos.write(v2.ports, weight.knob, '77');
  t.equal(v2.root.read(`${v2.group(view, 'cpu')}/cpu.weight`), '77', 'undo writes the raw weight');
  v2.put(`${v2.group(view, 'cpu')}/cpu.weight`, '0');
  t.match(await wants(cpuQos, v2, { cpu_shares: 9 }), [{ held: /cpu.idle/ }]);
  for (const cgroup of ['v1', 'v2'] as const) {
    const host = fake(t, { cgroup });
    const domain = host.start({ name: 'vm', vcpus: 2 });
    const look = async (): Promise<string | undefined> =>
      find(await cpuQos.observe(host.ports, host.view()), 'vcpu_quota_us').evidence;
    t.equal(await look(), undefined, 'no limit: nothing to show');
    await host.setScheduler(domain, { vcpuQuotaUs: 30_000 });
    for (const [vcpu, throttled] of [30, 7].entries())
      host.put(
        `${host.group(domain, 'cpu')}/vcpu${vcpu}/cpu.stat`,
        `nr_periods 20\nnr_throttled ${throttled}`,
      );
    t.equal(await look(), 'throttled in 37 of 40 periods since the domain started', cgroup);
  }
});

const dumpsWithPolicies: [string, number, string, string, string][] = [
  ['arm64-gb10-1s20c-hybrid-cgroup2', 20, 'performance', 'cppc_cpufreq', 'schedutil'],
  ['x86-epyc7451-2s8n', 96, 'performance', 'acpi-cpufreq', 'conservative'],
  ['x86-i7-1370p-hybrid-cgroup2', 20, 'powersave', 'intel_pstate', 'performance'],
];

void t.test('cpu-governor over captured hosts', { skip: !existsSync(shared) && 'needs DROVER_SHARED' }, async (t) => {
  for (const [machine, policies, governor, driver, other] of dumpsWithPolicies) {
    const directory = mkdtempSync(join(tmpdir(), 'drover-cpufreq-'));
    t.teardown(() => rmSync(directory, { recursive: true, force: true }));
    const tree = join(shared, 'host-dumps', machine, 'tree.tar.gz');
    execFileSync('tar', ['xzf', tree, '-C', directory, '--wildcards', '*/cpufreq/*', 'sys/devices/system/cpu/online']);
    const ports = { kernel: new HostRoot(directory), hypervisor: undefined };
    const online = ports.kernel.read('/sys/devices/system/cpu/online') ?? '';
    const facts = { ...fake(t).facts(), cpu: { ...fake(t, { online }).facts().cpu, online } } as HostView['facts'];
    const readings = await cpuGovernor.observe(ports, { facts, domains: [] });
    const governors = readings.filter(({ knob }) => knob.setting.startsWith('scaling_governor'));
    t.strictSame([governors.length, new Set(governors.map(({ value }) => value))], [policies, new Set([governor])], machine);
    t.match(governors[0], { evidence: new RegExp(`^${driver} on CPUs [-,0-9]+, \\d+..\\d+ kHz$`) });
    t.match(governors[0]?.knob.source, '/sys/devices/system/cpu/cpufreq/policy0/scaling_governor');
    const list = cpuGovernor.want({ governor: other as 'schedutil' }, readings, { facts, domains: [] });
    t.equal(list.filter(({ unsupported }) => unsupported === undefined).length, policies, `${other} is offered`);
    const [first] = cpuGovernor.want({ governor: 'ondemand' }, readings, { facts, domains: [] });
    if (driver === 'intel_pstate')
      t.equal(first?.unsupported, 'policy0 (intel_pstate) offers performance, powersave', 'and ondemand is not');
  }
}); // prettier-ignore

/** Two policies of two CPUs, the second of which has an energy preference. */
function withPolicies(t: Test): FakeHost {
  const host = fake(t, { online: '0-3' });
  for (const [policy, cpus, driver] of [
    ['policy0', '0 1', 'acpi-cpufreq'],
    ['policy2', '2 3', 'intel_pstate'],
  ]) {
    const folder = `/sys/devices/system/cpu/cpufreq/${policy}`;
    const files = {
      ...{ related_cpus: cpus, scaling_driver: driver, scaling_governor: 'powersave' },
      ...{
        scaling_available_governors: 'powersave performance userspace ',
        scaling_setspeed: '<unsupported>',
      },
      ...{ scaling_min_freq: '800000', scaling_max_freq: '3500000' },
    };
    for (const [file, text] of Object.entries(files)) host.put(`${folder}/${file}`, String(text));
  }
  const hint = '/sys/devices/system/cpu/cpufreq/policy2/energy_performance';
  host.put(`${hint}_preference`, 'balance_power');
  host.put(`${hint}_available_preferences`, 'default performance balance_performance balance_power power ');
  return host;
}

void t.test('cpu-governor: policies, hints and the order of writes', async (t) => {
  const host = withPolicies(t);
  t.strictSame(asked(await wants(cpuGovernor, host, { governor: 'performance' })), [
    'scaling_governor policy0=performance',
    'scaling_governor policy2=performance',
  ]);
  t.match(await wants(cpuGovernor, host, { governor: 'performance', cpus: '1' }), [
    { value: 'performance', remark: 'CPUs 0 share policy0' },
  ]);
  t.match(await wants(cpuGovernor, host, { governor: 'schedutil', cpus: '0-1' }), [
    { unsupported: 'policy0 (acpi-cpufreq) offers powersave, performance, userspace' },
  ]);
  await t.rejects(wants(cpuGovernor, host, { governor: 'powersave', cpus: '3-4' }), {
    code: 'invalid-argument',
    message: /tuners.cpu-governor.cpus.*CPUs of this host: 0-3/,
  });
  const order = async (settings: TunerSettings['cpu-governor']): Promise<string[]> =>
    asked(await wants(cpuGovernor, host, settings)).filter((each) => each.includes('policy2'));
  t.strictSame(
    await order({ governor: 'performance', energy_performance_preference: 'performance' }),
    ['energy_performance_preference policy2=performance', 'scaling_governor policy2=performance'],
    'the hint first, so that undo puts the governor back first',
  );
  t.strictSame(await order({ governor: 'powersave', energy_performance_preference: 'power' }), [
    'scaling_governor policy2=powersave',
    'energy_performance_preference policy2=power',
  ]);
  t.match(await order({ governor: 'performance', energy_performance_preference: 'power' }), [
    /policy2=power held: intel_pstate keeps/,
    /performance/,
  ]);
  const readings = await cpuGovernor.observe(host.ports, host.view());
  t.match(find(readings, 'energy_performance_preference policy0'), { unsupported: /no energy preference/ });
  const { knob } = find(readings, 'scaling_governor policy0');
  t.strictSame(asked(await wants(cpuGovernor, host, { governor: 'userspace', userspace_khz: 900_000, cpus: '0' })), [
    'scaling_governor policy0=userspace 900000',
  ]);
  await cpuGovernor.write(host.ports, knob, 'userspace 900000');
  t.equal(host.root.read('/sys/devices/system/cpu/cpufreq/policy0/scaling_setspeed'), '900000');
  t.equal(find(await cpuGovernor.observe(host.ports, host.view()), 'scaling_governor policy0').value, 'userspace 900000');
  await cpuGovernor.write(host.ports, knob, 'powersave');
  t.equal(find(await cpuGovernor.observe(host.ports, host.view()), 'scaling_governor policy0').value, 'powersave');
  rmSync(join(host.directory, knob.source));
  t.match(find(await cpuGovernor.observe(host.ports, host.view()), 'scaling_governor policy0'), {
    unsupported: 'no CPU of the policy is online',
  });
  const bare = fake(t);
  t.match(await cpuGovernor.observe(bare.ports, bare.view()), [{ unsupported: /no frequency scaling/ }, {}]);
  t.equal((await wants(cpuGovernor, bare, { governor: 'performance' })).length, 1, 'one line says it');
}); // prettier-ignore

interface FakeIrq {
  readonly label: string;
  readonly list: string;
  readonly effective?: string;
  readonly count?: number;
  readonly fixed?: boolean;
}

function putIrq(host: FakeHost, number: number, { label, list, effective, count, fixed }: FakeIrq): void {
  host.put(`/proc/irq/${number}/smp_affinity_list`, list);
  host.put(`/proc/irq/${number}/effective_affinity_list`, effective ?? list);
  host.put(`/sys/kernel/irq/${number}/actions`, label);
  if (count !== undefined) host.put(`/sys/kernel/irq/${number}/per_cpu_count`, `${count},0,1,0`);
  if (fixed) chmodSync(join(host.directory, `/proc/irq/${number}/smp_affinity_list`), 0o444);
}

function withIrqs(t: Test): FakeHost {
  const host = fake(t, { online: '0-3' });
  host.put('/proc/irq/default_smp_affinity', 'f');
  putIrq(host, 9, { label: 'acpi', list: '0-3', effective: '0' });
  putIrq(host, 24, { label: 'eth0-rx-0', list: '2-3', effective: '2' });
  putIrq(host, 25, { label: 'eth0-rx-1', list: '0-1', effective: '1' });
  putIrq(host, 26, { label: 'nvme0q1', list: '2', fixed: true });
  putIrq(host, 27, { label: '', list: '0-3' });
  return host;
}

void t.test('irq-affinity: which interrupts move where', async (t) => {
  const host = withIrqs(t);
  const tuner = makeIrqAffinity();
  const pinning = (sets: TunerSettings['vcpu-pinning']): HostView => ({
    ...host.view(),
    settings: { 'vcpu-pinning': sets as NonNullable<typeof sets> },
  });
  const expected = [
    'default_smp_affinity=0-1',
    'irq 9 acpi=0-1',
    'irq 24 eth0-rx-0=0-1',
    'irq 25 eth0-rx-1=0-1',
    'irq 26 nvme0q1=0-1 unsupported: its driver and the kernel place it (a managed IRQ, or one of a single CPU)',
  ];
  t.strictSame(asked(await wants(tuner, host, { keep_off: '2-$' })), expected);
  t.strictSame(
    asked(await wants(tuner, host, { keep_off: 'dedicated' }, pinning({ dedicated: '2-3' }))),
    expected,
    'the dedicated set of vcpu-pinning',
  );
  t.match(
    asked(await wants(tuner, host, { keep_off: '3' })),
    [/=0-2$/, /=0-2$/, /=2$/, /=0-1$/, /=2$/],
    'the least',
  );
  const bad: [string, HostView, RegExp][] = [
    ['dedicated', host.view(), /a dedicated set in vcpu-pinning/],
    ['dedicated', pinning({ reserved: '0' }), /a dedicated set in vcpu-pinning/],
    ['4-5', host.view(), /CPUs of this host: 0-3/],
    ['0-3', host.view(), /leaves an online CPU for interrupts/],
    ['soon', host.view(), /CPU list/],
  ];
  for (const [keep_off, view, message] of bad)
    await t.rejects(wants(tuner, host, { keep_off }, view), { code: 'invalid-argument', message }, keep_off);
  const readings = await tuner.observe(host.ports, host.view());
  await tuner.write(host.ports, find(readings, 'default').knob, '0-1,3');
  t.equal(host.root.read('/proc/irq/default_smp_affinity'), 'b');
  t.equal(find(readings, 'irq 9').evidence, 'acpi goes to CPU 0');
  const bare = fake(t);
  t.match(await tuner.observe(bare.ports, bare.view()), [{ unsupported: 'this kernel has no /proc/irq' }]);
  t.match(await wants(tuner, bare, { keep_off: '3' }), [{}]);
  for (const cpus of [[0], [0, 31], [32], [1, 33, 64]]) t.strictSame(parseCpuMask(formatCpuMask(cpus)), cpus);
});

void t.test('irq-affinity: a number that another device has by now is let go', async (t) => {
  const host = withIrqs(t);
  const tuner = makeIrqAffinity();
  const held = (await tuner.observe(host.ports, host.view())).map(({ knob }) => knob);
  putIrq(host, 24, { label: 'sda', list: '2-3', effective: '2' });
  const view = { ...host.view(), held };
  const readings = await tuner.observe(host.ports, view);
  t.strictSame(
    readings.filter(({ gone }) => gone).map(({ knob, unsupported }) => [knob.setting, unsupported]),
    [['irq 24 eth0-rx-0', 'it is irq 24 sda now']],
  );
  const lines = asked(await wants(tuner, host, { keep_off: '2-3' }, view));
  t.strictSame(
    lines.filter((line) => line.startsWith('irq 24')),
    ['irq 24 sda=0-1'],
    'what is gone is not wanted',
  );
});

void t.test('irq-affinity: a refusal is remembered, and a move waits for the next interrupt', async (t) => {
  const host = withIrqs(t);
  const memory = new IrqMemory();
  const tuner = makeIrqAffinity(memory);
  const look = async (start: string): Promise<Reading> => find(await tuner.observe(host.ports, host.view()), start);
  const refuse = (code: string): void => {
    host.beforeWrite = () => {
      throw new DroverError('kernel-write-failed', code, { cause: Object.assign(new Error(code), { code }) });
    };
  };
  refuse('ENOSPC');
  await t.rejects(tuner.write(host.ports, (await look('irq 24')).knob, '0-1'), { message: 'ENOSPC' });
  t.notMatch(asked(await wants(tuner, host, { keep_off: '2-3' })).join('\n'), /irq 24.*unsupported/, 'may work later');
  refuse('EIO');
  await t.rejects(tuner.write(host.ports, (await look('irq 24')).knob, '0-1'), { message: 'EIO' });
  t.match(asked(await wants(tuner, host, { keep_off: '2-3' })).join('\n'), /irq 24 .*unsupported: the kernel refused to move it \(EIO\)/);
  host.put('/sys/kernel/irq/24/actions', 'other');
  t.notMatch(asked(await wants(tuner, host, { keep_off: '2-3' })).join('\n'), /irq 24 .*unsupported/, 'another device');

  putIrq(host, 9, { label: 'acpi', list: '0-1', effective: '3', count: 5 });
  t.match(await look('irq 9'), { evidence: 'acpi goes to CPU 3 until its next interrupt', ineffective: undefined });
  t.notHas(await look('irq 9'), { ineffective: String }, 'it has not fired since');
  putIrq(host, 9, { label: 'acpi', list: '0-1', effective: '3', count: 8 });
  t.match(await look('irq 9'), { ineffective: 'effective_affinity_list is still 3, and it has fired since' });
  putIrq(host, 9, { label: 'acpi', list: '0-1', effective: '1', count: 9 });
  t.notHas(await look('irq 9'), { ineffective: String });
  t.equal(memory.size, 1, 'what arrived is forgotten');
  putIrq(host, 25, { label: 'eth0-rx-1', list: '0-1', effective: '2' });
  t.ok((await look('irq 25')).ineffective, 'without a count it had its chance');

  const bounded = new IrqMemory(3);
  for (let irq = 0; irq < 10; irq++) {
    bounded.refuse(`${irq}`, 'EIO');
    bounded.hadItsChance(`${irq}`, '0', 1);
  }
  t.strictSame([bounded.size, bounded.refusal('6'), bounded.refusal('9')], [6, undefined, 'EIO'], 'the newest stay');
}); // prettier-ignore

void t.test('irq-affinity: names without /sys/kernel/irq', async (t) => {
  const host = withIrqs(t);
  rmSync(join(host.directory, '/sys/kernel/irq'), { recursive: true });
  host.put('/proc/interrupts', '      CPU0  CPU1\n  9:  4  5  IO-APIC  9-fasteoi  acpi, i2c\n 24:  1  0  PCI-MSI 5-edge   eth0-rx-0\nNMI: 0 0 x');
  t.match(readIrqs(host.root), [{ number: 9, label: 'acpi, i2c' }, { number: 24, label: 'eth0-rx-0' }]);
}); // prettier-ignore

/** The group above all domains, with one below it for each domain. */
function putMachine(host: FakeHost, cpus: Record<string, string>): string {
  const v1 = host.cgroup === 'v1';
  if (v1) {
    const controllers = ['cpu', 'cpuset', 'blkio', 'memory'];
    host.put('/proc/self/mounts', controllers.map((each) => `cgroup /sys/fs/cgroup/${each} cgroup rw,${each} 0 0`).join('\n'));
  }
  const [name, effective] = v1 ? ['machine', 'cpuset.effective_cpus'] : ['machine.slice', 'cpuset.cpus.effective'];
  const top = `/sys/fs/cgroup${v1 ? '/cpuset' : ''}`;
  const memory = `/sys/fs/cgroup${v1 ? '/memory' : ''}/${name}`;
  host.put(`${top}/${effective}`, '0-3');
  for (const directory of [`${top}/${name}`, memory]) host.put(`${directory}/cgroup.procs`, '');
  for (const view of host.view().domains) {
    const directory = host.group(view, 'cpuset');
    host.put(`${directory}/cgroup.procs`, String(view.pid));
    if (v1) host.put(`${directory}/cpuset.cpus`, cpus[view.name] ?? '0-3');
    else host.put(`/proc/${view.pid}/cgroup`, `0::/machine.slice/${view.name}.scope`);
  }
  host.put(`${top}/${name}/cpuset.cpus`, v1 ? '0-3' : '');
  host.put(`${top}/${name}/${effective}`, '0-3');
  if (!v1) host.put(`${top}/${name}/cgroup.controllers`, 'cpuset memory');
  const files: Record<string, string> = v1
    ? { limit_in_bytes: '9223372036854771712', usage_in_bytes: '3221225472', failcnt: '2', stat: 'rss 1\ntotal_inactive_file 1073741824\ntotal_active_file 0' }
    : { max: 'max', current: '3221225472', events: 'low 0\nmax 2', stat: 'anon 1\ninactive_file 1073741824\nactive_file 0' };
  for (const [file, text] of Object.entries(files)) host.put(`${memory}/memory.${file}`, text);
  return `${top}/${name}`;
} // prettier-ignore

for (const cgroup of ['v1', 'v2'] as const) {
  void t.test(`machine-slice on cgroup ${cgroup}`, async (t) => {
    const host = fake(t, { cgroup });
    const none = await machineSlice.observe(host.ports, host.view());
    t.match(none[0], { unsupported: /no machine group with cpuset: no domain has run/ });
    t.equal((await wants(machineSlice, host, { reserved_cpus: '0', reserved_host_memory_mb: 64 })).length, 2);
    host.start({ name: 'a', vcpus: 2 });
    const b = host.start({ name: 'b', vcpus: 3 });
    const group = putMachine(host, { a: '2-3' });
    const [cpus, memory] = await machineSlice.observe(host.ports, host.view());
    t.match(cpus, { value: '0-3', evidence: '7 threads of 2 domains checked', ineffective: undefined });
    t.match(memory, { evidence: 'domains use 3 GiB, 1 GiB of it cache; limit met 2 times' });
    t.equal(memory?.value, cgroup === 'v1' ? '9223372036854771712' : 'max');
    const settings: HostView = { ...host.view(), settings: { 'vcpu-pinning': { reserved: '0-1' } } };
    const list = await wants(machineSlice, host, { reserved_cpus: 'reserved' }, settings);
    t.match(list, [{ value: '2-3', ...(cgroup === 'v1' ? { held: /below first: qemu-2-b.libvirt-qemu has CPUs 0-3/ } : {}) }]);
    if (cgroup === 'v2') t.notHas(list[0], { held: String }, 'v2 narrows the groups below by itself');
    for (const reserved_cpus of ['0-3', '7', 'reserved'])
      await t.rejects(wants(machineSlice, host, { reserved_cpus }), { code: 'invalid-argument', field: 'tuners.machine-slice.reserved_cpus' }, reserved_cpus);

    // 8 GiB in all, of which domains hold 2 GiB that cannot be taken back.
    t.strictSame(asked(await wants(machineSlice, host, { reserved_host_memory_mb: 1_024 })), [`memory.${cgroup === 'v1' ? 'limit_in_bytes' : 'max'}=${7 * 2 ** 30}`]);
    t.match(await wants(machineSlice, host, { reserved_host_memory_mb: 7_168 }), [{ value: String(2 ** 30), held: /domains hold 2 GiB \(2147483648 bytes\), the limit would be 1 GiB \(1073741824 bytes\)/ }]);
    await t.rejects(wants(machineSlice, host, { reserved_host_memory_mb: 8_192 }), { message: /less than the 8192 MiB/ });
    host.put('/proc/meminfo', 'MemTotal: 8388608 kB\nHugetlb: 2097152 kB');
    t.match(await wants(machineSlice, host, { reserved_host_memory_mb: 1_024 }), [{ value: String(5 * 2 ** 30) }], 'huge pages are not counted');
    const pool = '/sys/kernel/mm/hugepages/hugepages-2048kB';
    const putPool = (pages: number, surplus: number): void => {
      for (const [file, count] of [['nr_hugepages', pages + surplus], ['surplus_hugepages', surplus], ['free_hugepages', 0]] as const) host.put(`${pool}/${file}`, `${count}`);
    };
    for (const [pages, surplus, wanted, limitGib] of [[0, 0, 1024, 5], [1024, 0, 1024, 5], [1024, 512, 1024, 5], [1024, 0, 512, 5], [1024, 0, undefined, 5], [512, 512, undefined, 6]] as const) {
      putPool(pages, surplus);
      const around = { ...host.view(), settings: wanted === undefined ? {} : { hugepages: { pools: [{ size: '2MiB', pages: wanted }] } } };
      t.match(await wants(machineSlice, host, { reserved_host_memory_mb: 1_024 }, around), [{ value: String(limitGib * 2 ** 30) }], `${pages} pages and ${surplus} surplus, ${wanted} wanted`);
    }

    if (!cpus || !memory) throw new Error('no readings');
    await machineSlice.write(host.ports, cpus.knob, '2-3');
    t.equal(host.root.read(`${group}/cpuset.cpus`), '2-3');
    const view = { ...host.view(), domains: host.view().domains };
    t.match((await machineSlice.observe(host.ports, view))[0], { value: '2-3', ineffective: new RegExp(`^qemu-system-x86 \\(${(view.domains[0]?.pid ?? 0)}\\) of a may run on 0-3$`) });
    host.put(`/proc/${b.pid}/cgroup`, cgroup === 'v1' ? '3:memory:/other/b' : '0::/other/b');
    host.put(`/sys/fs/cgroup${cgroup === 'v1' ? '/memory' : ''}/other/b/cgroup.procs`, '');
    t.match((await machineSlice.observe(host.ports, view))[1], { ineffective: /^b is not below .*machine/ });

    const calls: [string, UnitLimits][] = [];
    const services = {
      states: async () => ({}),
      start: async () => undefined,
      stop: async () => undefined,
      // systemd answers first and writes then.
      setResources: async (unit: string, limits: UnitLimits) => {
        calls.push([unit, limits]);
        const { allowedCpus, memoryMaxBytes } = limits;
        const [file, text] = allowedCpus ? ['cpuset.cpus', allowedCpus.join(',')] : ['memory.max', memoryMaxBytes === Infinity ? 'max' : `${memoryMaxBytes}`];
        setTimeout(() => host.put(`${group}/${file}`, text), 30);
      },
    };
    const writes = host.writes;
    for (const [{ knob }, value] of [[cpus, '0-1'], [memory, cpus.value ?? ''], [memory, memory.value ?? '']] as const)
      await machineSlice.write({ ...host.ports, services }, knob, value === '0-3' ? '65536' : value);
    if (cgroup === 'v2') t.equal(host.root.read(`${group}/cpuset.cpus`), '0,1', 'done only when the file has it');
    t.strictSame([calls, host.writes - writes], cgroup === 'v1' ? [[], 3] : [[['machine.slice', { allowedCpus: [0, 1] }], ['machine.slice', { memoryMaxBytes: 65_536 }], ['machine.slice', { memoryMaxBytes: Infinity }]], 0], 'systemd is asked on v2 alone');
    if (cgroup === 'v2') {
      const deaf = { ...services, setResources: async () => undefined };
      t.ok(await limitBySystemd({ ...host.ports, services: deaf }, cpus.knob.source, '3', 100), 'given up in the end: the look after the write tells');
    }
    t.ok(parseCpuSet(cpus.value ?? '').length > 0, 'an empty cpuset.cpus reads as the set in force, so undo writes a set');
  });
} // prettier-ignore

void t.test('cpu-qos: vCPUs that differ, with gaps in their numbers and as ledgers of old have them', async (t) => {
  const host = fake(t);
  const view = host.start({ name: 'vm', vcpus: 3 });
  const group = host.group(view, 'cpu');
  const quotas = (): (string | undefined)[] => [0, 1, 2].map((vcpu) => host.root.read(`${group}/vcpu${vcpu}/cpu.cfs_quota_us`));
  const look = async (): Promise<Reading> => find(await cpuQos.observe(host.ports, host.view()), 'vcpu_quota_us');
  for (const vcpu of [0, 1, 2]) host.put(`${group}/vcpu${vcpu}/cpu.cfs_quota_us`, `${vcpu + 1}0000`);
  const { knob, value } = await look();
  t.equal(value, 'mixed 10000,20000,30000');
  rmSync(join(host.directory, `${group}/vcpu1`), { recursive: true });
  t.equal((await look()).value, 'mixed 0=10000,2=30000');
  for (const [text, expected] of [
    ['mixed 0=-1,2=7000', ['-1', undefined, '7000']],
    ['mixed 8000,9000', ['8000', undefined, '9000']],
    ['mixed 10000,20000,30000', ['10000', undefined, '30000']],
    ['mixed 1=5,2=6000', ['10000', undefined, '6000']],
  ] as const) {
    await cpuQos.write(host.ports, knob, text);
    t.strictSame(quotas(), expected, text);
  }
}); // prettier-ignore

void t.test('cpu-governor: a userspace frequency that the processor has', async (t) => {
  const host = withPolicies(t);
  const folder = '/sys/devices/system/cpu/cpufreq/policy0';
  const want = async (userspace_khz: number): Promise<Want | undefined> =>
    (await wants(cpuGovernor, host, { governor: 'userspace', userspace_khz, cpus: '0-1' }))[0];
  t.match(await want(1), { value: 'userspace 800000', remark: 'policy0 makes 800000 kHz of 1' });
  t.match(await want(900_001), { value: 'userspace 900001', remark: undefined }, 'no steps are told');
  host.put(`${folder}/scaling_available_frequencies`, '3600000 3000000 2000000 1000000 ');
  t.match(await want(2_000_000), { value: 'userspace 2000000', remark: undefined });
  t.match(await want(1_800_000), { value: 'userspace 2000000', remark: 'policy0 makes 2000000 kHz of 1800000' });
  t.match(await want(9_000_000), { value: 'userspace 3000000' }, 'not above the limit');
}); // prettier-ignore
