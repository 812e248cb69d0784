/** Each tuner over a fake host with control groups v1 and v2: what it reads, wants, refuses and writes. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { diskBytesReader } from '../../../../agent/host/vitals.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import { incarnationRuns, knobDomain } from '../../../../agent/tuners/common/domain-knob.js';
import { FileStats, type FileStat } from '../../../../agent/tuners/common/block/file-stats.js';
import { tuners } from '../../../../agent/tuners/index.js';
import type { HostView, Reading, Want } from '../../../../agent/tuners/tuner.js';
import { knobWords } from '../../../../proto/tuners/knob-words.js';
import { protoRoot } from '../../../../proto/wire/load.js';
import { parseProfile } from '../../../../proto/wire/profile.js';
import { tunerSettings, type TunerName, type TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { busyHost } from '../../../support/busy-host.js';
import { FakeHost, type FakeShape } from '../../../support/fake-host.js';
import { until } from '../../../support/poll.js';

/** What an interface has besides its place. */
const plainNic = { virtualPort: '', interfaceId: '', model: 'virtio', driver: '', bandwidth: {} };
const checkout = join(protoRoot(), '..');

function fake(t: Test, shape: FakeShape = {}): FakeHost {
  const host = new FakeHost(shape);
  t.teardown(() => host.dispose());
  return host;
}

function tunerOf(name: TunerName) {
  const tuner = tuners.find((each) => each.name === name);
  if (!tuner) throw new Error(`no tuner ${name}`);
  return tuner;
}

/** The first domain of a host, with its process. */
function first(host: FakeHost) {
  const view = host.view().domains[0];
  if (view?.pid === undefined) throw new Error('no domain runs');
  return { ...view, pid: view.pid };
}

async function observe(host: FakeHost, name: TunerName, view: HostView = host.view()): Promise<Reading[]> {
  return tunerOf(name).observe(host.ports, view);
}

async function wants<Name extends TunerName>(
  host: FakeHost,
  name: Name,
  settings: TunerSettings[Name],
): Promise<Want[]> {
  return tunerOf(name).want(settings as never, await observe(host, name), host.view());
}

const values = (readings: readonly Reading[]): Record<string, string> =>
  Object.fromEntries(
    readings.map(({ knob, value, unsupported }) => [knob.setting, value ?? `! ${unsupported}`]),
  );
const asked = (list: readonly Want[]): string[] => list.map(({ knob, value }) => `${knob.setting}=${value}`);

async function write(host: FakeHost, name: TunerName, setting: string, value: string): Promise<string> {
  const knob = (await observe(host, name)).find((reading) => reading.knob.setting === setting)?.knob;
  if (!knob) throw new Error(`no knob ${setting}`);
  await tunerOf(name).write(host.ports, knob, value);
  return values(await observe(host, name))[setting] as string;
}

void t.test('the list, the folder and the settings agree', async (t) => {
  const files = readdirSync(join(checkout, 'agent/tuners')).filter(
    (file) => file.endsWith('.ts') && !['index.ts', 'tuner.ts'].includes(file),
  );
  const order = tuners.map(({ name }) => name);
  t.strictSame(order.toSorted(), files.map((file) => basename(file, '.ts')).toSorted());
  t.strictSame(
    order,
    Object.keys(tunerSettings).filter((name) => name !== 'qos-classes'),
    'qos-classes has no knobs',
  );
});

void t.test('drift may name every knob that there is', async (t) => {
  for (const cgroup of ['v1', 'v2'] as const) {
    const host = busyHost({ cgroup });
    t.teardown(() => host.dispose());
    const interfaces = [
      { ...plainNic, mac: '52:54:00:00:00:01', target: 'vnet0', type: 'bridge', bridge: 'br0' },
    ];
    host.start({ name: 'd', vcpus: 1, ioThreads: 1, interfaces });
    for (const { name, observe } of tuners) {
      const words: readonly string[] | undefined = knobWords[name as keyof typeof knobWords];
      const seen = (await observe(host.ports, host.view())).map(
        ({ knob }) => knob.setting.split(' ', 1)[0] ?? '',
      );
      if (words)
        t.strictSame(
          seen.filter((word) => !words.includes(word)),
          [],
          `${name} on ${cgroup}`,
        );
      else t.ok(['owners', 'sysctl', 'qos-classes'].includes(name), `${name}: any`);
    }
  }
});

void t.test('sample profiles can be used', async (t) => {
  const folder = join(checkout, 'scripts/samples');
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  t.strictSame(files.toSorted(), ['desktop-farm.yaml', 'nova-classic.yaml', 'small-host.yaml']);
  for (const [file, online] of [
    ['desktop-farm.yaml', '0'],
    ['nova-classic.yaml', '0-5'],
    ['small-host.yaml', '0-1'],
    ['small-host.yaml', '0-4'],
  ] as const) {
    const profile = parseProfile(readFileSync(join(folder, file), 'utf8'), file);
    t.equal(`${profile.name}.yaml`, file);
    const host = fake(t, { online });
    host.start({ name: 'vm' });
    // Classes have no knobs, and this host no queues; a tuner without settings waits for the specs of domains.
    const asking = Object.entries(profile.tuners).filter(
      ([name, settings]) =>
        !['qos-classes', 'block-queue'].includes(name) && Object.keys(settings).length > 0,
    );
    for (const name of asking.map(([each]) => each as TunerName))
      t.ok((await wants(host, name, profile.tuners[name])).length > 0, `${file}: ${name} on CPUs ${online}`);
  }
});

void t.test('a domain is named by its very start', async (t) => {
  const host = fake(t);
  const former = knobDomain(host.root, host.start({ name: 'vm' }));
  t.ok(incarnationRuns(host.root, former));
  host.stop(former.uuid);
  t.notOk(incarnationRuns(host.root, former));
  const second = knobDomain(host.root, host.start({ name: 'vm' }));
  t.not(second.incarnation, former.incarnation);
  const unknown = knobDomain(host.root, { ...first(host), pid: undefined });
  t.notOk(incarnationRuns(host.root, unknown));
});

void t.test('without a process or a hypervisor, domain knobs are unsupported', async (t) => {
  const host = fake(t);
  const view = host.start({ name: 'vm' });
  for (const name of ['vcpu-pinning', 'cpu-qos', 'block-qos'] as const) {
    const early = await observe(host, name, { facts: host.facts(), domains: [{ ...view, pid: undefined }] });
    t.ok(
      early.length > 0 &&
        early.every(({ unsupported }) => unsupported === 'the process of the domain is not known'),
      name,
    );
    const alone = await tunerOf(name).observe({ kernel: host.root, hypervisor: undefined }, host.view());
    t.ok(
      alone.length > 0 &&
        alone.every(({ unsupported }) => unsupported === 'there is no hypervisor connection'),
      name,
    );
  }
});

void t.test('vcpu-pinning', async (t) => {
  const host = fake(t, { online: '0-2,4-5', offline: '3' });
  host.start({ name: 'vm', explicit: { vcpuPins: [1] } });
  t.strictSame(values(await observe(host, 'vcpu-pinning')), {
    'vcpu 0 affinity': '0-2,4-5',
    'vcpu 1 affinity': '0-2,4-5',
    'emulator affinity': '0-2,4-5',
  });
  t.strictSame(
    (await observe(host, 'vcpu-pinning')).map(({ explicit }) => explicit),
    [false, true, false],
  );
  const good: [object, string][] = [
    [{ shared: '2-$' }, '2,4-5'],
    [{ shared: '0-5,^1' }, '0,2,4-5'],
    [{ reserved: '0-1' }, '2,4-5'],
    [{ reserved: '0-3' }, '4-5'],
    [{ reserved: '0', shared: '1,3' }, '1'],
  ];
  for (const [settings, value] of good) {
    const list = await wants(host, 'vcpu-pinning', settings);
    t.strictSame(
      asked(list),
      ['vcpu 0 affinity', 'vcpu 1 affinity', 'emulator affinity'].map((knob) => `${knob}=${value}`),
      JSON.stringify(settings),
    );
  }
  const bad: [object, string, RegExp][] = [
    [{ shared: '4-8' }, 'shared', /CPUs of this host: 0-5, the last is 5/],
    [{ shared: '6-$' }, 'shared', /last CPU 5/],
    [{ shared: '3' }, 'shared', /at least one online CPU \(online: 0-2,4-5\)/],
    [{ shared: '1-4', reserved: '0-2' }, 'shared', /not reserved \(1-2 is both\)/],
    [{ reserved: '0-5' }, 'reserved', /leaves an online CPU/],
    [{ reserved: '0-2,4-5' }, 'reserved', /leaves an online CPU/],
    [{ reserved: '7' }, 'reserved', /the last is 5/],
    [{ shared: 'x' }, 'shared', /CPU list/],
  ];
  for (const [settings, key, message] of bad) {
    await t.rejects(
      wants(host, 'vcpu-pinning', settings),
      { code: 'invalid-argument', field: `tuners.vcpu-pinning.${key}`, message },
      JSON.stringify(settings),
    );
  }
  t.throws(
    () =>
      tunerOf('vcpu-pinning').want({ shared: '1' }, [], {
        facts: { ...host.facts(), cpu: null },
        domains: [],
      }),
    { code: 'failed-precondition' },
  );
  t.equal(await write(host, 'vcpu-pinning', 'vcpu 1 affinity', '4-5'), '4-5');
  t.equal(await write(host, 'vcpu-pinning', 'emulator affinity', '1'), '1');
  const single = first(host);
  for (const [offset, name] of ['ALL CPUs/TCG', 'worker'].entries()) {
    const task = `/proc/${single.pid}/task/${single.pid + 1 + offset}`;
    host.put(`${task}/comm`, name);
    host.put(`${task}/status`, `Name:\t${name}\nCpus_allowed_list:\t1`);
  }
  t.match(values(await observe(host, 'vcpu-pinning')), {
    'vcpu affinity': /^! no thread of its own/,
    'emulator affinity': '1',
  });
});

for (const cgroup of ['v1', 'v2'] as const) {
  void t.test(`cpu-qos on cgroup ${cgroup}`, async (t) => {
    const host = fake(t, { cgroup });
    const view = host.start({ name: 'vm', explicit: { cpuShares: true } });
    const shares = cgroup === 'v1' ? '1024' : '100';
    t.strictSame(values(await observe(host, 'cpu-qos')), {
      vcpu_period_us: '100000',
      vcpu_quota_us: '-1',
      cpu_shares: shares,
    });
    t.strictSame(
      (await observe(host, 'cpu-qos')).map(({ explicit }) => explicit),
      [false, false, true],
    );
    t.equal(await write(host, 'cpu-qos', 'vcpu_quota_us', '30000'), '30000');
    t.equal(await write(host, 'cpu-qos', 'vcpu_period_us', '60000'), '60000');
    t.equal(await write(host, 'cpu-qos', 'cpu_shares', '700'), '700');
    t.equal(await write(host, 'cpu-qos', 'vcpu_quota_us', '-1'), '-1', 'no limit again');
    const vcpu1 = `${host.group(view, 'cpu')}/vcpu1`;
    if (cgroup === 'v1') host.put(`${vcpu1}/cpu.cfs_quota_us`, '5000');
    else host.put(`${vcpu1}/cpu.max`, '5000 60000');
    t.equal(values(await observe(host, 'cpu-qos'))['vcpu_quota_us'], 'mixed -1,5000');
    await write(host, 'cpu-qos', 'vcpu_quota_us', '9000');
    t.equal(
      await write(host, 'cpu-qos', 'vcpu_quota_us', 'mixed -1,5000'),
      'mixed -1,5000',
      'what differed can be put back',
    );
    t.equal(values(await observe(host, 'cpu-qos'))['vcpu_period_us'], '60000', 'with the period as it was');
    t.equal(await write(host, 'cpu-qos', 'vcpu_period_us', 'mixed 20000,60000'), 'mixed 20000,60000');
  });
}

void t.test('cpu-qos: what it asks for', async (t) => {
  const host = fake(t);
  host.start({ name: 'vm' });
  t.strictSame(
    asked(await wants(host, 'cpu-qos', { cpu_shares: 5 })),
    ['cpu_shares=5'],
    'only what is given',
  );
  const order: [number, number, number, number, string[]][] = [
    [100_000, -1, 10_000, 5_000, ['period', 'quota']],
    [100_000, 5_000, 10_000, 5_000, ['period', 'quota']],
    [10_000, 5_000, 100_000, 50_000, ['quota', 'period']],
    [10_000, 5_000, 100_000, -1, ['quota', 'period']],
  ];
  for (const [oldPeriod, oldQuota, vcpu_period_us, vcpu_quota_us, expected] of order) {
    await host.setScheduler(first(host), { vcpuPeriodUs: oldPeriod, vcpuQuotaUs: oldQuota });
    const list = await wants(host, 'cpu-qos', { vcpu_period_us, vcpu_quota_us });
    t.strictSame(
      list.map(({ knob }) => knob.setting.split('_')[1]),
      expected,
      `${oldQuota}/${oldPeriod} to ${vcpu_quota_us}/${vcpu_period_us}: never tighter on the way`,
    );
  }
  const v2 = fake(t, { cgroup: 'v2' });
  v2.start({ name: 'vm' });
  t.match(await wants(v2, 'cpu-qos', { cpu_shares: 20_000 }), [
    { value: '1953', remark: '20000 shares are weight 1953' },
  ]);
  t.notHas((await wants(host, 'cpu-qos', { cpu_shares: 20_000 }))[0], { remark: String });
});

for (const cgroup of ['v1', 'v2'] as const) {
  void t.test(`block-qos on cgroup ${cgroup}`, async (t) => {
    const host = fake(t, { cgroup });
    const network = { target: 'vdc', source: undefined, type: 'network', cache: undefined } as const;
    const image = (target: string, type: 'file' | 'block', source: string) => ({
      target,
      type,
      source,
      cache: 'none',
    });
    host.put('/images/other.raw', '');
    host.start({
      name: 'vm',
      disks: [
        image('vda', 'file', '/images/vm.raw'),
        image('vdb', 'file', '/images/other.raw'),
        network,
        image('vdd', 'file', '/images/absent'),
      ],
      explicit: { blockDevices: ['/dev/vdb'] },
    });
    const list = await wants(host, 'block-qos', { write_bytes_sec: 5_000, read_iops_sec: 7 });
    const throttle = 'write_bytes_sec=5000 read_iops_sec=7';
    const expected = ['write_bytes_sec /dev/vda=5000', 'read_iops_sec /dev/vda=7'].concat(
      ['vdc', 'vdd'].map((target) => `throttle ${target}=${throttle}`),
    );
    t.strictSame(asked(list).toSorted(), expected.toSorted(), 'one disk under two images counts once');
    t.match(values(await observe(host, 'block-qos')), {
      'read_iops_sec /dev/vda': '0',
      'read_iops_sec /dev/vdb': '0',
      'read_iops_sec (disk vdc)': /^! network disk/,
      'read_iops_sec (disk vdd)': /^! .*cannot be looked at/,
    });
    t.strictSame(asked(await wants(host, 'block-qos', { write_bytes_sec: 9, device: '/dev/vdb' })), [
      'write_bytes_sec /dev/vdb=9',
    ]);
    t.ok(
      (await observe(host, 'block-qos')).find(({ knob }) => knob.setting === 'write_bytes_sec /dev/vdb')
        ?.explicit,
    );
    t.equal(await write(host, 'block-qos', 'write_bytes_sec /dev/vda', '5000'), '5000');
    t.equal(await write(host, 'block-qos', 'read_iops_sec /dev/vda', '7'), '7');
    t.equal(await write(host, 'block-qos', 'write_bytes_sec /dev/vda', '0'), '0', 'no limit again');
    t.equal(values(await observe(host, 'block-qos'))['read_iops_sec /dev/vda'], '7', 'and the others stay');
    await t.rejects(wants(host, 'block-qos', { read_bytes_sec: 1, device: '/dev/vdz' }), {
      field: 'tuners.block-qos.device',
      message: /"\/dev\/vdz"; want a block device of this host: \/dev\/vda, \/dev\/vdb/,
    });
    await t.rejects(wants(host, 'block-qos', { read_bytes_sec: 1, device: '/dev/vda1' }), {
      field: 'tuners.block-qos.device',
      message: /a whole disk: \/dev\/vda /,
    });
    await t.rejects(wants(host, 'block-qos', { read_iops_sec: 2 ** 32 }), {
      code: 'invalid-argument',
      field: 'tuners.block-qos.read_iops_sec',
    });
  });
}

void t.test('block-qos: which disk is under a block device', async (t) => {
  const host = fake(t);
  const disk = (source: string, type: 'block' | 'file' | 'other' = 'block') => ({
    target: 'vda',
    source,
    type,
    cache: 'none',
  });
  for (const [source, device] of [
    ['/dev/vdb', '/dev/vdb'],
    ['/dev/vda1', '/dev/vda'],
  ] as const) {
    const view = host.start({ name: `d${source.slice(5)}`, disks: [disk(source)] });
    t.strictSame(
      asked(await wants(host, 'block-qos', { read_iops_sec: 3 })),
      [`read_iops_sec ${device}=3`],
      source,
    );
    host.stop(view.uuid);
  }
  host.start({ name: 'odd', disks: [disk('/dev/nothing'), { ...disk('/x', 'other'), target: 'vdb' }] });
  t.match(values(await observe(host, 'block-qos')), {
    'read_iops_sec (disk vda)': /not a block device/,
    'read_iops_sec (disk vdb)': /no file or block device/,
  });
});

void t.test("block-qos: a domain's own limits count, by whatever name it calls the disk", async (t) => {
  const host = fake(t);
  const link = (name: string, target: string): void => {
    mkdirSync(dirname(join(host.directory, name)), { recursive: true });
    symlinkSync(target, join(host.directory, name));
  };
  link('/dev/disk/by-id/wwn-1', '../../vda');
  link('/dev/disk/by-id/wwn-1-part1', '../../vda1');
  link('/dev/mapper/data', '../vdb');
  link('/dev/loop-a', 'loop-b');
  link('/dev/loop-b', 'loop-a');
  for (const [device, own] of [
    ['/dev/disk/by-id/wwn-1', '/dev/vda'],
    ['/dev/disk/by-id/wwn-1-part1', '/dev/vda'],
    ['/dev/vda1', '/dev/vda'],
    ['/dev/mapper/data', '/dev/vdb'],
    ['/dev/loop-a', undefined],
    ['/dev/nothing', undefined],
  ] as const) {
    const view = host.start({ name: 'vm', explicit: { blockDevices: [device] } });
    const found = (await observe(host, 'block-qos')).filter(({ explicit }) => explicit);
    const devices = new Set(found.map(({ knob }) => knob.setting.split(' ')[1]));
    t.strictSame([...devices], own ? [own] : [], device);
    host.stop(view.uuid);
  }
});

void t.test('block-qos: an image that cannot be looked at is the fault of its domain alone', async (t) => {
  const host = fake(t);
  symlinkSync('loop', join(host.directory, 'loop'));
  host.start({ name: 'a', disks: [{ target: 'vda', source: '/loop', type: 'file', cache: 'none' }] });
  host.start({ name: 'b' });
  const readings = await observe(host, 'block-qos');
  const of = (name: string, setting: string) =>
    readings.find(({ knob }) => knob.domain?.name === name && knob.setting === setting);
  t.match(of('a', 'read_iops_sec (disk vda)'), { unsupported: '/loop cannot be looked at: ELOOP' });
  t.match(of('a', 'read_iops_sec /dev/vda'), { value: '0', undecided: /ELOOP/ });
  t.notHas(of('b', 'read_iops_sec /dev/vda'), { undecided: String });
  t.strictSame(
    (await wants(host, 'block-qos', { read_iops_sec: 3 })).map(
      ({ knob }) => `${knob.domain?.name} ${knob.setting}`,
    ),
    ['a read_iops_sec (disk vda)', 'b read_iops_sec /dev/vda'],
  );
});

void t.test('looks at files', async (t) => {
  const host = fake(t);
  host.put('/proc/self/mounts', '/dev/vda / ext4 rw 0 0\nnas:/x /nfs nfs rw 0 0\nnas:/y /nfs2 nfs rw 0 0');
  const asked: string[] = [];
  const hung = new Map<string, () => void>();
  let isAway = false;
  const ask = async (file: string): Promise<FileStat> => {
    asked.push(file.slice(host.directory.length));
    if (isAway && file.includes('/nfs')) await new Promise<void>((resolve) => hung.set(file, resolve));
    if (file.endsWith('absent')) throw Object.assign(new Error('none'), { code: 'ENOENT' });
    if (file.endsWith('stale')) throw Object.assign(new Error('stale'), { code: 'ESTALE' });
    return { device: '1:2', node: undefined, sizeBytes: 5 };
  };
  const files = new FileStats({ ask, deadlineMs: 40, maximumPaths: 2, maximumCalls: 2 });
  const look = (file: string) => files.look(host.root, file);
  const seen = { device: '1:2', node: undefined, sizeBytes: 5 };
  t.strictSame(await look('/nfs/a'), seen);
  t.strictSame(await look('/absent'), { fault: 'ENOENT', absent: true });
  t.strictSame(await look('/nfs/stale'), { fault: 'ESTALE', absent: false });
  t.strictSame(await Promise.all(['/b', '/nfs/c', '/nfs2/d'].map(look)), [seen, seen, seen]);
  t.strictSame([files.remembered, files.calls], [2, 0], 'a bounded number is remembered');
  t.strictSame(await look('/nfs/a'), seen);
  isAway = true;
  asked.length = 0;
  const began = performance.now();
  const none = { fault: 'no answer in 40 ms', absent: false };
  t.strictSame(await Promise.all(['/nfs/a', '/nfs/e', '/nfs/a'].map(look)), [seen, none, seen]);
  t.strictSame(asked, ['/nfs/a'], 'one call of a mount at a time');
  const read = diskBytesReader(host.root, files);
  const image = { target: 'vda', type: 'file', cache: 'none' } as const;
  const vm = host.start({
    name: 'vm',
    disks: ['/nfs/a', '/nfs/e', '/b'].map((source) => ({ ...image, source })),
  });
  t.equal(await read(vm), 10, 'the last known size counts while the mount is away');
  t.strictSame(await look('/nfs2/d'), none);
  t.ok(performance.now() - began < 500, 'and nothing waits longer than a deadline');
  asked.length = 0;
  t.strictSame([await look('/f'), files.calls, asked], [none, 2, []], 'hung calls are bounded too');
  isAway = false;
  for (const end of hung.values()) end();
  await until(() => files.calls === 0, 1_000, 'hung calls came back');
  t.strictSame(await Promise.all(['/nfs/e', '/nfs2/d', '/f'].map(look)), [seen, seen, seen]);
  const aged = new FileStats({ ask, maximumAgeMs: 60_000 });
  asked.length = 0;
  for (let n = 0; n < 2; n++) await aged.look(host.root, '/b');
  t.strictSame(asked, ['/b'], 'a young answer is given again');
  aged.renew(host.root, ['/b', '/never']);
  await aged.look(host.root, '/b');
  t.strictSame([asked, aged.remembered], [['/b', '/b'], 1], 'unless somebody wants to know anew');
  t.match(await new FileStats().look(host.root, '/proc/meminfo'), { device: /^\d+:\d+$/, node: undefined });
  t.match(await new FileStats().look(new HostRoot('/'), '/proc/self/status/x'), { absent: true });
});

void t.test('ksm', async (t) => {
  const host = fake(t);
  t.match(values(await observe(host, 'ksm')), {
    run: 'off',
    pages_to_scan: '100',
    merge_across_nodes: '1',
    smart_scan: '! this kernel has no smart_scan',
  });
  t.strictSame(
    asked(
      await wants(host, 'ksm', {
        run: 'on',
        pages_to_scan: 7,
        merge_across_nodes: false,
        use_zero_pages: true,
      }),
    ),
    ['pages_to_scan=7', 'merge_across_nodes=0', 'use_zero_pages=1', 'run=on'],
    'run comes last',
  );
  for (const [word, number] of [
    ['on', '1'],
    ['unmerge', '2'],
    ['off', '0'],
  ] as const) {
    t.equal(await write(host, 'ksm', 'run', word), word);
    t.equal(host.root.read('/sys/kernel/mm/ksm/run'), number);
  }
  host.put('/sys/kernel/mm/ksm/advisor_mode', 'none [scan-time]');
  host.put('/sys/kernel/mm/ksm/pages_shared', '12');
  const held = (list: readonly Want[]) => list.map(({ held }) => held);
  t.match(held(await wants(host, 'ksm', { run: 'on', pages_to_scan: 7, merge_across_nodes: false })), [
    /advisor_mode is scan-time/,
    /12 pages are merged/,
    undefined,
  ]);
  // 4 GiB are available: 4 GiB / 1.2 of sharing pages is the limit.
  const limit = Math.floor(2 ** 32 / 1.2 / 4096);
  for (const [pages, reason] of [
    [limit, undefined],
    [limit + 1, /unmerging may take 4 GiB, and 4 GiB are available/],
    [0, undefined],
  ] as const) {
    host.put('/sys/kernel/mm/ksm/pages_sharing', String(pages));
    t.match(held(await wants(host, 'ksm', { run: 'unmerge' })), [reason], `${pages} pages`);
    t.strictSame(held(await wants(host, 'ksm', { run: 'off' })), [undefined], 'off needs no memory');
  }
  await t.rejects(write(host, 'ksm', 'run', 'nonsense'), { code: 'kernel-write-failed' });
  const bare = fake(t);
  bare.root.read = () => undefined;
  bare.root.exists = () => false;
  t.match(values(await observe(bare, 'ksm')), {
    run: '! this kernel has no KSM',
    pages_to_scan: '! this kernel has no KSM',
  });
});

void t.test('transparent-hugepages', async (t) => {
  const host = fake(t);
  t.match(values(await observe(host, 'transparent-hugepages')), {
    enabled: 'madvise',
    defrag: 'madvise',
    'khugepaged/defrag': '1',
  });
  const settings = { enabled: 'always', defrag: 'defer', khugepaged_defrag: false } as const;
  t.match(await wants(host, 'transparent-hugepages', settings), [
    { value: 'always', effect: 'now', affects: [] },
    { value: 'defer', effect: 'now' },
    { value: '0', effect: 'now' },
  ]);
  host.start({ name: 'b' });
  host.start({ name: 'a' });
  t.match(await wants(host, 'transparent-hugepages', settings), [
    { effect: 'domain-restart', affects: ['b', 'a'] },
    { effect: 'now', affects: [] },
    { effect: 'now' },
  ]);
  t.equal((await wants(host, 'transparent-hugepages', { enabled: 'never' })).length, 1, 'only what is given');
  t.equal(await write(host, 'transparent-hugepages', 'defrag', 'defer+madvise'), 'defer+madvise');
  t.equal(await write(host, 'transparent-hugepages', 'khugepaged/defrag', '0'), '0');
  host.put('/sys/kernel/mm/transparent_hugepage/enabled', 'always [never]');
  t.match(await wants(host, 'transparent-hugepages', { enabled: 'madvise' }), [
    { unsupported: 'this kernel offers always, never' },
  ]);
});
