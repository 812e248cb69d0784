/** CPU tuners against this very machine: quota, shares and ECUs of busy KVM domains, its interrupts, a group of domains. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { gatherFacts } from '../../agent/facts/index.js';
import { readCgroupLayout, vcpuGroup } from '../../agent/kernel/cgroup.js';
import { irqCount, readIrqs, type Irq } from '../../agent/kernel/irq.js';
import { processesBelow } from '../../agent/kernel/machine-group.js';
import { allowedCpus, bootId, readMeminfo, threadsOf, vcpuThreads } from '../../agent/kernel/procfs.js';
import { HostRoot } from '../../agent/kernel/root.js';
import { throttlingOf } from '../../agent/kernel/vcpu-bandwidth.js';
import { Ledger } from '../../agent/reconcile/ledger.js';
import type { PlanEntry } from '../../agent/reconcile/plan.js';
import { Reconciler } from '../../agent/reconcile/reconciler.js';
import { IrqMemory } from '../../agent/tuners/common/cpu/irq-memory.js';
import { cpuGovernor } from '../../agent/tuners/cpu-governor.js';
import { makeIrqAffinity } from '../../agent/tuners/irq-affinity.js';
import { machineSlice } from '../../agent/tuners/machine-slice.js';
import type { Tuner } from '../../agent/tuners/tuner.js';
import { formatCpuSet, parseCpuSet } from '../../proto/wire/cpu-set.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { BootDomain, domainObstacle, ensureLibvirtd, virsh } from '../support/boot-domain.js';
import { until } from '../support/poll.js';
import { openRealHost, type RealHost } from '../support/real-reconciler.js';

const kernel = new HostRoot('/');
const layout = readCgroupLayout(kernel);
const online = parseCpuSet(kernel.read('/sys/devices/system/cpu/online') ?? '0');
const last = online.at(-1) as number;
const noDomain = domainObstacle();

const machineSkip =
  noDomain ??
  (layout.controllers['cpuset'] === undefined ? 'needs cgroup v1' : online.length < 2 && 'needs two CPUs');

function directory(t: Test, label: string): string {
  const made = mkdtempSync(join(tmpdir(), `drover-host-cpu-${label}-`));
  t.teardown(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A reconciler of some tuners over a root, without a hypervisor and without domains in view. */
async function reconcilerOf(
  t: Test,
  tuners: readonly Tuner[],
  root = kernel,
): Promise<{ reconciler: Reconciler; ledger: Ledger }> {
  const ledger = await Ledger.open(directory(t, 'ledger'), { bootId: bootId(kernel) ?? '', now: Date.now });
  t.teardown(() => ledger.close());
  const facts = gatherFacts(kernel, { versions: {}, services: {}, inventory: {}, diskTotalBytes: 0 });
  const log = { info: () => undefined, warn: () => undefined };
  const hostView = async () => ({ facts, domains: [] });
  const ports = { kernel: root, hypervisor: undefined };
  return {
    reconciler: new Reconciler({ tuners, ports, ledger, hostView, planOnly: false, now: Date.now, log }),
    ledger,
  };
}

const unwanted = (entries: readonly PlanEntry[]): string[] =>
  entries
    .filter(({ outcome }) => !['changed', 'in-sync'].includes(outcome))
    .map(({ knob, outcome, reason }) => `${knob.setting}: ${outcome} ${reason}`);

const mountOf = (controller: string): string => layout.controllers[controller] as string;

/**
 * A partition of libvirt's for this test alone (libvirt's docs/cgroups: an operator makes it beforehand), below `parent`.
 * Answers its name in XML and its path below each controller.
 */
function partition(t: Test, parent: string): { name: string; path: string } {
  const label = `drover${process.pid}${t.name.replaceAll(/[^a-z]/g, '')}`;
  const path = join(parent, `${label}.partition`);
  const mounts = [...new Set([...Object.values(layout.controllers), layout.unified])];
  const made = mounts.filter((mount) => existsSync(join(mount, 'machine'))).map((mount) => join(mount, path));
  for (const each of made) mkdirSync(each);
  t.teardown(async () => {
    for (const each of made) await until(() => (rmdirSync(each), true), 10_000, `${each} is still in use`);
  });
  const folder = join(mountOf('cpuset'), path);
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    writeFileSync(join(folder, file), kernel.read(join(dirname(folder), file)) ?? '');
  return { name: join(parent, label), path };
}

/** XML that puts domains into a group with the weight of 16 others, so that a busy machine leaves them what they may have. */
function favoured(t: Test): string {
  const { name, path } = partition(t, '/');
  writeFileSync(join(mountOf('cpu'), path, 'cpu.shares'), '16384');
  return `<resource><partition>${name}</partition></resource>`;
}

/** A root in which a partition is the group above all domains. */
function rootOver(t: Test, path: string): HostRoot {
  const root = directory(t, 'root');
  symlinkSync('/proc', join(root, 'proc'));
  for (const controller of ['cpuset', 'memory']) {
    mkdirSync(join(root, mountOf(controller)), { recursive: true });
    symlinkSync(join(mountOf(controller), path), join(root, mountOf(controller), 'machine'));
  }
  const effective = join(mountOf('cpuset'), 'cpuset.effective_cpus');
  symlinkSync(effective, join(root, effective));
  return new HostRoot(root);
}

interface Busy {
  readonly domain: BootDomain;
  readonly host: RealHost;
}

async function busyDomain(t: Test, label: string, tune = '', vcpus = 1): Promise<Busy> {
  const domain = new BootDomain(label, { vcpus, tune });
  t.teardown(() => domain.remove());
  const host = await openRealHost(directory(t, 'state'), domain.name);
  t.teardown(() => host.close());
  return { domain, host };
}

/** What did not come out, after a while: beside other tests libvirt may answer later than an agent waits. */
async function applied({ host }: Busy, settings: TunerSettings): Promise<string[]> {
  let left = ['no pass came to its end'];
  const all = async (): Promise<boolean> => {
    const entries = await host.reconciler.apply(settings);
    left = entries.length === 0 ? ['the domain is not in view yet'] : unwanted(entries);
    return left.length === 0;
  };
  await until(all, 60_000, 'not everything came out').catch(() => undefined);
  return left;
}

async function reverted({ host }: Busy): Promise<string[]> {
  let left = ['no pass came to its end'];
  const all = async (): Promise<boolean> => {
    left = unwanted(await host.reconciler.revert());
    return host.ledger.size === 0;
  };
  await until(all, 60_000, 'not everything was put back').catch(() => undefined);
  return host.ledger.size === 0 ? [] : left;
}

const specs = (named: Record<string, string>): string =>
  `<metadata><d:allocation xmlns:d='https://drover.dev/xmlns/1' id='test'>${Object.entries(named)
    .map(([name, value]) => `<d:extra_spec name='${name}'>${value}</d:extra_spec>`)
    .join('')}</d:allocation></metadata>`;

/** Nanoseconds that vCPU 0 has run. */
function ranNs({ domain }: Busy): number {
  const tid = vcpuThreads(kernel, domain.pid).get(0) ?? 0;
  return Number(kernel.read(`/proc/${domain.pid}/task/${tid}/schedstat`)?.split(' ')[0]);
}

/** CPU time of vCPU 0 over a window, as a share of the window; the best of some windows, since others use these CPUs too. */
async function shareNear(busy: Busy, share: number): Promise<number> {
  let seen = Number.NaN;
  await until(
    async () => {
      const [ran, began] = [ranNs(busy), performance.now()];
      await until(() => performance.now() - began >= 1_500, 10_000, 'the window did not end');
      seen = (ranNs(busy) - ran) / ((performance.now() - began) * 1e6);
      return Math.abs(seen - share) <= share * 0.1;
    },
    30_000,
    `vCPU 0 did not come within 10 % of ${share}`,
  ).catch(() => undefined);
  return seen;
}

void t.test('a quota and ECUs hold a busy vCPU', { skip: machineSkip }, async (t) => {
  await ensureLibvirtd();
  const cases: [string, Record<string, string>, TunerSettings, number, number][] = [
    ['profile', {}, { 'cpu-qos': { vcpu_period_us: 100_000, vcpu_quota_us: 30_000 } }, 0.3, 1024],
    [
      'spec',
      { 'quota:cpu_quota': '30000', 'quota:cpu_shares': '512' },
      { 'cpu-qos': { vcpu_period_us: 50_000, vcpu_quota_us: 45_000 } },
      0.3,
      512,
    ],
    ['ecu', { 'drover:ecu': '20' }, { 'cpu-qos': { ecu_per_pcpu: 10 } }, 0.25, 2048],
  ];
  new BootDomain('first-of-all', { vcpus: 1 }).remove();
  const inPartition = favoured(t);
  for (const [label, named, settings, share, cpuShares] of cases) {
    const busy = await busyDomain(t, label, specs(named) + inPartition, label === 'ecu' ? 8 : 1);
    const group = vcpuGroup(kernel, layout, busy.domain.pid, 0) as string;
    const sharesFile = `${dirname(group)}/cpu.shares`;
    if (!t.strictSame(await applied(busy, settings), [], label)) return;
    t.equal(
      kernel.read(`${group}/cpu.cfs_quota_us`),
      String(share * 100_000),
      `${label}: the quota in the kernel`,
    );
    t.equal(kernel.read(sharesFile), String(cpuShares), `${label}: and the shares`);
    const measured = await shareNear(busy, share);
    t.ok(
      Math.abs(measured - share) <= share * 0.1,
      `${label}: ${(measured * 100).toFixed(1)} % of a CPU for ${share * 100} %`,
    );
    const { throttledCount, periods } = throttlingOf(kernel, [group], 1);
    t.ok(throttledCount > 0 && throttledCount <= periods);
    const shown = (await busy.host.reconciler.verify(settings)).find(
      ({ knob }) => knob.setting === 'vcpu_quota_us',
    );
    t.match(
      shown?.evidence,
      /^throttled in \d+ of \d+ periods since the domain started$/,
      shown?.evidence ?? '',
    );
    t.strictSame(await reverted(busy), []);
    t.strictSame(
      [kernel.read(`${group}/cpu.cfs_quota_us`), kernel.read(sharesFile)],
      ['-1', '1024'],
      `${label}: put back`,
    );
  }
});

void t.test('shares divide one CPU', { skip: machineSkip }, async (t) => {
  await ensureLibvirtd();
  const pin = `${favoured(t)}<cputune><vcpupin vcpu='0' cpuset='${last}'/></cputune>`;
  const [much, little] = [await busyDomain(t, 'much', pin), await busyDomain(t, 'little', pin)];
  t.strictSame(await applied(much, { 'cpu-qos': { cpu_shares: 1_024 } }), []);
  t.strictSame(await applied(little, { 'cpu-qos': { cpu_shares: 256 } }), []);
  let part = Number.NaN;
  await until(
    async () => {
      const [a, b, began] = [ranNs(much), ranNs(little), performance.now()];
      await until(() => performance.now() - began >= 3_000, 10_000, 'the window did not end');
      const [ranA, ranB] = [ranNs(much) - a, ranNs(little) - b];
      part = ranA / (ranA + ranB);
      return Math.abs(part - 0.8) < 0.05;
    },
    40_000,
    'not 80:20',
  ).catch(() => undefined);
  t.ok(Math.abs(part - 0.8) < 0.05, `1024 shares have ${(part * 100).toFixed(1)} %, 256 the rest`);
});

void t.test('frequency scaling: this machine says whether it has it', async (t) => {
  const { reconciler } = await reconcilerOf(t, [cpuGovernor]);
  const entries = await reconciler.plan({ 'cpu-governor': { governor: 'performance' } });
  const policies = readdirSync('/sys/devices/system/cpu').includes('cpufreq')
    ? readdirSync('/sys/devices/system/cpu/cpufreq').filter((each) => each.startsWith('policy'))
    : [];
  t.equal(entries.length, Math.max(1, policies.length));
  if (policies.length === 0) t.match(entries, [{ outcome: 'unsupported', reason: /no frequency scaling/ }]);
});

const irqFiles = (): Record<string, string | undefined> =>
  Object.fromEntries(
    ['default_smp_affinity', ...readIrqs(kernel).map(({ number }) => `${number}/smp_affinity_list`)].map(
      (file) => [file, kernel.read(`/proc/irq/${file}`)],
    ),
  );

void t.test('interrupts leave a CPU', { skip: online.length < 2 && 'needs two CPUs' }, async (t) => {
  const before = irqFiles();
  t.teardown(() => {
    for (const [file, text] of Object.entries(before))
      if (kernel.read(`/proc/irq/${file}`) !== text) writeFileSync(`/proc/irq/${file}`, text ?? '');
  });
  const { reconciler, ledger } = await reconcilerOf(t, [makeIrqAffinity()]);
  const settings: TunerSettings = { 'irq-affinity': { keep_off: String(last) } };
  const plan = await reconciler.plan(settings);
  t.strictSame(irqFiles(), before, 'plan leaves them alone');
  const isOff = ({ affinity }: Irq): boolean => !affinity.includes(last);
  const counts = new Map(readIrqs(kernel).map(({ number }) => [number, irqCount(kernel, number) ?? 0]));
  const done = await reconciler.apply(settings);
  t.strictSame(
    done.filter(({ outcome }) => outcome === 'failed').map(({ knob, reason }) => `${knob.setting} ${reason}`),
    [],
  );
  const irqs = readIrqs(kernel);
  const [fixed, free] = [irqs.filter(({ isFixed }) => isFixed), irqs.filter(({ isFixed }) => !isFixed)];
  t.ok(free.length > 0 && free.every(isOff), `${free.length} interrupts are off CPU ${last} by their lists`);
  t.notMatch(
    kernel.read('/proc/irq/default_smp_affinity'),
    before['default_smp_affinity'] ?? '',
    'later ones too',
  );
  t.ok(plan.some(({ outcome }) => outcome === 'change'));
  for (const { number, label } of fixed)
    t.match(
      done.find(({ knob }) => knob.setting === `irq ${number} ${label}`),
      { outcome: /^(unsupported|in-sync)$/ },
      `${label} cannot be moved`,
    );
  const fired = (): Irq[] =>
    readIrqs(kernel).filter(
      (irq) => !irq.isFixed && (irqCount(kernel, irq.number) ?? 0) >= (counts.get(irq.number) ?? 0) + 3,
    );
  await until(() => fired().length > 0, 15_000, 'none fired').catch(() =>
    t.comment('no interrupt that can move has fired'),
  );
  const moved = fired();
  t.ok(
    moved.every(({ effective }) => !effective.includes(last)),
    `those that fired since go elsewhere: ${moved.map(({ label }) => label).join(', ')}`,
  );
  const verified = await reconciler.verify(settings);
  t.strictSame(
    verified.filter(({ outcome }) => outcome === 'failed' || outcome === 'change'),
    [],
  );
  t.match(
    verified.find(({ evidence }) => evidence?.includes(' goes to CPU '))?.evidence,
    /^\S.* goes to CPU \d/,
  );
  await reconciler.revert();
  t.strictSame([irqFiles(), ledger.size], [before, 0], 'every list is as it was');

  const memory = new IrqMemory();
  const tuner = makeIrqAffinity(memory);
  const [stuck] = fixed;
  if (stuck === undefined) return t.comment('every interrupt of this machine can be moved');
  const knob = {
    tuner: 'irq-affinity',
    setting: `irq ${stuck.number} ${stuck.label}`,
    source: `/proc/irq/${stuck.number}/smp_affinity_list`,
  } as const;
  await t.rejects(tuner.write({ kernel, hypervisor: undefined }, knob, formatCpuSet(stuck.affinity)), {
    message: /: E(IO|PERM)$/,
  });
  t.equal(memory.size, 1, 'the refusal of the real kernel is remembered');
});

void t.test('what is reserved is kept from real domains', { skip: machineSkip }, async (t) => {
  await ensureLibvirtd();
  new BootDomain('first-of-all', { vcpus: 1 }).remove();
  const real = await reconcilerOf(t, [machineSlice]);
  t.match(
    await real.reconciler.plan({ 'machine-slice': { reserved_cpus: '0' } }),
    [{ knob: { source: /\/machine\/cpuset.cpus$/ }, evidence: /^\d+ threads of \d+ domains checked$/ }],
    'the group of this machine, only looked at',
  );

  const { name, path } = partition(t, '/machine');
  const [cpuset, memory] = [join(mountOf('cpuset'), path), join(mountOf('memory'), path)];
  const root = rootOver(t, path);
  const read = () => [kernel.read(`${cpuset}/cpuset.cpus`), kernel.read(`${memory}/memory.limit_in_bytes`)];
  const inPartition = `<resource><partition>${name}</partition></resource>`;
  const first = new BootDomain('inside', { vcpus: 2, tune: inPartition });
  t.teardown(() => first.remove());
  const before = read();
  const { reconciler, ledger } = await reconcilerOf(t, [machineSlice], root);
  const settings: TunerSettings = {
    'machine-slice': { reserved_cpus: online.slice(0, -1).join(','), reserved_host_memory_mb: 1_024 },
  };
  const [wide] = await reconciler.plan(settings);
  t.match(wide, {
    outcome: 'held',
    reason: new RegExp(`below first: qemu-\\d+-.*inside.* has CPUs ${formatCpuSet(online)}$`),
  });
  t.throws(
    () => writeFileSync(`${cpuset}/cpuset.cpus`, String(last)),
    { code: /EBUSY|EINVAL/ },
    'the kernel would refuse it',
  );

  const own = readdirSync(cpuset).find((each) => each.startsWith('qemu-')) as string;
  for (const group of [
    ...readdirSync(join(cpuset, own)).filter((each) => /^(vcpu\d+|emulator)$/.test(each)),
    '.',
  ])
    writeFileSync(join(cpuset, own, group, 'cpuset.cpus'), String(last));
  t.strictSame(unwanted(await reconciler.apply(settings)), []);
  const hugetlb = readMeminfo(kernel)?.get('Hugetlb') ?? 0;
  t.strictSame(read()[0], String(last));
  const total = readMeminfo(kernel)?.get('MemTotal') ?? 0;
  const limit = Number(read()[1]);
  t.ok(Math.abs(total - hugetlb - 2 ** 30 - limit) < 2 ** 26, `limit ${limit} is ${total} less 1 GiB`);
  const second = new BootDomain('later', { vcpus: 1, tune: inPartition });
  t.teardown(() => second.remove());
  for (const { pid } of [first, second])
    t.strictSame(
      new Set(threadsOf(kernel, pid).map(({ tid }) => String(allowedCpus(kernel, pid, tid)))),
      new Set([String(last)]),
      'no thread may use a reserved CPU',
    );
  const pids = processesBelow(kernel, cpuset);
  t.ok([first.pid, second.pid].every((pid) => pids.has(pid)));
  t.match(await reconciler.verify(settings), [
    { outcome: 'in-sync', evidence: /^\d+ threads of 2 domains checked$/ },
    { evidence: /^domains use .*; limit met 0 times$/ },
  ]);
  const most = Math.floor((total - hugetlb) / 2 ** 20) - 4;
  t.match(
    (await reconciler.plan({ 'machine-slice': { reserved_host_memory_mb: most } })).find(({ knob }) =>
      knob.setting.startsWith('memory'),
    ),
    { outcome: 'held', reason: /^domains hold .* bytes\), the limit would be/ },
  );
  virsh('destroy', second.name);
  await reconciler.revert();
  t.strictSame([read(), ledger.size], [before, 0], 'put back exactly');
});
