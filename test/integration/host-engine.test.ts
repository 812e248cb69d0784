/**
 * The engine on the real parts: this machine's kernel, a libvirtd of the test's own with real KVM domains, and the agent as
 * it is put together for a host. Drift, flavors, failures half-way, kill -9, and a guest that stands still.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { openLocalHost, type LocalHost } from '../../agent/compose.js';
import { parseConfig } from '../../agent/config.js';
import { HostAgent } from '../../agent/host/host-agent.js';
import { bootFile } from '../../agent/kernel/boot-file.js';
import { readBlockLimits } from '../../agent/kernel/cgroup-block.js';
import { readCpuBandwidth, readCpuShares } from '../../agent/kernel/cgroup-cpu.js';
import {
  controllerVersion,
  domainGroup,
  readCgroupLayout,
  vcpuGroup,
  type CgroupVersion,
} from '../../agent/kernel/cgroup.js';
import { poolPlaces } from '../../agent/kernel/hugepage-pools.js';
import { allowedCpus, vcpuThreads } from '../../agent/kernel/procfs.js';
import { HostRoot } from '../../agent/kernel/root.js';
import { diskUnder } from '../../agent/tuners/common/block/host-disk.js';
import type { DesiredState } from '../../proto/gen/drover/v1/DesiredState.js';
import { parseCpuSet } from '../../proto/wire/cpu-set.js';
import { desiredDigest, encodeTuners } from '../../proto/wire/profile.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { bootSector } from '../../scripts/hypervisor/sample-guest.js';
import { givenTime } from '../support/given-time.js';
import { makeLoop } from '../support/loaded-domain.js';
import { until } from '../support/poll.js';
import { PrivateLibvirtd, privateLibvirtdMissing } from '../support/private-libvirtd.js';

const kernel = new HostRoot('/');
const layout = readCgroupLayout(kernel);
const online = parseCpuSet(kernel.read('/sys/devices/system/cpu/online') ?? '0');
const [first, last] = [online[0] as number, online.at(-1) as number];
const missing = privateLibvirtdMissing() ?? (first === last ? 'needs two CPUs' : undefined);
if (missing !== undefined) {
  t.plan(0, missing);
  process.exit(0);
}

const anHourMs = 3_600_000;
/** How soon drift that is told of is healed. */
/** In the time that this machine had. */
const driftLimitMs = 2_000;
/** How long something that has a threshold of its own may take before the test gives up. */
const patienceMs = 20_000;

const libvirtd = await PrivateLibvirtd.launch();
t.teardown(() => libvirtd.close());
await until(() => libvirtd.virsh('version').then(Boolean), 60_000, 'libvirtd does not answer');
const disk = await diskUnder(kernel, {
  target: 'vda',
  type: 'file',
  source: libvirtd.directory,
  cache: undefined,
});
const diskNumber = 'number' in disk ? disk.number : disk.reason;

const nameOf = (label: string): string => `drover-engine-${process.pid}-${label}`;

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'drover-engine-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Puts files of the kernel back at the end of the test, whatever it did. */
function restoreAfter(t: Test, files: readonly string[]): void {
  const before = files.map((file) => [file, kernel.read(file)] as const);
  t.teardown(() => {
    for (const [file, text] of before)
      if (text !== undefined && kernel.read(file) !== text) writeFileSync(file, text);
  });
}

/** Defines and starts a domain; it ends with the test. Answers its UUID. */
async function startDomain(t: Test, name: string, extra = '', vcpus = 2): Promise<string> {
  const uuid = await libvirtd.define(name, extra, vcpus);
  const image = openSync(join(libvirtd.directory, `${name}.img`), 'r+');
  writeSync(image, bootSector('idle'), 0, 512, 0); // two busy guests would be the whole machine
  closeSync(image);
  t.teardown(async () => {
    for (const word of ['destroy', 'undefine']) await libvirtd.virsh(word, name).catch(() => '');
  });
  await libvirtd.virsh('start', name);
  return uuid;
}

interface Line {
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** The agent of this machine, with the test's libvirtd and a state directory of its own. */
interface Engine {
  readonly host: LocalHost;
  readonly agent: HostAgent;
  readonly log: Line[];
  stop(): Promise<void>;
}

async function openEngine(
  t: Test,
  state: string,
  { intervalMs = anHourMs, kernelRoot = '/' }: { intervalMs?: number; kernelRoot?: string } = {},
): Promise<Engine> {
  const lines: Line[] = [];
  const note = (fields: object, message: string): void => void lines.push({ fields: { ...fields }, message });
  const log = { debug: note, info: note, warn: note };
  const text = JSON.stringify({ ...configOf(state), kernel_root: kernelRoot });
  const host = await openLocalHost(parseConfig(text, 'test'), { agentVersion: 'test', isRoot: true }, log);
  const agent = new HostAgent({
    ...host,
    loadAverage: () => 0,
    memoryAvailableBytes: () => 0,
    diskBytes: async () => 0,
    reconcileIntervalMs: intervalMs,
    now: Date.now,
    log,
  });
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await agent.stop();
    await host.close();
  };
  t.teardown(stop);
  await agent.start();
  return { host, agent, log: lines, stop };
}

function configOf(state: string) {
  return {
    state_directory: state,
    libvirt_uri: libvirtd.uri,
    libvirt_pid_directory: libvirtd.pidDirectory,
  };
}

/** A desired state as the control plane sends it. */
function desired(tuners: TunerSettings, revision: number, onFailure = ''): DesiredState {
  const encoded = encodeTuners(tuners);
  return {
    ...{ profileName: 'engine', profileRevision: revision, tuners: encoded, trialSeconds: 0 },
    ...{ onFailure, guests: '' },
    digest: desiredDigest('engine', revision, encoded, { onFailure }),
  };
}

/** The state of a host without a profile. */
const nothing = (revision: number): DesiredState => ({
  ...desired({}, revision),
  profileName: '',
  digest: desiredDigest('', revision, {}),
});

/** Everything that these tests set on a domain, as the kernel shows it. */
function look(name: string) {
  const pid = libvirtd.qemuPid(name);
  const cpu = controllerVersion(layout, 'cpu') as CgroupVersion;
  const threads = [...vcpuThreads(kernel, pid)].toSorted(([a], [b]) => a - b);
  const bandwidth = readCpuBandwidth(kernel, vcpuGroup(kernel, layout, pid, 0) as string, cpu);
  const limits = readBlockLimits(
    kernel,
    domainGroup(kernel, layout, pid, 'blkio') as string,
    controllerVersion(layout, 'blkio') as CgroupVersion,
    diskNumber,
  );
  return {
    emulator: allowedCpus(kernel, pid, pid),
    vcpus: threads.map(([, tid]) => allowedCpus(kernel, pid, tid)),
    quotaUs: bandwidth?.quotaUs,
    periodUs: bandwidth?.periodUs,
    shares: readCpuShares(kernel, domainGroup(kernel, layout, pid, 'cpu') as string, cpu),
    writeBytesSec: limits?.writeBytesSec,
  };
}

/** What QEMU itself allows a domain's disk, bytes a second. */
async function throttleOf(name: string): Promise<number> {
  const text = await libvirtd.virsh('blkdeviotune', name, 'vda', '--live');
  return Number(/total_bytes_sec\s*:\s*(\d+)/.exec(text)?.[1]);
}

const lookAll = async (name: string) => ({ ...look(name), throttle: await throttleOf(name) });

/** The kernel's choice, which a profile of transparent hugepages must name. */
const thpNow = (): 'always' | 'madvise' | 'never' =>
  (/\[(\w+)\]/.exec(kernel.read('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1] ??
    'madvise') as 'madvise';

/** Whether two looks show the same. */
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What is not in order, for messages. */
function complaints({ host }: Engine): string[] {
  return host.reconciler
    .status()
    .entries.filter(({ outcome }) => outcome !== 'in-sync' && outcome !== 'changed')
    .map(({ knob, outcome, reason }) => `${knob.domain?.name ?? ''} ${knob.setting} ${outcome}: ${reason}`);
}

const drifts = ({ log }: Engine, setting: string): Line[] =>
  log.filter(({ message, fields }) => message === 'setting drifted' && fields['setting'] === setting);

async function sinceMs(
  given: () => number,
  done: () => boolean | Promise<boolean>,
  what: string,
): Promise<number> {
  await until(done, patienceMs, what);
  return given();
}

t.test('somebody sets a running domain by libvirt', async (t) => {
  const name = nameOf('drift');
  await startDomain(t, name);
  const engine = await openEngine(t, folderOf(t));
  const total = 8_388_608;
  const settings: TunerSettings = {
    'vcpu-pinning': { shared: String(last) },
    'cpu-qos': { vcpu_period_us: 50_000, vcpu_quota_us: 20_000 },
    'block-qos': { total_bytes_sec: total },
  };
  await engine.agent.take(desired(settings, 1));
  t.strictSame([complaints(engine), engine.host.reconciler.status().state], [[], 'in-sync']);
  const before = await lookAll(name);
  t.match(before, { vcpus: [[last], [last]], quotaUs: 20_000, throttle: total }, 'the settings are in force');
  const cases = [
    { words: ['vcpupin', name, '0', String(first), '--live'], setting: 'vcpu 0 affinity' },
    { words: ['emulatorpin', name, String(first), '--live'], setting: 'emulator affinity' },
    { words: ['schedinfo', name, '--live', '--set', 'vcpu_quota=5000'], setting: 'vcpu_quota_us' },
    {
      words: ['blkdeviotune', name, 'vda', '--live', '--total-bytes-sec', '1000000'],
      setting: 'throttle vda',
    },
  ];
  for (const { words, setting } of cases) {
    const seen = drifts(engine, setting).length;
    await libvirtd.virsh(...words);
    const given = givenTime();
    const healed = async () => drifts(engine, setting).length > seen && isSame(await lookAll(name), before);
    const ms = await sinceMs(given, healed, `virsh ${words[0]} was not healed`);
    t.ok(ms <= driftLimitMs, `virsh ${words[0]}: found and healed in ${ms} ms (limit ${driftLimitMs})`);
    t.match(drifts(engine, setting).at(-1)?.fields, { domain: name, reason: /somebody changed/ });
  }
  const looks = () => engine.log.filter(({ message }) => message === 'domain looked at').length;
  let [count, quietSince] = [looks(), performance.now()];
  await until(
    () => {
      if (looks() !== count) [count, quietSince] = [looks(), performance.now()];
      return performance.now() - quietSince > 1_000;
    },
    10_000,
    'what Drover heals makes it look again and again',
  );
  t.equal(engine.host.reconciler.status().state, 'in-sync');
  await engine.agent.take(nothing(2));
  t.equal(engine.host.ledger.size, 0, 'nothing is left in the ledger');
});

t.test('somebody writes to sysfs: healed, reported, adopted', async (t) => {
  const pace = '/sys/kernel/mm/ksm/pages_to_scan';
  const scan = '/sys/kernel/mm/transparent_hugepage/khugepaged/pages_to_scan';
  const pause = '/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs';
  const files = [pace, scan, pause];
  restoreAfter(t, files);
  const now = (): number[] => files.map((file) => Number(kernel.read(file)));
  const originals = now();
  const wanted = originals.map((value) => value + 8) as [number, number, number];
  const strangers = originals.map((value) => value + 16);
  const run = kernel.read('/sys/kernel/mm/ksm/run') === '1' ? 'on' : 'off';
  const settings: TunerSettings = {
    ksm: { run, pages_to_scan: wanted[0] },
    'transparent-hugepages': {
      enabled: thpNow(),
      khugepaged_pages_to_scan: wanted[1],
      khugepaged_scan_sleep_millisecs: wanted[2],
      drift: { 'khugepaged/pages_to_scan': 'report', 'khugepaged/scan_sleep_millisecs': 'adopt' },
    },
  };
  const state = folderOf(t);
  const engine = await openEngine(t, state, { intervalMs: 1_000 });
  await engine.agent.take(desired(settings, 1));
  t.strictSame([now(), complaints(engine)], [wanted, []], 'the settings are in force');
  files.forEach((file, index) => writeFileSync(file, String(strangers[index])));
  const given = givenTime();
  const outcomeOf = ({ host }: Engine, setting: string): string | undefined =>
    host.reconciler.status().entries.find(({ knob }) => knob.setting === setting)?.outcome;
  const ms = await sinceMs(
    given,
    () => Number(kernel.read(pace)) === wanted[0] && outcomeOf(engine, 'khugepaged/pages_to_scan') === 'held',
    'the regular pass did not find it',
  );
  t.ok(ms <= 1_000 + driftLimitMs, `found ${ms} ms after the writes with a pass every second (limit 3000)`);
  const stands = [wanted[0], strangers[1], strangers[2]];
  t.strictSame(now(), stands, 'one is healed, one reported and left, one adopted');
  const status = engine.host.reconciler.status();
  t.equal(status.state, 'drifted', 'the host says so');
  const entries = status.entries.filter(({ knob }) => knob.tuner !== 'ksm');
  t.match(entries.slice(1), [
    { outcome: 'held', drifted: true, reason: /reported only, as the profile says/ },
    { outcome: 'in-sync', wanted: String(wanted[2]), original: String(strangers[2]) },
  ]);
  t.match(
    [drifts(engine, 'pages_to_scan')[0], drifts(engine, 'khugepaged/pages_to_scan')[0]],
    [{ fields: { reason: /somebody changed/ } }, { fields: { reason: /reported only/ } }],
    'drift is in the log',
  );
  await engine.stop();
  const fresh = await openEngine(t, state);
  t.strictSame([now(), fresh.host.reconciler.status().state], [stands, 'drifted'], 'so after a new start');
  await fresh.agent.take(nothing(2));
  t.strictSame(
    [now(), fresh.host.ledger.size],
    [[originals[0], originals[1], strangers[2]], 0],
    'undo puts back what was healed or reported, and leaves what was adopted',
  );
});

t.test('somebody changes the boot file', async (t) => {
  const rows = [
    {
      label: 'the directory is there',
      make: (root: string) => mkdirSync(join(root, bootFile, '..'), { recursive: true }),
    },
    {
      label: 'the directory comes with the first write',
      make: (root: string) => {
        mkdirSync(join(root, 'usr/sbin'), { recursive: true });
        writeFileSync(join(root, 'usr/sbin/update-grub'), '');
      },
    },
  ];
  for (const { label, make } of rows) {
    const root = folderOf(t);
    for (const each of ['proc', 'sys']) symlinkSync(`/${each}`, join(root, each));
    make(root);
    const engine = await openEngine(t, folderOf(t), { kernelRoot: root });
    await engine.agent.take(desired({ 'kernel-command-line': { arguments: ['hugepages=4'] } }, 1));
    const file = join(root, bootFile);
    const ours = readFileSync(file, 'utf8');
    t.match(ours, /hugepages=4"/, `${label}: the file is written`);
    const changes: [string, () => void][] = [
      ['written', () => writeFileSync(file, 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n')],
      [
        'replaced',
        () => (writeFileSync(`${file}.theirs`, 'GRUB_TIMEOUT=1\n'), renameSync(`${file}.theirs`, file)),
      ],
      ['removed', () => rmSync(file)],
      // Without its directory, and without update-grub, the host would have no use for the file.
      ...(existsSync(join(root, 'usr'))
        ? ([
            ['removed with its directory', () => rmSync(join(file, '..'), { recursive: true })],
            ['written once more', () => writeFileSync(file, '# nothing\n')],
          ] satisfies [string, () => void][])
        : []),
    ];
    for (const [what, change] of changes) {
      const seen = drifts(engine, 'boot file').length;
      change();
      const given = givenTime();
      const healed = (): boolean =>
        drifts(engine, 'boot file').length > seen && kernel.content(file) === ours;
      const ms = await sinceMs(given, healed, `${label}: the file was ${what} and not healed`);
      t.ok(ms <= driftLimitMs, `${label}: ${what}, found and healed in ${ms} ms (limit ${driftLimitMs})`);
    }
    await engine.stop();
  }
});

/** Who says what of a flavor, the last word last. */
const levels = ['profile', 'class', 'nova', 'drover', 'allocation'] as const;
type Level = (typeof levels)[number];

const valuesOf = (level: Level) => {
  const rank = levels.indexOf(level) + 2;
  return { quotaUs: rank * 10_000, shares: 1_000 + rank * 10, writeBytesSec: rank * 1_000_000 };
};

function specsOf(level: Level): Record<string, string> {
  const { quotaUs, shares, writeBytesSec } = valuesOf(level);
  return {
    'quota:cpu_quota': String(quotaUs),
    'quota:cpu_shares': String(shares),
    'quota:disk_write_bytes_sec': String(writeBytesSec),
  };
}

/** <metadata> as Nova and Drover write it. */
function metadata(
  qosClass: string,
  nova?: Record<string, string>,
  drover: Record<string, string> = {},
): string {
  const list = (tag: string, specs: Record<string, string>): string =>
    Object.entries(specs)
      .map(([spec, value]) => `<${tag} name="${spec}">${value}</${tag}>`)
      .join('');
  const novas = nova
    ? `<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1"><nova:flavor name="m1"><nova:extraSpecs>${list('nova:extraSpec', nova)}</nova:extraSpecs></nova:flavor></nova:instance>`
    : '';
  const ours = `<d:allocation xmlns:d="https://drover.dev/xmlns/1" id="" qos_class="${qosClass}">${list('d:extra_spec', drover)}</d:allocation>`;
  return `<metadata>${novas}${ours}</metadata>`;
}

t.test('flavors: who has the last word', async (t) => {
  const [plain, classed, nova, drover, faulty] = ['plain', 'class', 'nova', 'drover', 'faulty'].map(nameOf) as [
    string, string, string, string, string,
  ]; // prettier-ignore
  const novaSpecs = { ...specsOf('nova'), 'hw:cpu_policy': 'dedicated' };
  const droverSpecs = { ...specsOf('drover'), 'hw:cpu_policy': 'shared' };
  const bad = {
    'quota:cpu_quota': 'lots',
    'hw:cpu_policy': 'sometimes',
    'quota:disk_write_bytes_sec': '1.5MB',
    'quota:cpu_shares': '1500',
  };
  const engine = await openEngine(t, folderOf(t));
  const { quotaUs, shares, writeBytesSec } = valuesOf('profile');
  await engine.agent.take(
    desired(
      {
        'qos-classes': { classes: { gold: specsOf('class') } },
        'vcpu-pinning': { shared: String(first), dedicated: String(last) },
        'cpu-qos': { vcpu_period_us: 100_000, vcpu_quota_us: quotaUs, cpu_shares: shares },
        'block-qos': { write_bytes_sec: writeBytesSec },
      },
      1,
    ),
  );
  await startDomain(t, plain, '', 1);
  await startDomain(t, classed, metadata('gold'), 1);
  await startDomain(t, faulty, metadata('', bad), 1);
  await startDomain(t, nova, metadata('gold', novaSpecs), 1);
  const uuid = await startDomain(t, drover, metadata('gold', novaSpecs, droverSpecs), 1);
  const shown = (level: Level, cpu: number) => ({
    ...valuesOf(level),
    ...{ vcpus: [[cpu]], periodUs: 100_000, emulator: [cpu] },
  });
  const shows = async (name: string, level: Level, cpu: number, what: string): Promise<void> => {
    const has = (): boolean => {
      const seen = look(name);
      return Object.entries(shown(level, cpu)).every(([key, value]) =>
        isSame(seen[key as keyof typeof seen], value),
      );
    };
    await until(has, 5_000, what).catch(() => undefined);
    t.match(look(name), shown(level, cpu), `${what} (cgroup files and threads)`);
  };
  await shows(plain, 'profile', first, 'without a flavor: the profile');
  await shows(classed, 'class', first, 'a QoS class goes before the profile');
  await shows(nova, 'nova', last, "Nova's flavor goes before the class, and has a CPU of its own");
  await shows(drover, 'drover', first, "Drover's metadata goes before Nova's");

  await libvirtd.virsh('destroy', nova);
  const specs = { ...specsOf('allocation'), 'hw:cpu_policy': 'dedicated' };
  const allocation = {
    ...{ id: 'a-1', instanceUuid: uuid, extraSpecs: specs, vcpus: 1, memoryMb: 64, pciAddresses: [] },
  };
  const given = givenTime();
  await engine.agent.takeAllocations({ generation: 1, allocations: [allocation] }, 's-1');
  const ms = await sinceMs(
    given,
    () => look(drover).shares === valuesOf('allocation').shares && look(drover).vcpus[0]?.[0] === last,
    'the allocation is not in force',
  );
  t.ok(ms <= driftLimitMs, `the allocation is in force after ${ms} ms (limit ${driftLimitMs})`);
  await shows(drover, 'allocation', last, 'an allocation goes before everything, and gives a CPU of its own');
  await engine.agent.takeAllocations({ generation: 2, allocations: [] }, 's-1');
  await shows(drover, 'drover', first, 'without it the metadata counts again');

  const settled = await until(
    () => engine.host.reconciler.status().entries.filter(({ knob }) => knob.domain?.name === faulty),
    5_000,
    'no word of the faulty flavor',
  );
  const held = settled.filter(({ outcome }) => outcome === 'held');
  t.strictSame(
    new Set(held.map(({ reason }) => /extra spec (\S+) is/.exec(reason)?.[1])),
    new Set(['quota:cpu_quota', 'hw:cpu_policy', 'quota:disk_write_bytes_sec']),
    'each faulty spec holds its setting, with its name and value',
  );
  t.match(look(faulty), { quotaUs: -1, writeBytesSec: 0, shares: 1500 }, 'and stops nothing else');
});

/** The file of the host that each setting of `hostSettings` is in. */
const hostFiles = [
  '/sys/kernel/mm/ksm/pages_to_scan',
  '/sys/kernel/mm/transparent_hugepage/khugepaged/pages_to_scan',
  '/proc/sys/vm/admin_reserve_kbytes',
  '/proc/sys/vm/stat_interval',
  '/proc/sys/vm/compaction_proactiveness',
];
const lookHost = (): (string | undefined)[] => hostFiles.map((file) => kernel.read(file));

/** Settings that differ from those of another `step`, on the host and its domains. */
function settingsOf(step: number, more: Record<string, number> = {}): TunerSettings {
  const run = kernel.read('/sys/kernel/mm/ksm/run') === '1' ? 'on' : 'off';
  return {
    'vcpu-pinning': { shared: String(step % 2 === 1 ? last : first), override_explicit: true },
    'cpu-qos': { vcpu_quota_us: 20_000 + step * 1_000, cpu_shares: 600 + step, override_explicit: true },
    'block-qos': { total_bytes_sec: 8_000_000 + step * 4096, override_explicit: true },
    ksm: { run, pages_to_scan: 200 + step },
    'transparent-hugepages': { enabled: thpNow(), khugepaged_pages_to_scan: 4_200 + step },
    sysctl: { settings: { 'vm.admin_reserve_kbytes': 8_200 + step, 'vm.stat_interval': 3 + step, ...more } },
  };
}

/** The kernel takes at most 100. */
const refused = { 'vm.compaction_proactiveness': 101 };

t.test('a desired state that fails half-way', async (t) => {
  restoreAfter(t, hostFiles);
  const name = nameOf('failing');
  await startDomain(t, name);
  const loop = makeLoop(8 * 2 ** 20);
  t.teardown(() => loop.remove());
  const queue = ['read_ahead_kb', 'nr_requests', 'scheduler'].map(
    (file) => `/sys/block/${loop.name}/queue/${file}`,
  );
  const seen = async () => [await lookAll(name), lookHost(), queue.map((file) => kernel.read(file))];
  const engine = await openEngine(t, folderOf(t));
  const { agent, host, log } = engine;
  const failing = (step: number): TunerSettings => ({
    ...settingsOf(step, refused),
    'block-queue': {
      devices: { [loop.name]: { scheduler: 'mq-deadline', read_ahead_kb: 512, nr_requests: 65_000 } },
    },
  });
  /** Takes a state that the kernel refuses in part; answers how long the whole took. */
  const fail = async (step: number, revision: number, onFailure = ''): Promise<number> => {
    const began = performance.now();
    await agent.take(desired(failing(step), revision, onFailure));
    return Math.round(performance.now() - began);
  };
  const putBacks = (): Line[] => log.filter(({ message }) => message === 'profile put back');

  const originals = await seen();
  const fromNothing = await fail(1, 1);
  t.ok(fromNothing <= 10_000, `written, failed and put back in ${fromNothing} ms (limit 10000)`);
  t.strictSame(await seen(), originals, 'every knob that was touched is as before');
  t.strictSame(
    [host.ledger.size, host.desired.current?.profileName],
    [0, ''],
    'and nothing is desired or recorded',
  );
  t.match(putBacks(), [{ fields: { revision: 1, reason: /compaction_proactiveness|nr_requests/ } }]);
  const written = new Set(
    log.filter(({ message }) => message === 'setting changed').map(({ fields }) => fields['tuner']),
  );
  for (const tuner of [
    'vcpu-pinning',
    'cpu-qos',
    'block-qos',
    'ksm',
    'transparent-hugepages',
    'sysctl',
    'block-queue',
  ])
    t.ok(written.has(tuner), `${tuner} had been written meanwhile`);

  await agent.take(desired(settingsOf(2), 2));
  t.strictSame([complaints(engine), host.desired.current?.profileRevision], [[], 2], 'a good one is taken');
  const good = await seen();
  t.notSame(good, originals);
  const ledger = host.ledger
    .entries()
    .map(({ key, original }) => `${key} ${original}`)
    .toSorted();
  const fromGood = await fail(3, 3);
  t.ok(fromGood <= 10_000, `written, failed and put back in ${fromGood} ms (limit 10000)`);
  t.strictSame(await seen(), good, 'the settings of the good revision stand again');
  t.strictSame(
    host.ledger
      .entries()
      .map(({ key, original }) => `${key} ${original}`)
      .toSorted(),
    ledger,
    'with the originals from before it',
  );
  t.equal(host.desired.current?.profileRevision, 2);

  const kept = await fail(5, 4, 'keep');
  const isFailed = (): boolean => host.reconciler.status().state === 'failed'; // its own events are looked at as well
  await until(isFailed, 5_000, 'the host does not say that it failed');
  t.equal(host.desired.current?.profileRevision, 4);
  t.equal(putBacks().length, 2, `on_failure: keep puts nothing back (${kept} ms)`);
  const [domain, files] = (await seen()) as [Awaited<ReturnType<typeof lookAll>>, string[], unknown];
  t.match(
    domain,
    { quotaUs: 25_000, shares: 605, vcpus: [[last], [last]], throttle: 8_020_480 },
    'what could be set is',
  );
  t.strictSame(files.slice(0, 4), ['205', '4205', '8205', '8']);
  await agent.take(nothing(5));
  t.strictSame([await seen(), host.ledger.size], [originals, 0], 'undo restores all of it');
});

const program = fileURLToPath(new URL('../../agent/bin.cjs', import.meta.url));

t.test('kill -9 in the middle of an apply', async (t) => {
  const pool = poolPlaces(kernel).find(({ sizeKb }) => sizeKb === 2048);
  if (!pool) {
    t.pass('this kernel has no huge pages of 2 MiB');
    return;
  }
  const poolFile = `${pool.folder}/nr_hugepages`;
  restoreAfter(t, [...hostFiles, poolFile]);
  const pages = Number(kernel.read(poolFile));
  const name = nameOf('killed');
  const tune = `<cputune><shares>900</shares><period>50000</period><quota>40000</quota><vcpupin vcpu='0' cpuset='${first}'/></cputune>`;
  await startDomain(t, name, tune);
  await libvirtd.virsh('blkdeviotune', name, 'vda', '--live', '--total-bytes-sec', '9000000');
  const tuners: TunerSettings = {
    ...settingsOf(7),
    hugepages: {
      pools: [{ size: '2MiB', pages: pages + 8, ...(pool.cell === undefined ? {} : { cell: pool.cell }) }],
    },
  };
  const lookFast = () => [look(name), lookHost(), Number(kernel.read(poolFile))];
  const folder = folderOf(t);
  const files = { config: join(folder, 'agent.yaml'), profile: join(folder, 'profile.yaml') };
  writeFileSync(files.profile, JSON.stringify({ name: 'killed', tuners }));
  writeFileSync(files.config, JSON.stringify(configOf(join(folder, 'state'))));
  // The agent's lock of the host is a network namespace's own: agents of other tests are none of this one's.
  const argv = (command: string): string[] => [
    '-n',
    process.execPath,
    program,
    command,
    '--config',
    files.config,
  ];
  const moments = [
    { label: 'after the first write', is: () => !isSame(look(name), original[0]) },
    {
      label: 'with all but the last written',
      is: () =>
        look(name).shares === 607 &&
        kernel.read(hostFiles[3] as string) === '10' &&
        Number(kernel.read(poolFile)) === pages + 8,
    },
  ];
  const original = lookFast();
  const throttle = await throttleOf(name);
  t.match(
    [original[0], throttle],
    [{ quotaUs: 40_000, shares: 900 }, 9_000_000],
    'the domain has settings of its own',
  );
  for (const { label, is } of moments) {
    // The guest's disk cannot be throttled while QEMU stands still: the apply cannot come to its end.
    const qemu = libvirtd.qemuPid(name);
    process.kill(qemu, 'SIGSTOP');
    const child = spawn('unshare', [...argv('apply'), '--profile', files.profile], { stdio: 'ignore' });
    try {
      await until(is, patienceMs, `${label}: the apply did not come so far`);
      t.equal(child.exitCode, null, `${label}: the apply is under way`);
      child.kill('SIGKILL');
      await once(child, 'exit');
    } finally {
      child.kill('SIGKILL');
      process.kill(qemu, 'SIGCONT');
    }
    const reached = await throttleOf(name); // waits for what libvirtd had been asked
    t.notSame(lookFast(), original, `${label}: half is set; the throttle of the disk reads ${reached}`);
    for (const turn of ['first', 'second']) {
      const began = performance.now();
      const { status, stdout } = spawnSync('unshare', argv('revert'), { encoding: 'utf8', timeout: 30_000 });
      const ms = Math.round(performance.now() - began);
      t.equal(
        status,
        0,
        `${label}: the ${turn} revert ends well in ${ms} ms: ${stdout.trim().split('\n').at(-1)}`,
      );
      t.strictSame(
        [lookFast(), await throttleOf(name)],
        [original, throttle],
        `${label}: pins, quota, shares, throttle, KSM, THP, huge pages and sysctls are back`,
      );
      if (turn === 'second') t.match(stdout, /0 settings put back/);
    }
  }
});

t.test('a guest that stands still holds up no other', async (t) => {
  restoreAfter(t, hostFiles);
  const [silent, quick] = [nameOf('silent'), nameOf('quick')];
  await startDomain(t, silent);
  await startDomain(t, quick);
  const engine = await openEngine(t, folderOf(t));
  const wanted = (step: number) => ({
    quotaUs: 20_000 + step * 1_000,
    shares: 600 + step,
    vcpus: [[last], [last]],
  });
  await engine.agent.take(desired(settingsOf(1), 1));
  t.strictSame(complaints(engine), []);
  const enforced = () =>
    engine.log.filter(
      ({ message, fields }) => message === 'domain enforced and verified' && fields['domain'] === quick,
    ).length;
  /** With the end of the agent's log, which says why. */
  const told = (cause: unknown): never => {
    const now = JSON.stringify(look(quick));
    const lines = engine.log.slice(-12).map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`);
    throw new Error(`${(cause as Error).message}: ${now}\n${lines.join('\n')}`, { cause });
  };
  /** From virsh start to every setting in force and read back. */
  const starts = async (step: number): Promise<number[]> => {
    const samples: number[] = [];
    for (let n = 0; n < 3; n++) {
      await libvirtd.virsh('destroy', quick);
      const before = enforced();
      const given = givenTime();
      await libvirtd.virsh('start', quick);
      const { quotaUs, shares, vcpus } = wanted(step);
      const isDone = (): boolean => {
        const now = look(quick);
        return (
          enforced() > before && now.quotaUs === quotaUs && now.shares === shares && isSame(now.vcpus, vcpus)
        );
      };
      samples.push(await sinceMs(given, isDone, `the domain was not enforced`).catch(told));
    }
    return samples.toSorted((a, b) => a - b);
  };
  const without = await starts(1);
  const qemu = libvirtd.qemuPid(silent);
  process.kill(qemu, 'SIGSTOP');
  const step = 3;
  let [during, taking] = [[] as number[], Promise.resolve()];
  try {
    taking = engine.agent.take(desired(settingsOf(step), 2)); // its pass waits for the one that stands still
    await until(() => look(silent).shares === 600 + step, patienceMs, 'the pass did not come to it');
    during = await starts(step);
  } finally {
    process.kill(qemu, 'SIGCONT');
  }
  const moreMs = (during[1] as number) - (without[1] as number);
  t.ok(
    moreMs <= 1_000,
    `median ${during[1]} ms beside a stopped QEMU (${during.join(', ')}), ${without[1]} ms without (${without.join(', ')}): ${moreMs} ms more (limit 1000)`,
  );
  await taking;
  await until(
    async () => {
      await engine.agent.pass();
      return (await throttleOf(silent)) === 8_000_000 + step * 4096 && complaints(engine).length === 0;
    },
    patienceMs,
    'the guest that goes on was not brought up to date',
  );
  t.pass('the guest that goes on is brought up to date');
  await engine.agent.take(nothing(3));
  // While an earlier call for the guest has not ended, nothing of it is looked at: a later pass puts the rest back.
  const isEmpty = async (): Promise<boolean> => {
    await engine.agent.pass();
    return engine.host.ledger.size === 0;
  };
  await until(isEmpty, patienceMs, 'settings are left').catch(told);
  t.equal(engine.host.ledger.size, 0, 'nothing is left in the ledger');
});
