/** Every tuner against this very machine: its KSM and huge page files, and a real KVM domain of libvirt. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { readBlockLimits } from '../../agent/kernel/cgroup-block.js';
import { readCpuBandwidth, readCpuShares, readCpuThrottling } from '../../agent/kernel/cgroup-cpu.js';
import {
  controllerVersion,
  domainGroup,
  readCgroupLayout,
  vcpuGroup,
  type CgroupVersion,
} from '../../agent/kernel/cgroup.js';
import { allowedCpus, vcpuThreads } from '../../agent/kernel/procfs.js';
import { HostRoot } from '../../agent/kernel/root.js';
import type { PlanEntry } from '../../agent/reconcile/plan.js';
import { diskUnder } from '../../agent/tuners/common/block/host-disk.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { parseCpuSet } from '../../proto/wire/cpu-set.js';
import { BootDomain, domainObstacle, ensureLibvirtd } from '../support/boot-domain.js';
import { until } from '../support/poll.js';
import { openRealHost } from '../support/real-reconciler.js';

const kernel = new HostRoot('/');
const layout = readCgroupLayout(kernel);
const online = parseCpuSet(kernel.read('/sys/devices/system/cpu/online') ?? '0');
const last = online.at(-1) as number;

function stateDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'drover-host-tuners-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const outcomes = (entries: readonly PlanEntry[]): string[] =>
  [...new Set(entries.map(({ outcome }) => outcome))].toSorted();
const unwanted = (entries: readonly PlanEntry[]): string[] =>
  entries
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ knob, reason }) => `${knob.setting}: ${reason}`);

const hostFileNames = [
  'ksm/run',
  'ksm/pages_to_scan',
  'ksm/sleep_millisecs',
  'ksm/use_zero_pages',
  'transparent_hugepage/enabled',
  'transparent_hugepage/defrag',
  'transparent_hugepage/khugepaged/defrag',
];

async function hostFiles(t: Test): Promise<void> {
  const read = (): (string | undefined)[] =>
    hostFileNames.map((file) => kernel.read(`/sys/kernel/mm/${file}`));
  const before = read();
  t.teardown(() =>
    hostFileNames.forEach((file, index) =>
      writeFileSync(
        `/sys/kernel/mm/${file}`,
        /\[(.*)\]/.exec(before[index] as string)?.[1] ?? (before[index] as string),
      ),
    ),
  );
  const host = await openRealHost(stateDirectory(t));
  t.teardown(() => host.close());
  const other = { always: 'madvise', madvise: 'always', never: 'always' }[
    /\[(.*)\]/.exec(before[4] as string)?.[1] as 'always'
  ] as 'always';
  const scan = Number(before[1]) + 17;
  const settings: TunerSettings = {
    ksm: {
      run: before[0] === '1' ? 'off' : 'on',
      pages_to_scan: scan,
      sleep_millisecs: Number(before[2]) + 5,
      use_zero_pages: before[3] === '0',
    },
    'transparent-hugepages': { enabled: other, khugepaged_defrag: before[6] === '0' },
  };
  const planned = await host.reconciler.plan(settings);
  t.strictSame([outcomes(planned), read()], [['change'], before], 'plan leaves the machine alone');
  t.strictSame(outcomes(await host.reconciler.apply(settings)), ['changed']);
  t.equal(kernel.read('/sys/kernel/mm/ksm/pages_to_scan'), String(scan), 'the kernel has the new pace');
  t.match(kernel.read('/sys/kernel/mm/transparent_hugepage/enabled'), `[${other}]`, 'and the new choice');
  t.not(kernel.read('/sys/kernel/mm/ksm/run'), before[0]);
  const writes = host.kernel.writes;
  await host.reconciler.apply(settings);
  t.equal(host.kernel.writes, writes, 'a second apply writes nothing');
  const refused = {
    ...settings,
    'transparent-hugepages': { enabled: 'never' as const },
    'vcpu-pinning': { shared: `${last + 1}` },
  };
  await t.rejects(
    host.reconciler.apply(refused),
    { code: 'invalid-argument', message: new RegExp(`the last is ${last}`) },
    'a CPU beyond the host',
  );
  t.equal(host.kernel.writes, writes, 'and nothing of that profile is written');
  await host.reconciler.revert();
  t.strictSame([read(), host.ledger.size], [before, 0], 'revert restores every file');
}

const domainSettings: TunerSettings = {
  'vcpu-pinning': { shared: String(last) },
  'cpu-qos': { vcpu_period_us: 50_000, vcpu_quota_us: 10_000, cpu_shares: 512 },
  'block-qos': { read_bytes_sec: 4_194_304, write_bytes_sec: 2_097_152, write_iops_sec: 300 },
};

/** Everything that the settings above touch, as the kernel shows it. */
async function lookAt(domain: BootDomain) {
  const { pid } = domain;
  const cpu = controllerVersion(layout, 'cpu') as CgroupVersion;
  const group = domainGroup(kernel, layout, pid, 'cpu') as string;
  const disk = await diskUnder(kernel, {
    target: 'vda',
    type: 'file',
    source: '/var/lib/libvirt/images',
    cache: undefined,
  });
  const number = 'device' in disk ? disk.number : disk.reason;
  const vcpus = [...vcpuThreads(kernel, pid)].toSorted(([a], [b]) => a - b);
  return {
    emulator: allowedCpus(kernel, pid, pid),
    vcpus: vcpus.map(([, tid]) => allowedCpus(kernel, pid, tid)),
    bandwidth: vcpus.map(([vcpu]) =>
      readCpuBandwidth(kernel, vcpuGroup(kernel, layout, pid, vcpu) as string, cpu),
    ),
    shares: readCpuShares(kernel, group, cpu),
    limits: readBlockLimits(
      kernel,
      domainGroup(kernel, layout, pid, 'blkio') as string,
      controllerVersion(layout, 'blkio') as CgroupVersion,
      number,
    ),
  };
}

const tuned = {
  emulator: [last],
  vcpus: [[last], [last]],
  bandwidth: [1, 2].map(() => ({ periodUs: 50_000, quotaUs: 10_000 })),
  shares: 512,
  limits: { readBytesSec: 4_194_304, writeBytesSec: 2_097_152, readIopsSec: 0, writeIopsSec: 300 },
};

function vcpu0(domain: BootDomain): string {
  return vcpuGroup(kernel, layout, domain.pid, 0) as string;
}

async function runningDomain(t: Test): Promise<void> {
  await ensureLibvirtd();
  const domain = new BootDomain('tuned');
  t.teardown(() => domain.remove());
  const host = await openRealHost(stateDirectory(t), domain.name);
  t.teardown(() => host.close());
  const before = await lookAt(domain);
  t.strictSame(outcomes(await host.reconciler.plan(domainSettings)), ['change']);
  t.strictSame(await lookAt(domain), before, 'plan leaves the domain alone');

  t.strictSame(unwanted(await host.reconciler.apply(domainSettings)), []);
  t.strictSame(await lookAt(domain), tuned, '/proc and the control groups show every setting');
  const version = controllerVersion(layout, 'cpu') as CgroupVersion;
  const throttled = (): number => readCpuThrottling(kernel, vcpu0(domain), version)?.throttledCount ?? 0;
  const first = throttled();
  t.ok(
    await until(() => throttled() > first + 5, 10_000, 'the busy vCPU was not throttled'),
    'nr_throttled grows',
  );

  if (version === 1) writeFileSync(join(vcpu0(domain), 'cpu.cfs_quota_us'), '25000');
  else writeFileSync(join(vcpu0(domain), 'cpu.max'), '25000 50000');
  const drift = (await host.reconciler.verify(domainSettings)).filter(({ outcome }) => outcome === 'change');
  t.match(
    drift,
    [
      {
        knob: { setting: 'vcpu_quota_us', domain: { name: domain.name } },
        now: 'mixed 25000,10000',
        wanted: '10000',
        original: '-1',
      },
    ],
    'drift is seen',
  );
  t.equal(drift.length, 1);
  t.equal(host.reconciler.status().state, 'drifted');
  await host.reconciler.apply(domainSettings);
  t.strictSame(await lookAt(domain), tuned, 'and healed');
  t.equal(host.reconciler.status().state, 'in-sync');

  domain.restart();
  const uuid = (await host.hypervisor?.domains())?.find(({ name }) => name === domain.name)?.uuid as string;
  t.strictSame(unwanted(await host.reconciler.applyDomain(domainSettings, uuid)), []);
  t.strictSame(await lookAt(domain), tuned, 'a fresh start of the domain is tuned by the fast path');
  t.strictSame(unwanted(await host.reconciler.revert()), []);
  t.strictSame([await lookAt(domain), host.ledger.size], [before, 0], 'revert restores everything');
  t.strictSame(await host.reconciler.revert(), [], 'twice in a row');
  t.strictSame(
    outcomes(await host.reconciler.apply(domainSettings)),
    ['changed'],
    'and what was reverted can be applied again',
  );
}

async function killedApply(t: Test): Promise<void> {
  await ensureLibvirtd();
  const domain = new BootDomain('killed');
  t.teardown(() => domain.remove());
  const before = await lookAt(domain);
  const state = stateDirectory(t);
  const program = fileURLToPath(new URL('../support/applying-child.js', import.meta.url));
  const child = spawn(process.execPath, [program, state, domain.name, JSON.stringify(domainSettings), '5'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  t.equal(said.toString(), 'standing\n', 'the child stands before its sixth write');
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.notSame(await lookAt(domain), before, 'the domain is half tuned');
  const host = await openRealHost(state, domain.name);
  t.teardown(() => host.close());
  t.strictSame(unwanted(await host.reconciler.revert()), []);
  t.strictSame([await lookAt(domain), host.ledger.size], [before, 0], 'everything is back');
}

const filesObstacle =
  process.getuid?.() !== 0
    ? 'needs root'
    : kernel.exists('/sys/kernel/mm/ksm')
      ? false
      : 'needs a kernel with KSM';
const noDomains = domainObstacle() ?? false;

void t.test('the files of KSM and huge pages', { skip: filesObstacle }, hostFiles);
void t.test('a running domain', { skip: noDomains }, runningDomain);
void t.test('kill -9 while applying, then revert', { skip: noDomains }, killedApply);
