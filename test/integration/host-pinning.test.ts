/** vcpu-pinning and numa-memory on real KVM domains with several vCPUs and I/O threads: the kernel's own masks are the judge. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { gatherFacts } from '../../agent/facts/index.js';
import { readCellGroups } from '../../agent/kernel/cgroup-cells.js';
import { readCgroupLayout } from '../../agent/kernel/cgroup.js';
import { allowedCpus, bootId, threadsOf } from '../../agent/kernel/procfs.js';
import { HostRoot } from '../../agent/kernel/root.js';
import type { DomainView, Hypervisor } from '../../agent/libvirt/hypervisor.js';
import { openHypervisor } from '../../agent/libvirt/open-hypervisor.js';
import { Ledger } from '../../agent/reconcile/ledger.js';
import type { PlanEntry } from '../../agent/reconcile/plan.js';
import { Reconciler } from '../../agent/reconcile/reconciler.js';
import { numaMemory } from '../../agent/tuners/numa-memory.js';
import type { HostView } from '../../agent/tuners/tuner.js';
import { vcpuPinning } from '../../agent/tuners/vcpu-pinning.js';
import { formatCpuSet, parseCpuSet } from '../../proto/wire/cpu-set.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { BootDomain, domainObstacle, ensureLibvirtd, systemUri } from '../support/boot-domain.js';

const kernel = new HostRoot('/');
const online = parseCpuSet(kernel.read('/sys/devices/system/cpu/online') ?? '0');
const [low = 0, high = 0] = [online[0], online.at(-1)];
const everywhere = formatCpuSet(online);
const skip = domainObstacle() ?? (online.length < 2 ? 'needs two CPUs' : false);

/** CPUs of every thread, as the kernel shows them, by the thread's name; workers of the kernel left out. */
function masks({ pid }: BootDomain): Record<string, string> {
  const threads = threadsOf(kernel, pid).filter(({ name }) => !/^(kvm|vhost)-/.test(name));
  return Object.fromEntries(
    threads.map(({ tid, name }) => [name, formatCpuSet(allowedCpus(kernel, pid, tid) ?? [])]),
  );
}

interface RealHost {
  readonly reconciler: Reconciler;
  readonly ledger: Ledger;
  readonly hypervisor: Hypervisor;
  readonly view: () => Promise<HostView>;
}

/** The reconciler of this machine with some domains in view, each with the extra specs given. */
async function realHost(t: Test, specs: Record<string, Record<string, string>>): Promise<RealHost> {
  const state = mkdtempSync(join(tmpdir(), 'drover-host-pinning-'));
  const hypervisor = await openHypervisor({ uri: systemUri, pidDirectory: '/run/libvirt/qemu' });
  const ledger = await Ledger.open(state, { bootId: bootId(kernel) ?? '', now: Date.now });
  t.teardown(async () => {
    await hypervisor.close();
    await ledger.close();
    rmSync(state, { recursive: true, force: true });
  });
  const dressed = (domain: DomainView): DomainView => ({ ...domain, specs: specs[domain.name] ?? {} });
  const view = async (): Promise<HostView> => ({
    facts: gatherFacts(kernel, {
      versions: await hypervisor.versions(),
      services: {},
      inventory: {},
      diskTotalBytes: 0,
    }),
    domains: (await hypervisor.domains()).filter(({ name, id }) => name in specs && id >= 0).map(dressed),
  });
  const log = { info: () => undefined, warn: () => undefined };
  const tuners = [vcpuPinning, numaMemory];
  const ports = { kernel, hypervisor };
  const reconciler = new Reconciler({
    tuners,
    ports,
    ledger,
    hostView: view,
    planOnly: false,
    now: Date.now,
    log,
  });
  return { reconciler, ledger, hypervisor, view };
}

const open = (entries: readonly PlanEntry[]): string[] =>
  entries
    .filter(({ outcome }) => outcome !== 'in-sync')
    .map(({ knob, outcome, wanted, reason }) =>
      `${knob.domain?.name.split('-').at(-1)} ${knob.setting} ${outcome} ${wanted} ${reason}`.trim(),
    );

const ioThreads = '<iothreads>2</iothreads>';
const dedicated = { 'hw:cpu_policy': 'dedicated' };

function domain(t: Test, label: string, vcpus: number): BootDomain {
  const made = new BootDomain(`pinning-${label}`, { vcpus, tune: ioThreads });
  t.teardown(() => made.remove());
  return made;
}

async function sharedThenDedicated(t: Test): Promise<void> {
  await ensureLibvirtd();
  const [a, b, s] = [domain(t, 'a', 1), domain(t, 'b', 1), domain(t, 's', 2)];
  const host = await realHost(t, { [a.name]: dedicated, [b.name]: dedicated, [s.name]: {} });
  const before = [a, b, s].map(masks);
  t.match(
    before[2],
    { 'CPU 1/KVM': everywhere, 'IO iothread2': everywhere },
    'at first everything may run everywhere',
  );

  const narrow: TunerSettings = { 'vcpu-pinning': { shared: `${low}`, dedicated: `${high}` } };
  t.match(
    open(await host.reconciler.plan(narrow)).join('\n'),
    /held .*needs 1 dedicated CPUs in one cell, 0 are free/,
  );
  t.same([a, b, s].map(masks), before, 'a plan leaves all of them alone');
  const first = open(await host.reconciler.apply(narrow));
  t.notMatch(first.join('\n'), /failed/);
  const [winner, loser] = masks(a)['CPU 0/KVM'] === `${high}` ? [a, b] : [b, a];
  t.same(
    new Set(Object.values(masks(winner))),
    new Set([`${high}`]),
    'one has the dedicated CPU, with all its threads',
  );
  t.same(masks(loser), before[loser === a ? 0 : 1], 'the other is held and untouched');
  t.same(
    new Set(Object.values(masks(s))),
    new Set([`${low}`]),
    'the shared one has all its threads on the shared CPU',
  );
  t.same(
    open(await host.reconciler.apply(narrow)).filter((line) => !line.includes('held')),
    [],
    'a second pass writes nothing',
  );
  const emulator = (await host.reconciler.verify(narrow)).find(
    ({ knob }) => knob.setting === 'emulator affinity' && knob.domain?.name === s.name,
  );
  t.match(emulator?.evidence, /^(\d+) of \1 emulator threads on/);

  const turned: TunerSettings = { 'vcpu-pinning': { shared: `${high}`, dedicated: `${low}` } };
  for (let pass = 0; pass < 3; pass++) await host.reconciler.apply(turned);
  t.same(new Set(Object.values(masks(winner))), new Set([`${low}`]), 'new sets move who has a CPU');
  t.same(new Set(Object.values(masks(s))), new Set([`${high}`]));

  await host.hypervisor.pinVcpu(await keyOf(host, s), 1, [low]);
  const drift = open(await host.reconciler.verify(turned)).filter((line) => line.includes('vcpu 1'));
  t.match(drift, [/vcpu 1 affinity change/], 'a foreign hand is seen');
  await host.reconciler.apply(turned);
  t.equal(masks(s)['CPU 1/KVM'], `${high}`, 'and healed');

  t.same(
    open(await host.reconciler.revert()).filter((line) => line.includes('failed')),
    [],
  );
  t.same([[a, b, s].map(masks), host.ledger.size], [before, 0], 'undo writes the exact masks of the start');
}

async function keyOf(host: RealHost, { name }: BootDomain): Promise<DomainView> {
  const found = (await host.view()).domains.find((each) => each.name === name);
  if (!found) throw new Error(`no domain ${name}`);
  return found;
}

async function everyCpuDedicated(t: Test): Promise<void> {
  await ensureLibvirtd();
  const [d, m] = [domain(t, 'd', 2), domain(t, 'm', 2)];
  const specs = {
    [d.name]: { ...dedicated, 'hw:emulator_threads_policy': 'share' } as Record<string, string>,
    [m.name]: {},
  };
  const host = await realHost(t, specs);
  const all: TunerSettings = { 'vcpu-pinning': { dedicated: `${low},${high}` } };
  t.match(
    open(await host.reconciler.apply(all)).filter((line) => line.includes('held')),
    [/the profile has dedicated CPUs and no shared ones/],
  );
  t.match(masks(d), {
    'CPU 0/KVM': `${low}`,
    'CPU 1/KVM': `${high}`,
    'IO iothread1': formatCpuSet([low, high]),
  });
  specs[d.name] = { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '1' };
  const mixed: TunerSettings = { 'vcpu-pinning': { shared: `${low}`, dedicated: `${high}` } };
  t.same(
    open(await host.reconciler.apply(mixed)).filter((line) => !/changed/.test(line)),
    [],
  );
  t.match(masks(d), { 'CPU 0/KVM': `${low}`, 'CPU 1/KVM': `${high}` }, 'mixed: one shared, one of its own');
  d.restart();
  const { uuid } = await keyOf(host, d);
  t.match(masks(d), { 'CPU 1/KVM': everywhere });
  await host.reconciler.applyDomain(mixed, uuid);
  t.match(
    masks(d),
    { 'CPU 0/KVM': `${low}`, 'CPU 1/KVM': `${high}` },
    'a fresh start has its CPU by the quick way',
  );
  d.remove();
  t.same(
    open(await host.reconciler.revert()).filter((line) => line.includes('failed')),
    [],
    'a domain that ended needs no undo',
  );
  t.equal(host.ledger.size, 0);
}

async function memory(t: Test): Promise<void> {
  await ensureLibvirtd();
  const n = domain(t, 'n', 2);
  const host = await realHost(t, { [n.name]: {} });
  const settings: TunerSettings = { 'numa-memory': { follow: 'cpus' } };
  const [entry] = await host.reconciler.apply(settings);
  const cells = kernel.read('/sys/devices/system/node/has_memory') ?? '';
  t.match(entry, {
    outcome: 'in-sync',
    now: /^(inherited|[\d,-]+)$/,
    evidence: /^(\d+) of \1 (pages|KiB) on cells? /,
  });
  if (cells !== '0') return t.comment('more than one cell: moves are tested elsewhere');
  const view = await keyOf(host, n);
  const [reading] = await numaMemory.observe({ kernel, hypervisor: host.hypervisor }, await host.view());
  if (!reading) throw new Error('no reading');
  const groups = (): string[] =>
    readCellGroups(kernel, readCgroupLayout(kernel), view.pid as number).map(
      ({ name, cells: own }) => `${name}=${formatCpuSet(own)}`,
    );
  t.ok(
    groups().length >= 5,
    `one group for the emulator, each vCPU and each I/O thread: ${groups().join(' ')}`,
  );
  // The second call is refused by libvirt 8.0 and later unless the first one chose mode restrictive.
  for (const time of ['once', 'twice'])
    await t.resolves(
      numaMemory.write({ kernel, hypervisor: host.hypervisor }, reading.knob, '0'),
      `libvirt takes cells ${time}`,
    );
  await numaMemory.write(
    { kernel, hypervisor: host.hypervisor },
    reading.knob,
    `mixed ${groups().join(' ')}`,
  );
  t.ok(groups().every((text) => text.endsWith('=0')));
}

void t.test('shared and dedicated domains', { skip }, sharedThenDedicated);
void t.test('every CPU dedicated, and a mixed domain', { skip }, everyCpuDedicated);
void t.test('memory of a domain', { skip }, memory);
