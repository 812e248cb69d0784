/** vcpu-pinning and numa-memory: who is pinned where, what is held and why, and whether memory came along. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { DomainView } from '../../../../agent/libvirt/hypervisor.js';
import { Ledger } from '../../../../agent/reconcile/ledger.js';
import type { PlanEntry } from '../../../../agent/reconcile/plan.js';
import { Reconciler } from '../../../../agent/reconcile/reconciler.js';
import { readingOnce } from '../../../../agent/tuners/common/read-once.js';
import { pinningPolicy } from '../../../../agent/tuners/common/cpu/pinning-policy.js';
import { numaMemory } from '../../../../agent/tuners/numa-memory.js';
import type { HostView, KnobDomain, Reading } from '../../../../agent/tuners/tuner.js';
import { promiseLifeMs } from '../../../../agent/tuners/common/cpu/pin-promises.js';
import { makeVcpuPinning, vcpuPinning } from '../../../../agent/tuners/vcpu-pinning.js';
import type { NumaCell } from '../../../../proto/gen/drover/v1/NumaCell.js';
import { numaMemory as numaMemorySchema } from '../../../../proto/tuners/numa-memory.js';
import { vcpuPinning as vcpuPinningSchema } from '../../../../proto/tuners/vcpu-pinning.js';
import { formatCpuSet } from '../../../../proto/wire/cpu-set.js';
import type { TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { FakeHost } from '../../../support/fake-host.js';

t.setTimeout(120_000);

void t.test('extra specs become a policy', async (t) => {
  const table: [Record<string, string>, object, object][] = [
    [{}, { shared: '1' }, { own: [] }],
    [
      {},
      { dedicated: '1', cpu_policy: 'dedicated' },
      { own: [0, 1, 2, 3], threads: 'prefer', emulator: 'own', maximumCells: 1 },
    ],
    [{ 'hw:cpu_policy': 'shared' }, { dedicated: '1', cpu_policy: 'dedicated' }, { own: [] }],
    [
      {
        'hw:cpu_policy': 'dedicated',
        'hw:cpu_thread_policy': 'isolate',
        'hw:emulator_threads_policy': 'share',
        'hw:numa_nodes': '2',
      },
      { dedicated: '1', emulator_threads_policy: 'isolate' },
      { threads: 'isolate', emulator: 'share', maximumCells: 2 },
    ],
    [{ 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '2-3' }, {}, { own: [2, 3] }],
    [{ 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '^0-1' }, {}, { own: [2, 3] }],
    [{ 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '0-3,^2' }, {}, { own: [0, 1, 3] }],
    [{ 'hw:cpu_policy': 'mixed' }, {}, { fault: 'hw:cpu_policy is mixed; want hw:cpu_dedicated_mask' }],
    [
      { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '0-3' },
      {},
      { fault: /some of the vCPUs 0-3, not all/ },
    ],
    [{ 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '3-4' }, {}, { fault: /some of the vCPUs 0-3/ }],
    [
      { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': 'x' },
      {},
      { fault: /hw:cpu_dedicated_mask is x: .*CPU list/ },
    ],
    [
      { 'hw:cpu_policy': 'pinned' },
      {},
      { fault: 'extra spec hw:cpu_policy is pinned; want dedicated, shared, mixed' },
    ],
    [
      { 'hw:cpu_policy': 'dedicated', 'hw:cpu_thread_policy': 'x' },
      {},
      { fault: /hw:cpu_thread_policy is x/ },
    ],
    [
      { 'hw:cpu_policy': 'dedicated', 'hw:emulator_threads_policy': 'x' },
      {},
      { fault: /hw:emulator_threads_policy is x/ },
    ],
    [{ 'hw:cpu_policy': 'dedicated', 'hw:numa_nodes': '0' }, {}, { fault: /hw:numa_nodes is 0/ }],
  ];
  for (const [specs, settings, expected] of table)
    t.match(pinningPolicy({ specs }, [0, 1, 2, 3], settings), expected, JSON.stringify(specs));
});

void t.test('settings that are refused', async (t) => {
  const bad: [typeof vcpuPinningSchema | typeof numaMemorySchema, object, RegExp][] = [
    [vcpuPinningSchema, {}, /reserved, shared or dedicated/],
    [vcpuPinningSchema, { shared: '1', cpu_policy: 'dedicated' }, /only with a set of dedicated CPUs/],
    [
      vcpuPinningSchema,
      { shared: '1', emulator_threads_policy: 'share' },
      /only with a set of dedicated CPUs/,
    ],
    [vcpuPinningSchema, { dedicated: '1', cpu_policy: 'mixed' }, /shared.*dedicated/],
    [numaMemorySchema, {}, /follow or cells/],
    [numaMemorySchema, { follow: 'cpus', cells: '0' }, /only without follow: cpus/],
  ];
  for (const [schema, value, message] of bad)
    t.match(schema.safeParse(value).error?.message, message, JSON.stringify(value));
  const host = bench(t, { online: '0-5' });
  const wrong: [object, string, RegExp][] = [
    [{ dedicated: '4-9' }, 'dedicated', /CPUs of this host: 0-5/],
    [{ dedicated: '2-3', shared: '3-4' }, 'dedicated', /not shared \(3 is both\)/],
    [{ dedicated: '2-3', reserved: '0-2' }, 'dedicated', /not reserved \(2 is both\)/],
  ];
  for (const [settings, key, message] of wrong)
    t.throws(() => vcpuPinning.want(settings, [], host.view({})), {
      field: `tuners.vcpu-pinning.${key}`,
      message,
    });
  for (const [value, message] of [
    ['2', /have memory: 0-1/],
    ['', /have memory: 0-1/],
    ['x', /CPU list/],
  ] as const)
    t.throws(() => numaMemory.want({ cells: value }, [], host.view({})), {
      field: 'tuners.numa-memory.cells',
      message,
    });
});

interface Bench {
  readonly host: FakeHost;
  readonly specs: Map<string, Record<string, string>>;
  readonly changes: Map<string, Partial<DomainView>>;
  view(settings: TunerSettings): HostView;
  start(
    name: string,
    vcpus: number,
    specs?: Record<string, string>,
    change?: Partial<DomainView>,
  ): DomainView;
  wants(settings: TunerSettings): Promise<Record<string, string>>;
  /** Threads of a domain with the CPUs that they may run on. */
  pins(name: string): Promise<Record<string, string>>;
}

/** A fake host of 64 MiB domains with two cells that share its CPUs half and half, without SMT. */
function bench(
  t: Test,
  {
    online = '0-7',
    cgroup = 'v1',
    isolated = '',
  }: { online?: string; cgroup?: 'v1' | 'v2'; isolated?: string } = {},
): Bench {
  const host = new FakeHost({ online, cgroup, cells: '0-1' });
  t.teardown(() => host.dispose());
  host.put('/sys/devices/system/node/has_memory', '0-1');
  const specs: Bench['specs'] = new Map();
  const changes: Bench['changes'] = new Map();
  const half = host.online.length / 2;
  const cell = (id: number, cpus: readonly number[]): NumaCell => ({
    id,
    cpus: formatCpuSet(cpus),
    memoryBytes: 2 ** 33,
    hugepages: [],
    distances: { [id]: 10, [1 - id]: 21 },
  });
  const view = (settings: TunerSettings): HostView => {
    const { facts, domains } = host.view();
    const cpu = facts.cpu && { ...facts.cpu, isolated };
    const numaCells = [cell(0, host.online.slice(0, half)), cell(1, host.online.slice(half))];
    const dressed = domains.map((each) => ({
      ...each,
      specs: specs.get(each.name) ?? {},
      ...changes.get(each.name),
    }));
    return {
      facts: { ...facts, cpu, numaCells, versions: { libvirt: '9.0.0' } },
      domains: dressed,
      settings,
    };
  };
  return {
    host,
    specs,
    changes,
    view,
    start(name, vcpus, own = {}, change = {}) {
      specs.set(name, own);
      changes.set(name, change);
      return host.start({ name, vcpus, ioThreads: 1 });
    },
    async wants(settings) {
      const own = settings['vcpu-pinning'];
      if (!own) throw new Error('no settings of vcpu-pinning');
      const around = view(settings);
      const wants = vcpuPinning.want(own, await vcpuPinning.observe(host.ports, around), around);
      return Object.fromEntries(
        wants.map(({ knob, value, held, remark }) => [
          `${knob.domain?.name} ${knob.setting.replace(' affinity', '')}`,
          `${held === undefined ? value : `held: ${held}`}${remark === undefined || held !== undefined ? '' : ` (${remark})`}`,
        ]),
      );
    },
    async pins(name) {
      const around = view({});
      const readings = await vcpuPinning.observe(host.ports, {
        ...around,
        domains: around.domains.filter((each) => each.name === name),
      });
      return Object.fromEntries(
        readings.map(({ knob, value }) => [knob.setting.replace(' affinity', ''), value ?? '']),
      );
    },
  };
}

const dedicated = { 'hw:cpu_policy': 'dedicated' };

void t.test('wants of shared, dedicated and mixed domains', async (t) => {
  const table: [string, Record<string, string>, TunerSettings['vcpu-pinning'], string[]][] = [
    ['shared', {}, { shared: '0-1', dedicated: '2-7' }, ['0-1', '0-1', '0-1', '0-1']],
    ['dedicated', dedicated, { shared: '0-1', dedicated: '2-7' }, ['2', '3', '2-3', '2-3']],
    [
      'dedicated by the profile',
      {},
      { shared: '0-1', dedicated: '2-7', cpu_policy: 'dedicated' },
      ['2', '3', '2-3', '2-3'],
    ],
    [
      'dedicated without a set',
      dedicated,
      { shared: '0-1' },
      Array<string>(4).fill('held: the profile has no dedicated CPUs'),
    ],
    [
      'emulator shared',
      { ...dedicated, 'hw:emulator_threads_policy': 'share' },
      { shared: '0-1', dedicated: '2-7' },
      ['2', '3', '0-1', '0-1'],
    ],
    [
      'emulator alone',
      dedicated,
      { dedicated: '4-7', emulator_threads_policy: 'isolate' },
      ['4', '5', '6', '6'],
    ],
    [
      'mixed',
      { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '1' },
      { shared: '0-1', dedicated: '4-7' },
      ['0-1', '4', '0-1,4', '0-1,4'],
    ],
    [
      'mixed without a set',
      { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '1' },
      { dedicated: '4-7' },
      Array<string>(4).fill('held: hw:cpu_policy is mixed, and the profile has no shared CPUs'),
    ],
    [
      'no room',
      dedicated,
      { dedicated: '0,4' },
      Array<string>(4).fill('held: needs 2 dedicated CPUs in one cell, 1 is free'),
    ],
    [
      'a faulty spec',
      { 'hw:cpu_policy': 'x' },
      { shared: '1' },
      Array<string>(4).fill('held: extra spec hw:cpu_policy is x; want dedicated, shared, mixed'),
    ],
  ];
  for (const [name, specs, settings, expected] of table) {
    const host = bench(t);
    host.start('vm', 2, specs);
    t.same(Object.values(await host.wants({ 'vcpu-pinning': settings ?? {} })), expected, name);
  }
  const two = bench(t, { isolated: '2-3' });
  two.start('b', 1, dedicated);
  two.start('a', 1);
  t.same(
    await two.wants({ 'vcpu-pinning': { shared: '2-3', dedicated: '4-5' } }),
    {
      'a vcpu 0': '2-3 (CPUs 2-3 are isolated (isolcpus): the scheduler balances no threads over them)',
      'a emulator': '2-3 (CPUs 2-3 are isolated (isolcpus): the scheduler balances no threads over them)',
      'a iothread 1': '2-3 (CPUs 2-3 are isolated (isolcpus): the scheduler balances no threads over them)',
      'b vcpu 0': '4',
      'b emulator': '4',
      'b iothread 1': '4',
    },
    'shared domains leave first',
  );
  const pinned = bench(t);
  const other = pinned.start('a', 1);
  pinned.start('b', 2, dedicated);
  await pinned.host.pinVcpu(other, 0, [4]);
  t.equal(
    (await pinned.wants({ 'vcpu-pinning': { dedicated: '4-7' } }))['b vcpu 0'],
    '5',
    'a CPU that somebody has is not free',
  );
});

void t.test('emulator threads that do not follow', async (t) => {
  const host = bench(t);
  const view = host.start('vm', 1);
  const pid = view.pid as number;
  host.host.put(`/proc/${pid}/task/${pid + 50}/comm`, 'worker');
  host.host.put(`/proc/${pid}/task/${pid + 50}/status`, 'Cpus_allowed_list:\t0-7');
  host.host.put(`/proc/${pid}/task/${pid + 51}/comm`, 'kvm-nx-lpage-re');
  host.host.put(`/proc/${pid}/task/${pid + 51}/status`, 'Cpus_allowed_list:\t0-7');
  const emulator = async (): Promise<Reading | undefined> =>
    (await vcpuPinning.observe(host.host.ports, host.view({}))).find(
      ({ knob }) => knob.setting === 'emulator affinity',
    );
  t.match(await emulator(), { evidence: '2 of 2 emulator threads on 0-7', ineffective: undefined });
  await host.host.pinEmulator(view, [1]);
  t.match(await emulator(), {
    evidence: '1 of 2 emulator threads on 1',
    ineffective: `thread ${pid + 50} may still run on 0-7`,
  });
});

void t.test('away from the memory', async (t) => {
  const away = async (
    memoryBytes: number,
    settings: TunerSettings,
    own: Record<string, string> = {},
    mems?: string,
  ): Promise<string[]> => {
    const host = bench(t);
    const view = host.start('vm', 1, own, { memoryBytes });
    if (mems === undefined) await host.host.pinVcpu(view, 0, [1, 2]);
    else
      host.host.put(
        `/proc/${view.pid}/task/${view.pid}/status`,
        `Cpus_allowed_list:\t0-7\nMems_allowed_list:\t${mems}`,
      );
    return Object.values(await host.wants(settings));
  };
  const follow = { follow: 'cpus' } as const;
  const large = 2 ** 33;
  const held =
    /^held: vCPUs go from cell 0 to cell 1; 8192 MiB of memory stay behind.*needs numa-memory with follow: cpus, or a higher cross_cell_limit_mb/;
  t.match(
    await away(large, { 'vcpu-pinning': { shared: '4-7' } }),
    [held, held, held],
    'a large one is held',
  );
  t.match(
    await away(large, { 'vcpu-pinning': { shared: '4-7' } }, {}, '0'),
    [held],
    'also where its groups hold the memory',
  );
  t.match(
    await away(large, { 'vcpu-pinning': { shared: '4-7', cross_cell_limit_mb: 8193 } }),
    [/^4-7 \(vCPUs go .* stay behind/],
    'a higher limit lets it go',
  );
  t.match(await away(large, { 'vcpu-pinning': { shared: '4-7' }, 'numa-memory': follow }), [
    /^4-7 \(vCPUs go from cell 0 to cell 1; numa-memory moves 8192 MiB of memory after them in the next pass\)/,
  ]);
  t.match(
    await away(2 ** 26, { 'vcpu-pinning': { shared: '4-7' } }),
    [/^4-7 \(.* 64 MiB of memory stay behind/],
    'a small one goes',
  );
  t.match(await away(large, { 'vcpu-pinning': { shared: '3-7' } }), [/^3-7$/], 'part of the set is near');
  t.match(
    await away(large, { 'vcpu-pinning': { dedicated: '3-7' } }, dedicated),
    [/^3$/],
    'dedicated CPUs near it are taken',
  );
  t.match(await away(large, { 'vcpu-pinning': { dedicated: '4-7' } }, dedicated), [
    /^held: needs 1 dedicated CPUs in cell 0, where its memory is, 0 are free/,
  ]);
  t.match(await away(large, { 'vcpu-pinning': { dedicated: '4-7' }, 'numa-memory': follow }, dedicated), [
    /^4 \(vCPUs go from cell 0 to cell 1; numa-memory moves/,
  ]);
});

/** A reconciler over a bench. */
async function reconcilerOf(t: Test, host: Bench): Promise<Reconciler> {
  const state = mkdtempSync(join(tmpdir(), 'drover-pinning-'));
  const ledger = await Ledger.open(state, { bootId: 'boot-1', now: () => 0 });
  t.teardown(async () => {
    await ledger.close();
    rmSync(state, { recursive: true });
  });
  const log = { info: () => undefined, warn: () => undefined };
  const options = {
    tuners: [vcpuPinning, numaMemory],
    ports: host.host.ports,
    ledger,
    hostView: async () => host.view({}),
    planOnly: false,
    now: () => 0,
    log,
  };
  return new Reconciler(options);
}

const changed = (entries: readonly PlanEntry[]): string[] =>
  entries
    .filter(({ outcome }) => outcome !== 'in-sync')
    .map(({ knob, outcome, wanted, reason }) =>
      `${knob.domain?.name} ${knob.setting}: ${outcome} ${wanted} ${reason}`.trim(),
    );

void t.test('sets change while domains run', async (t) => {
  const host = bench(t);
  for (const name of ['a', 'b']) host.start(name, 2, dedicated);
  host.start('s', 1);
  const before = host.host.snapshot();
  const reconciler = await reconcilerOf(t, host);
  const first: TunerSettings = { 'vcpu-pinning': { shared: '0', dedicated: '2-5' } };
  t.notMatch(changed(await reconciler.apply(first)).join('\n'), /failed|held/);
  t.match(
    [await host.pins('a'), await host.pins('b'), await host.pins('s')],
    [
      { 'vcpu 0': '2', 'vcpu 1': '3', emulator: '2-3', 'iothread 1': '2-3' },
      { 'vcpu 0': '4', 'vcpu 1': '5' },
      { 'vcpu 0': '0', 'iothread 1': '0' },
    ],
  );
  t.same(changed(await reconciler.apply(first)), [], 'a second pass has nothing to do');
  const c = host.start('c', 1, dedicated);
  t.match(
    changed(await reconciler.applyDomain(first, c.uuid)),
    [/held .*needs 1 dedicated CPUs in one cell, 0 are free/],
    'a start alone sees who has which',
  );
  const second: TunerSettings = { 'vcpu-pinning': { shared: '0', dedicated: '3-6' } };
  await reconciler.apply(second);
  const now = [await host.pins('a'), await host.pins('b'), await host.pins('c')].map((pins) => [
    pins['vcpu 0'],
    pins['vcpu 1'],
  ]);
  t.same(now[1], ['4', '5'], 'b stays');
  t.match(
    changed(await reconciler.verify(second)).join(),
    /^a vcpu 0 affinity: held.*needs 2 dedicated CPUs in one cell, 1 is free/,
  );
  t.same(now[2], ['6', undefined], 'c has the CPU that came in');
  t.same(
    await reconciler.apply({ 'vcpu-pinning': { shared: '0', dedicated: '2-6' } }).then(changed),
    [],
    'a sits well again',
  );
  host.host.stop(c.uuid);
  await reconciler.revert();
  const after = host.host.snapshot();
  for (const [file, text] of Object.entries(before))
    if (after[file] !== text) t.fail(`${file} is ${after[file]}, was ${text}`);
  t.match(
    await host.pins('a'),
    { 'vcpu 0': '0-7', emulator: '0-7', 'iothread 1': '0-7' },
    'undo writes the very set back',
  );
});

for (const cgroup of ['v1', 'v2'] as const) {
  void t.test(`numa-memory on cgroup ${cgroup}`, async (t) => {
    const host = bench(t, { cgroup });
    const view = host.start('vm', 2);
    const { host: fake } = host;
    const look = async (change: Partial<DomainView> = {}, settings: object = { follow: 'cpus' }) => {
      host.changes.set('vm', change);
      const around = host.view({});
      const [reading] = await numaMemory.observe(fake.ports, around);
      const [want] = numaMemory.want(settings, reading ? [reading] : [], around);
      return { reading, want };
    };
    const whole = '0-1';
    t.match(
      await look(),
      { reading: { value: whole }, want: { value: whole } },
      'vCPUs everywhere: memory everywhere',
    );
    await fake.pinVcpu(view, 0, [4]);
    await fake.pinVcpu(view, 1, [5]);
    t.match(await look(), {
      want: {
        value: '1',
        effect: 'now',
        deferred: undefined,
        remark: 'up to 64 MiB are copied to 1 while it runs',
      },
    });
    t.match(await look({}, { cells: '0' }), { want: { value: '0' } });
    t.same((await look({}, { follow: 'none' })).want, undefined);
    for (const [mode, version, deferred] of [
      ['interleave', '9.0.0', /libvirt 9.0.0 .* restrictive only, and its XML says interleave/],
      ['strict', '9.0.0', /restrictive only/],
      ['strict', '7.0.0', undefined],
      ['restrictive', '9.0.0', undefined],
    ] as const) {
      host.changes.set('vm', { numaMemory: { mode, nodeset: '0-1' } });
      const around = host.view({});
      const facts = { ...around.facts, versions: { libvirt: version } };
      const readings = await numaMemory.observe(fake.ports, { ...around, facts });
      t.match(
        numaMemory.want({ follow: 'cpus' }, readings, { ...around, facts })[0],
        { value: '1', effect: deferred ? 'domain-restart' : 'now', deferred },
        `${mode} on ${version}`,
      );
    }
    const { reading } = await look();
    if (!reading) throw new Error('no reading');
    await numaMemory.write(fake.ports, reading.knob, '1');
    t.match(await look(), { reading: { value: '1' }, want: { value: '1' } });
    const groups = fake.group(view, 'cpuset');
    fake.put(`${groups}/vcpu1/cpuset.mems`, '0-1');
    const odd = (await look()).reading?.value ?? '';
    t.equal(odd, 'mixed emulator=1 iothread1=1 vcpu0=1 vcpu1=0-1');
    // Undo has to be able to write everything that a look can give.
    const twin: KnobDomain = { ...(reading.knob.domain as KnobDomain), incarnation: `${view.pid}-7` };
    for (const value of [whole, odd, '0']) {
      host.host.put('/unused', '');
      await numaMemory.write(fake.ports, { ...reading.knob, domain: twin }, value);
      t.equal((await look()).reading?.value, value, `${value} can be put back`);
    }
    fake.put(`${groups}/emulator/cpuset.mems`, '1');
    for (const name of ['vcpu0', 'vcpu1', 'iothread1']) fake.put(`${groups}/${name}/cpuset.mems`, '1');
    fake.put(
      '/proc/self/mounts',
      cgroup === 'v1'
        ? ['cpuset', 'memory'].map((name) => `cgroup /sys/fs/cgroup/${name} cgroup rw,${name} 0 0`).join('\n')
        : 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0',
    );
    const path = groups.replace(/^\/sys\/fs\/cgroup(\/cpuset)?/, '');
    if (cgroup === 'v1') fake.put(`/proc/${view.pid}/cgroup`, `3:cpuset:${path}/emulator\n4:memory:${path}`);
    const file = `${cgroup === 'v1' ? `/sys/fs/cgroup/memory${path}` : groups}/memory.numa_stat`;
    const stat = (cell0: number, cell1: number): void =>
      fake.put(
        file,
        cgroup === 'v1'
          ? `total=99 N0=50 N1=49\nhierarchical_file=7 N0=7 N1=0\nhierarchical_anon=${cell0 + cell1} N0=${cell0} N1=${cell1}\nhierarchical_unevictable=0 N0=0 N1=0`
          : `anon N0=${cell0 * 1024} N1=0\nfile N0=4096 N1=0\nshmem N0=0 N1=${cell1 * 1024}`,
      );
    const unit = cgroup === 'v1' ? 'pages' : 'KiB';
    stat(325, 9505);
    t.match((await look()).reading, { evidence: `9505 of 9830 ${unit} on cell 1`, ineffective: undefined });
    stat(2000, 8000);
    t.match((await look()).reading, {
      evidence: `8000 of 10000 ${unit} on cell 1`,
      ineffective: /did not follow: only 8000 of 10000/,
    });
    fake.put(
      `/proc/${view.pid}/numa_maps`,
      '7f00 default file=/usr/bin/qemu mapped=9 N0=9 kernelpagesize_kB=4\n7f01 bind:1 file=/dev/hugepages/x huge dirty=30 N0=2 N1=28 kernelpagesize_kB=2048',
    );
    t.match(
      (await look({ hugepages: true })).reading,
      { evidence: '57344 of 61440 KiB on cell 1', ineffective: undefined },
      'huge pages are counted in the process',
    );
  });
}

void t.test('numa-memory: no guest goes to cells without room', async (t) => {
  const host = bench(t);
  const { host: fake } = host;
  const gib = 2 ** 30;
  const node = (cell: number): string => `/sys/devices/system/node/node${cell}`;
  const room = (cell: number, freeGib: number, cacheGib: number): void =>
    fake.put(
      `${node(cell)}/meminfo`,
      `Node ${cell} MemTotal: ${100 * 2 ** 20} kB\nNode ${cell} MemFree: ${freeGib * 2 ** 20} kB\nNode ${cell} Inactive(file): ${cacheGib * 2 ** 20} kB`,
    );
  room(0, 100, 0);
  const views = ['a', 'b'].map((name) => host.start(name, 1));
  for (const view of views) await fake.pinVcpu(view, 0, [4]);
  const around = host.view({});
  const readings = await numaMemory.observe(fake.ports, around);
  /** What both ask for, with so much memory on cells 0 and 1 each, in GiB; all of it where that is not known. */
  const ask = async (memory: readonly (readonly [number, number] | undefined)[], more: object[] = []) => {
    const [first] = (await numaMemory.observe(fake.ports, around)) as { rooms?: unknown }[];
    const given = readings.map((reading, index) => {
      const [near, far] = memory[index] ?? [0, 0];
      const byCell = new Map([[0, near * 2 ** 20], [1, far * 2 ** 20]]); // prettier-ignore
      const own = memory[index] ? { memory: { unit: 'KiB', byCell } } : { memory: undefined };
      return { ...reading, rooms: first?.rooms, memoryBytes: 30 * gib, ...own, ...more[index] };
    });
    return numaMemory.want({ follow: 'cpus' }, given, around).map(({ held }) => held ?? '');
  };
  room(1, 20, 1);
  t.strictSame(
    await ask([[100, 0], [0, 100]]),
    ['100 GiB of its memory would go to cell 1, where 20 GiB can be taken', ''],
    'what is there already needs no room',
  ); // prettier-ignore
  for (const [what, memory, expected] of [
    ['up to the floor of 1 %', [[20, 0], [0, 0]], [/^$/, /^$/]],
    ['beyond it', [[20.1, 0], [0, 0]], [/^20\.1 GiB/, /^$/]],
    ['both together have too much', [[12, 0], [12, 0]], [/^$/, /^12 GiB .* 8 GiB can be taken/]],
    ['who is held takes nothing', [[21, 0], [20, 0]], [/^21 GiB/, /^$/]],
    ['where it lies is not known', [undefined, [20, 0]], [/^30 GiB of its memory/, /^$/]],
  ] as [string, ([number, number] | undefined)[], RegExp[]][])
    t.match(await ask(memory), expected, what); // prettier-ignore
  t.match(await ask([[12, 0], [12, 0]], [{ explicit: true }]), [/^$/, /^$/], 'the XML has the say: it does not move'); // prettier-ignore

  const huge = (pageKb: number) => [{ memory: { unit: 'KiB', byCell: new Map([[0, 4 * 2 ** 20]]), pageKb } }];
  fake.put(`${node(1)}/hugepages/hugepages-2048kB/nr_hugepages`, '3000');
  fake.put(`${node(1)}/hugepages/hugepages-2048kB/free_hugepages`, '2048');
  const dressed = { ...around, domains: around.domains.map((each) => ({ ...each, hugepages: true })) };
  const [first] = (await numaMemory.observe(fake.ports, dressed)) as { rooms?: unknown }[];
  const hugeHeld = (pageKb: number, times = 1): string[] =>
    numaMemory
      .want(
        { follow: 'cpus' },
        readings.slice(0, times).map((reading) => ({ ...reading, rooms: first?.rooms, ...huge(pageKb)[0] })),
        around,
      )
      .map(({ held }) => held ?? '');
  t.strictSame(hugeHeld(2048), [''], 'free huge pages suffice');
  t.match(hugeHeld(2048, 2), [/^$/, /^4 GiB .* 0 B of 2048 kB pages are free/]);
  t.match(hugeHeld(1_048_576), [/0 B of 1048576 kB pages are free/]);
  t.match(hugeHeld(0), [/huge pages of several sizes/]);
  fake.put(`${node(1)}/meminfo`, 'Node 1 MemTotal: 9 kB');
  t.strictSame(await ask([[100, 0], [0, 0]]), ['', ''], 'a kernel that does not tell'); // prettier-ignore
});

void t.test('numa-memory where there is nothing to do', async (t) => {
  const host = bench(t);
  const view = host.start('vm', 1);
  const around = host.view({});
  const bare = { ...around, facts: { ...around.facts, numaCells: [] } };
  t.match(await numaMemory.observe(host.host.ports, bare), [
    { unsupported: 'this kernel knows no NUMA cells' },
  ]);
  const cellsOf = (memory: readonly number[]): HostView => ({
    ...around,
    facts: {
      ...around.facts,
      numaCells: around.facts.numaCells.map((cell) => ({ ...cell, memoryBytes: memory[cell.id] ?? 0 })),
    },
  });
  await host.host.pinVcpu(view, 0, [6]);
  const near = cellsOf([2 ** 30, 0]);
  const readings = await numaMemory.observe(host.host.ports, near);
  t.match(
    numaMemory.want({ follow: 'cpus' }, readings, near),
    [{ value: '0' }],
    'a cell without memory: the nearest that has some',
  );
  host.host.stop(view.uuid);
  t.match(
    await numaMemory.observe(host.host.ports, around),
    [{ unsupported: 'the process of the domain is not known' }],
    'a domain that ended',
  );
  t.match(await vcpuPinning.observe(host.host.ports, around), [
    { unsupported: 'the process of the domain is not known' },
  ]);
});

void t.test('a look at 40 domains costs little CPU time', async (t) => {
  const host = bench(t, { online: '0-127' });
  for (let number = 0; number < 40; number++) host.start(`d${number}`, 4, dedicated);
  const settings: TunerSettings = {
    'vcpu-pinning': { shared: '0-3', dedicated: '4-127' },
    'numa-memory': { follow: 'cpus' },
  };
  const around = host.view(settings);
  const look = async (): Promise<number> => {
    const before = process.cpuUsage();
    const ports = { ...host.host.ports, kernel: readingOnce(host.host.root) };
    const pins = await vcpuPinning.observe(ports, around);
    const wants = vcpuPinning.want({ shared: '0-3', dedicated: '4-127' }, pins, around);
    const memory = await numaMemory.observe(ports, around);
    numaMemory.want({ follow: 'cpus' }, memory, around);
    t.equal(wants.length, 40 * 6);
    t.equal(wants.filter(({ held }) => held !== undefined).length, 9 * 6, '31 of 40 fit');
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  const costs = [await look(), await look(), await look()];
  // 40 to 100 ms were measured on two busy CPUs; what is looked for is a cost that grows with the square.
  t.ok(Math.min(...costs) < 400, `${costs.map(Math.round).join(', ')} ms`);
});

void t.test(
  'CPUs of a domain whose XML is not known, and those that an XML pins, are not given away',
  async (t) => {
    const settings: TunerSettings = { 'vcpu-pinning': { shared: '0-1', dedicated: '4-7' } };
    const host = bench(t);
    const slow = host.start('a', 2, {}, { xmlUnknown: 'the XML of the domain could not be read' });
    host.start('b', 2, dedicated);
    for (const vcpu of [0, 1]) await host.host.pinVcpu(slow, vcpu, [4 + vcpu]);
    t.match(await host.wants(settings), { 'b vcpu 0': '6', 'b vcpu 1': '7' });
    const [first] = await vcpuPinning.observe(host.host.ports, host.view(settings));
    t.match(first, { unsupported: /could not be read/, cpus: [4], value: undefined });
    await host.host.pinVcpu(slow, 1, [4, 6]);
    t.match(await host.wants(settings), { 'b vcpu 0': '5', 'b vcpu 1': '7' });
    await host.host.pinVcpu(slow, 1, [0, 1, 2, 3, 4, 5, 6, 7]);
    t.match(
      await host.wants(settings),
      { 'b vcpu 0': '5', 'b vcpu 1': '6' },
      'open everywhere: holds nothing',
    );

    const own = bench(t);
    const explicit = { vcpuPins: [0], emulatorPin: true, ioThreadPins: [] };
    const pinned = own.start('a', 1);
    own.changes.set('a', { explicit: { ...pinned.explicit, ...explicit } });
    own.start('b', 2, dedicated);
    await own.host.pinVcpu(pinned, 0, [4, 5]);
    await own.host.pinEmulator(pinned, [6]);
    t.match(await own.wants(settings), { 'b vcpu 0': /needs 2 dedicated CPUs in one cell, 1 is free/ });
    const over = { 'vcpu-pinning': { ...settings['vcpu-pinning'], override_explicit: true } };
    t.match(await own.wants(over), { 'b vcpu 0': '4' }, 'what is moved holds nothing');
    const around = own.view(settings);
    const readings = await vcpuPinning.observe(own.host.ports, around);
    const held = readings.map(({ knob }) => knob);
    const wants = vcpuPinning.want(settings['vcpu-pinning'] ?? {}, readings, { ...around, held });
    t.equal(
      wants.find(({ knob }) => knob.domain?.name === 'b')?.value,
      '4',
      "Drover's own pins hold nothing",
    );
    await own.host.pinEmulator(pinned, [0, 1, 2, 3, 4, 5, 6, 7]);
    await own.host.pinVcpu(pinned, 0, [0]);
    t.match(await own.wants(settings), { 'b vcpu 0': '4' }, 'nor does a pin to every CPU');
    own.specs.set('a', dedicated);
    await own.host.pinVcpu(pinned, 0, [5]);
    t.match(
      await own.wants(settings),
      { 'a vcpu 0': '5', 'b vcpu 0': '4', 'b vcpu 1': '6' },
      'a dedicated domain has its own pins',
    );
  },
);

void t.test('two domains that were planned the same CPUs', async (t) => {
  const host = bench(t);
  const tuner = makeVcpuPinning();
  let nowMs = 0;
  const ports = { ...host.host.ports, monotonicMs: () => nowMs };
  const settings = { shared: '0', dedicated: '4-6' };
  const [a, b] = [host.start('a', 2, dedicated), host.start('b', 2, dedicated)];
  /** The wants of one domain, by somebody who sees it alone. */
  const plan = async (uuid: string, others = false) => {
    const all = host.view({ 'vcpu-pinning': settings });
    const rest = all.domains.filter((each) => each.uuid !== uuid);
    const view = { ...all, domains: all.domains.filter((each) => each.uuid === uuid), others: others ? rest : [] };
    const wants = tuner.want(settings, await tuner.observe(ports, view), view);
    return wants.filter(({ knob }) => knob.domain?.uuid === uuid);
  };
  const values = (wants: Awaited<ReturnType<typeof plan>>): string[] => wants.map(({ held, value }) => held ?? value);
  const [first, second] = [await plan(a.uuid), await plan(b.uuid)];
  t.same([values(first), values(second)], [['4', '5', '4-5', '4-5'], ['4', '5', '4-5', '4-5']]);
  t.same(values(await plan(b.uuid)), values(second), 'a plan promises nothing');
  const write = ({ knob, value }: (typeof first)[number]): Promise<void> => tuner.write(ports, knob, value);
  const [mine, theirs] = [first[0], second[0]];
  if (!mine || !theirs) throw new Error('no wants');
  await write(mine);
  await t.rejects(write(theirs), {
    code: 'failed-precondition',
    message: 'CPUs 4-5 were taken meanwhile by a; the next pass chooses anew',
  });
  t.match(await host.pins('b'), { 'vcpu 0': '0-7' }, 'nothing was pinned');
  t.match(values(await plan(b.uuid)), [/needs 2 .* 1 is free/], 'a later plan knows, also without seeing the other');
  t.match(values(await plan(b.uuid, true)), [/needs 2 .* 1 is free/], 'though the second vCPU of the other is not pinned yet');
  t.same(values(await plan(a.uuid)), ['4', '5', '4-5', '4-5'], 'and the other keeps its place');
  for (const want of first.slice(1)) await write(want);
  await t.rejects(write(theirs), { message: /taken meanwhile/ }, 'an old plan is refused also after the pins are in force');
  await tuner.write(ports, { ...theirs.knob }, '0-7');
  t.pass('an undo is let through');
  for (const { knob } of first) await tuner.write(ports, knob, '0-7');
  await write(theirs);
  t.match(await host.pins('b'), { 'vcpu 0': '4' }, 'and gives its CPUs back');
  host.host.pinVcpu = async () => undefined;
  nowMs += promiseLifeMs - 1;
  t.same(values(await plan(a.uuid)).length, 4);
  t.match(values(await plan(a.uuid)), [/needs 2/]);
  nowMs += 1;
  t.same(values(await plan(a.uuid))[0], '4', 'a promise that is not kept ends');
  host.host.stop(b.uuid);
  await write(mine);
  t.pass('so does that of a domain that ended');
}); // prettier-ignore

for (const cgroup of ['v1', 'v2'] as const) {
  void t.test(`what a control group leaves of a set on cgroup ${cgroup}`, async (t) => {
    const host = bench(t, { cgroup });
    const view = host.start('vm', 1);
    const parent = host.host.group(view, 'cpuset').replace(/\/[^/]*(?:\/libvirt)?$/, '');
    const [name] = parent.split('/').slice(-1);
    const file = `${parent}/${cgroup === 'v1' ? 'cpuset.effective_cpus' : 'cpuset.cpus.effective'}`;
    host.host.put(file, '4-7');
    const remark = `of CPUs 2-7: control group ${name} leaves it CPUs 4-7 alone`;
    t.match(await host.wants({ 'vcpu-pinning': { shared: '2-7' } }), { 'vm vcpu 0': `4-7 (${remark})` });
    t.match(await host.wants({ 'vcpu-pinning': { shared: '4-5' } }), { 'vm vcpu 0': '4-5' });
    t.match(await host.wants({ 'vcpu-pinning': { shared: '0-1' } }), {
      'vm vcpu 0': `held: none of CPUs 0-1 can be had: control group ${name} leaves it CPUs 4-7 alone`,
    });
    host.specs.set('vm', dedicated);
    t.match(await host.wants({ 'vcpu-pinning': { dedicated: '2-7' } }), { 'vm vcpu 0': '4' });
    const [reading] = await vcpuPinning.observe(host.host.ports, host.view({}));
    if (!reading) throw new Error('no reading');
    await t.rejects(vcpuPinning.write(host.host.ports, reading.knob, '0-7'), {
      code: 'failed-precondition',
      message: `0-7 is pinned, but control group ${name} leaves it CPUs 4-7 alone; widen that group`,
    });
    host.host.put(file, '0-7');
    await vcpuPinning.write(host.host.ports, reading.knob, '0-7');
  });
}
