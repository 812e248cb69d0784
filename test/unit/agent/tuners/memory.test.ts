/** The tuners of host memory over kernels in memory: pools of huge pages, THP, vm.*, sysctls. */
import t from 'tap';
import type { MemoryRoot, WriteRule } from '../../../../agent/sim/memory-root.js';
import {
  maximumShortfalls,
  shortfallLifeMs,
  Shortfalls,
} from '../../../../agent/tuners/common/memory/shortfalls.js';
import {
  bootSettingOf,
  maximumLines,
  parseBootFile,
  readBootSettings,
} from '../../../../agent/tuners/common/memory/sysctl-files.js';
import { PerHost } from '../../../../agent/tuners/common/per-host.js';
import { createHugepages } from '../../../../agent/tuners/hugepages.js';
import { createSysctl, maximumKnown } from '../../../../agent/tuners/sysctl.js';
import { transparentHugepages } from '../../../../agent/tuners/transparent-hugepages.js';
import type { Want } from '../../../../agent/tuners/tuner.js';
import { virtualMemory } from '../../../../agent/tuners/virtual-memory.js';
import { sysctlName, sysctlPath } from '../../../../proto/tuners/sysctl-names.js';
import { checkProfile } from '../../../../proto/wire/profile.js';
import type { TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { asked, ports, tree, view, wants, write } from '../../../support/tuner-look.js';

/** Says what is wrong with settings as a profile gives them. */
function refusal(tuners: object): string {
  try {
    checkProfile({ name: 'x', tuners });
    return '';
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

void t.test('settings are refused by name, with what would be right', async (t) => {
  const pool = { size: '2MiB', cell: 0, pages: 4 };
  const names = (settings: object) => ({ sysctl: { settings } });
  const cases: [object, RegExp | ''][] = [
    [{ ksm: { run: 'auto', max_cpu_percent: 40, on_below_percent: 15 } }, ''],
    [{ ksm: { run: 'sometimes' } }, /tuners\.ksm\.run.*off.*on.*auto.*unmerge/],
    [{ ksm: { run: 'on', on_below_percent: 95 } }, /on_below_percent/],
    [{ ksm: { run: 'on', max_page_sharing: 1 } }, /max_page_sharing/],
    [
      { ksm: { run: 'on', advisor: 'scan-time', pages_to_scan: 5 } },
      /pages_to_scan: .*none with advisor: scan-time/,
    ],
    [
      { ksm: { run: 'on', advisor: 'none', advisor_max_cpu: 9 } },
      /advisor: .*scan-time with advisor_max_cpu/,
    ],
    [{ hugepages: { pools: [pool, { size: '1 GiB', pages: 1, reserved_pages: 1 }] } }, ''],
    [{ hugepages: { pools: [{ ...pool, size: '2 miles' }] } }, /size.*a page size such as 2MiB/],
    [{ hugepages: { pools: [pool, { size: '2048kB', cell: 0 }] } }, /each size once for a cell/],
    [{ hugepages: { pools: [pool, { size: '2M', pages: 1 }] } }, /each size once for a cell/],
    [{ hugepages: { pools: [{ ...pool, reserved_pages: 5 }] } }, /reserved_pages.*at most the pages/],
    [{ hugepages: { pools: [{ ...pool, overcommit_pages: 5 }] } }, /overcommit_pages.*whole host/],
    [{ hugepages: { pools: [pool], deadline_seconds: 61 } }, /deadline_seconds/],
    [{ 'transparent-hugepages': { enabled: 'always', shmem_enabled: 'advise' } }, ''],
    [{ 'transparent-hugepages': { enabled: 'always', khugepaged_pages_to_scan: 0 } }, /pages_to_scan/],
    [{ 'virtual-memory': { dirty_bytes: 1 << 20, dirty_background_ratio: 5 } }, ''],
    [{ 'virtual-memory': { dirty_bytes: 0 } }, /dirty_bytes/],
    [{ 'virtual-memory': { dirty_ratio: 5, dirty_bytes: 9999 } }, /either dirty_ratio or dirty_bytes/],
    [{ 'virtual-memory': { dirty_ratio: 5, dirty_background_ratio: 5 } }, /less than dirty_ratio/],
    [{ 'virtual-memory': { swappiness: 201 } }, /swappiness/],
    [names({ 'net.ipv4.tcp_rmem': '4096  131072 6291456', 'net.core.somaxconn': 4096 }), ''],
    [names({ 'net.ipv4.conf.eth0/100.forwarding': 1 }), ''],
    [names({ 'vm.swappiness': 1 }), /vm\.swappiness.*not of the tuner virtual-memory/],
    [names({ 'vm/dirty_bytes': 1 }), /not of the tuner virtual-memory/],
    [names({ 'kernel.numa_balancing': 1 }), /virtual-memory/],
    [names({ 'vm.nr_hugepages': 1 }), /hugepages/],
    [names({ 'vm.drop_caches': 3 }), /acts once/],
    [names({ 'kernel.sysrq-trigger': 'c' }), /acts once/],
    [names({ 'kernel.core_pattern': '|/bin/x' }), /run a program/],
    [names({ 'kernel/modprobe': '/bin/x' }), /run a program/],
    [names({ 'kernel.modules_disabled': 1 }), /until the host restarts/],
    [names({ 'net.ipv4.ip_forward': 1 }), /can be undone: .*every interface/],
    [names({ 'net/ipv4/conf/all/rp_filter': 1 }), /every interface/],
    [names({ 'net.ipv6.conf.all.disable_ipv6': 1 }), /every interface/],
    [names({ 'kernel.hostname': 'x' }), /who the host is/],
    [names({ 'net/../../etc/passwd': 'x' }), /a name such as/],
    [names({ 'net.ipv4.x*': 'x' }), /a name such as/],
    [names({ vm: 'x' }), /a name such as/],
    [names({ 'net.core.somaxconn': 1, 'net/core/somaxconn': 2 }), /one spelling/],
    [names({ 'net.core.somaxconn': '  ' }), /not empty/],
    [names({ 'net.core.somaxconn': true }), /whole number or text/],
    [names(Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`net.x${n}`, 1]))), /at most 256 names/],
  ];
  for (const [tuners, message] of cases) {
    const said = refusal(tuners);
    if (message === '') t.equal(said, '', JSON.stringify(tuners));
    else t.match(said, message, JSON.stringify(tuners).slice(0, 90));
  }
});

const node = (cell: number) => `/sys/devices/system/node/node${cell}`;

/** Two cells whose kernel has only so many pages of each size left. */
function poolHost(free: Record<string, number>): MemoryRoot & { log: string[] } {
  const log: string[] = [];
  const root: MemoryRoot = tree({}, (file, value, before) => {
    log.push(`${file.replace(/^.*node(?=\d)/, '').replace('/hugepages/hugepages-', ' ')}=${value}`);
    if (!file.endsWith('/nr_hugepages')) return value;
    const folder = file.replace('/nr_hugepages', '');
    const used = Number(before) - Number(root.read(`${folder}/free_hugepages`));
    const surplus = Number(root.read(`${folder}/surplus_hugepages`));
    const total = Math.max(Math.min(Number(value) + surplus, free[file] ?? 1e9), used);
    root.put(`${folder}/free_hugepages`, `${total - used}`);
    root.put(`${folder}/surplus_hugepages`, `${Math.max(0, total - Number(value))}`);
    return `${total}`;
  });
  for (const cell of [0, 1]) {
    root.put(`${node(cell)}/meminfo`, `Node ${cell} MemTotal: 16777216 kB`);
    root.put(`${node(cell)}/compact`, '');
    for (const size of [2048, 1_048_576])
      for (const file of ['nr_hugepages', 'free_hugepages', 'surplus_hugepages'])
        root.put(`${node(cell)}/hugepages/hugepages-${size}kB/${file}`, '0');
  }
  root.put(`${node(2)}/meminfo`, 'Node 2 MemTotal: 0 kB');
  root.put(`${node(2)}/hugepages/hugepages-2048kB/nr_hugepages`, '0');
  for (const size of [2048, 1_048_576])
    for (const file of ['nr_overcommit_hugepages', 'resv_hugepages'])
      root.put(`/sys/kernel/mm/hugepages/hugepages-${size}kB/${file}`, '0');
  root.put('/proc/meminfo', 'MemTotal: 33554432 kB\nMemAvailable: 30000000 kB');
  return Object.assign(root, { log });
}

const pool = (cell: number, size: number) => `${node(cell)}/hugepages/hugepages-${size}kB`;

void t.test('hugepages: what is asked for', async (t) => {
  const root = poolHost({});
  const tuner = createHugepages();
  const cases: [NonNullable<TunerSettings['hugepages']>['pools'], string[]][] = [
    [[{ size: '2MiB', cell: 1, pages: 8 }], ['nr_hugepages 2048kB cell 1=8']],
    [[{ size: '2MiB', pages: 9 }], ['nr_hugepages 2048kB cell 0=5', 'nr_hugepages 2048kB cell 1=4']],
    [
      [{ size: '1GiB', pages: 2, overcommit_pages: 3 }],
      [
        'nr_hugepages 1048576kB cell 0=1',
        'nr_hugepages 1048576kB cell 1=1',
        'nr_overcommit_hugepages 1048576kB=3',
      ],
    ],
    [[{ size: '2MiB', reserved_pages: 4 }], []],
  ];
  for (const [pools, expected] of cases) t.strictSame(asked(await wants(tuner, root, { pools })), expected);
  const bad: [NonNullable<TunerSettings['hugepages']>['pools'], RegExp][] = [
    [[{ size: '2MiB', cell: 2, pages: 1 }], /"cell 2"; want a NUMA cell of this host: 0, 1/],
    [[{ size: '1GiB', pages: 33 }], /"33\.0 GiB"; want less than the 32\.0 GiB/],
  ];
  for (const [pools, message] of bad)
    await t.rejects(wants(tuner, root, { pools }), { field: 'tuners.hugepages.pools', message });
  const odd = await wants(tuner, root, { pools: [{ size: '16MiB', cell: 0, pages: 1 }] });
  t.match(odd, [{ knob: { setting: 'nr_hugepages 16384kB cell 0' } }]);
  const given = [{ size: '2MiB', cell: 0, pages: 64, reserved_pages: 16 }];
  await write(tuner, root, 'nr_hugepages 2048kB cell 0', '64');
  root.put(`${pool(0, 2048)}/free_hugepages`, '54');
  const readings = await tuner.observe(ports(root), view({ hugepages: { pools: given } }));
  t.match(readings[0], {
    value: '64',
    evidence: '10 of 64 pages in use, 54 free, 16 for the host and not for domains',
  });
  const shrink = async (pages: number) =>
    (await wants(tuner, root, { pools: [{ size: '2MiB', cell: 0, pages }] }))[0]?.held;
  t.equal(await shrink(9), '10 pages of 2048 kB on cell 0 are in use');
  t.equal(await shrink(10), undefined);
  root.put('/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages', '20');
  t.match(await shrink(20), /20 of 54 free pages are promised/);
  t.equal(await shrink(30), undefined);
  const both = [
    { size: '2MiB', cell: 1, pages: 5 },
    { size: '2MiB', cell: 0, pages: 40 },
  ];
  t.match(
    asked(await wants(tuner, root, { pools: both })),
    [/cell 0=40/, /cell 1=5/],
    'what shrinks goes first',
  );
  root.put(`${pool(1, 2048)}/nr_hugepages`, '7');
  root.put(`${pool(1, 2048)}/surplus_hugepages`, '3');
  const cell1 = (await tuner.observe(ports(root), view()))[2];
  t.match(cell1, { value: '4', evidence: /3 beyond the pool/ }, 'surplus pages are none of the pool');
});

void t.test(
  'hugepages: a shortfall is put back, remembered, and deferred where only a boot helps',
  async (t) => {
    const clock = { nowMs: 0 };
    const sleep = async (milliseconds: number) => void (clock.nowMs += milliseconds);
    const tuner = createHugepages({ sleep });
    const small = `${pool(0, 2048)}/nr_hugepages`;
    const root = poolHost({ [small]: 300, [`${pool(1, 1_048_576)}/nr_hugepages`]: 2 });
    const own = ports(root, () => clock.nowMs);
    const settings = {
      pools: [
        { size: '2MiB', cell: 0, pages: 512 },
        { size: '1GiB', cell: 1, pages: 4 },
      ],
      deadline_seconds: 2,
    };
    const host = view({ hugepages: settings });
    await root.write(small, '100');
    root.log.length = 0;
    const look = async () => tuner.want(settings, await tuner.observe(own, host), host);
    const [first, second] = (await look()) as [Want, Want];
    const message = 'got 300 of 512 pages of 2048 kB on cell 0: the kernel found no more; put back to 100';
    await t.rejects(tuner.write(own, first.knob, first.value), { code: 'kernel-write-failed', message });
    t.equal(root.read(small), '100');
    t.ok(clock.nowMs >= 2000 && clock.nowMs <= 2250, `given up after ${clock.nowMs} ms`);
    t.strictSame(
      [root.log.filter((line) => line.includes('compact')), root.log[0], root.log[1]],
      [['0/compact=1'], '0 2048kB/nr_hugepages=512', '0/compact=1'],
      'compacted once, after the first try',
    );
    t.equal((await look())[0]?.fails, `${message}; asked again later`, 'not pressed again at once');
    clock.nowMs += shortfallLifeMs;
    t.notHas((await look())[0], { fails: String }, 'but after ten minutes');
    await t.rejects(tuner.write(own, first.knob, first.value), { message });

    t.notHas(second, { deferred: String });
    await t.rejects(tuner.write(own, second.knob, second.value), {
      message: /^got 2 of 4 pages of 1048576 kB on cell 1/,
    });
    const [, later] = (await look()) as [Want, Want];
    t.match(later, {
      effect: 'host-reboot',
      deferred: /^got 2 of 4 .*boot with hugepagesz=1G hugepages=1:4$/,
    });

    root.put('/proc/meminfo', `MemTotal: 33554432 kB\nMemAvailable: ${600 * 1024} kB`);
    await t.rejects(
      write(
        createHugepages({ sleep }),
        root,
        'nr_hugepages 2048kB cell 1',
        '512',
        view({ hugepages: { ...settings, deadline_seconds: 0 } }),
      ),
      { message: /^got 0 of 512 .*: 600 MiB are available, and 328 MiB must stay so/ },
      'the host keeps a percent of its memory',
    );
    root.put('/proc/meminfo', 'MemTotal: 33554432 kB\nMemAvailable: 30000000 kB');
    const cellMemory = (free: number): void =>
      root.put(
        `${node(1)}/meminfo`,
        `Node 1 MemTotal: 16777216 kB\nNode 1 MemFree: ${free * 1024} kB\nNode 1 Inactive(file): ${100 * 1024} kB`,
      );
    const onCell = (pages: number) =>
      write(
        createHugepages({ sleep }),
        root,
        'nr_hugepages 2048kB cell 1',
        `${pages}`,
        view({ hugepages: { ...settings, deadline_seconds: 0 } }),
      );
    cellMemory(300);
    await t.rejects(
      onCell(100),
      { message: /^got 0 of 100 .*: 400 MiB are available on cell 1, and 256 MiB must stay so/ },
      'a cell keeps its own floor, however much the host has',
    );
    t.equal((await onCell(72))?.value, '72', 'up to the floor');
    t.equal((await write(tuner, root, 'nr_hugepages 2048kB cell 1', '50'))?.value, '50');
    t.equal((await write(tuner, root, 'nr_overcommit_hugepages 2048kB', '5'))?.value, '5');
    const flat = tree({
      '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': 0,
      '/proc/meminfo': 'MemTotal: 8388608 kB\nMemAvailable: 8000000 kB',
    });
    t.strictSame(asked(await wants(tuner, flat, { pools: [{ size: '2M', pages: 3 }] })), [
      'nr_hugepages 2048kB=3',
    ]);
    t.equal((await write(tuner, flat, 'nr_hugepages 2048kB', '3'))?.value, '3', 'a host without cells');
    t.strictSame(await tuner.observe(ports(tree({})), view()), []);

    const shortfalls = new Shortfalls();
    for (let knob = 0; knob <= maximumShortfalls; knob++)
      shortfalls.note(`${knob}`, { value: '1', message: 'no' }, 0);
    t.strictSame(
      [shortfalls.size, shortfalls.get('0', 0)],
      [maximumShortfalls, undefined],
      'the oldest is forgotten',
    );
  },
);

void t.test('transparent-hugepages: every file', async (t) => {
  const folder = '/sys/kernel/mm/transparent_hugepage';
  const root = tree({
    [`${folder}/enabled`]: 'always [madvise] never',
    [`${folder}/shmem_enabled`]: 'always within_size advise [never] deny force',
    [`${folder}/use_zero_page`]: 1,
    [`${folder}/khugepaged/pages_to_scan`]: 4096,
    [`${folder}/khugepaged/pages_collapsed`]: 12,
    [`${folder}/khugepaged/defrag`]: 1,
    '/proc/meminfo': 'AnonHugePages: 4096 kB\nShmemHugePages: 0 kB',
  });
  const readings = await transparentHugepages.observe(ports(root), view());
  t.match(
    Object.fromEntries(
      readings.map(({ knob, value, unsupported, evidence }) => [
        knob.setting,
        `${value ?? unsupported} ${evidence}`,
      ]),
    ),
    {
      enabled: 'madvise AnonHugePages: 4 MiB',
      shmem_enabled: 'never ShmemHugePages: 0 B',
      'khugepaged/defrag': '1 khugepaged made 12 huge pages since boot',
      'khugepaged/max_ptes_swap': 'this kernel has no khugepaged/max_ptes_swap undefined',
    },
  );
  const settings = {
    enabled: 'always',
    shmem_enabled: 'within_size',
    use_zero_page: false,
    khugepaged_pages_to_scan: 512,
    khugepaged_max_ptes_swap: 0,
  } as const;
  t.strictSame(asked(await wants(transparentHugepages, root, settings)), [
    'enabled=always',
    'shmem_enabled=within_size',
    'use_zero_page=0',
    'khugepaged/pages_to_scan=512',
    'khugepaged/max_ptes_swap=0',
  ]);
  root.put(`${folder}/shmem_enabled`, 'always [never]');
  t.match((await wants(transparentHugepages, root, settings))[1], { unsupported: /offers always, never/ });
});

/** The two halves of a limit as the kernel keeps them (mm/page-writeback.c): a change of one sets the other to 0. */
const vmRule =
  (root: () => MemoryRoot): WriteRule =>
  (file, value, before) => {
    const half = /^(.*)_(ratio|bytes|kbytes)$/.exec(file);
    if (half?.[2] === 'bytes' && value === '0') return { refused: 'EINVAL' };
    const unit = half?.[1]?.endsWith('overcommit') ? 'kbytes' : 'bytes';
    if (half && (value !== before || unit === 'kbytes'))
      root().put(`${half[1]}_${half[2] === 'ratio' ? unit : 'ratio'}`, '0');
    return value;
  };

function vmHost(release = '6.18.0'): MemoryRoot {
  const vm = '/proc/sys/vm';
  const root: MemoryRoot = tree(
    {
      [`${vm}/swappiness`]: 60,
      [`${vm}/dirty_ratio`]: 20,
      [`${vm}/dirty_bytes`]: 0,
      [`${vm}/dirty_background_ratio`]: 0,
      [`${vm}/dirty_background_bytes`]: 4096,
      [`${vm}/overcommit_ratio`]: 50,
      [`${vm}/overcommit_kbytes`]: 0,
      [`${vm}/overcommit_memory`]: 0,
      [`${vm}/min_free_kbytes`]: 67584,
      '/proc/sys/kernel/numa_balancing': 0,
      '/proc/sys/kernel/osrelease': release,
      '/proc/vmstat': 'nr_dirty 256\nnr_dirty_threshold 262144\nnr_dirty_background_threshold 131072',
      '/proc/meminfo':
        'MemTotal: 8388608 kB\nSwapTotal: 1048576 kB\nSwapFree: 524288 kB\nCommitLimit: 5242880 kB\nCommitted_AS: 6291456 kB',
    },
    vmRule(() => root),
  );
  return root;
}

void t.test('virtual-memory', async (t) => {
  const root = vmHost();
  const shown = async () =>
    Object.fromEntries(
      (await virtualMemory.observe(ports(root), view())).map(({ knob, value, unsupported }) => [
        knob.setting,
        value ?? unsupported,
      ]),
    );
  t.match(await shown(), {
    swappiness: '60',
    dirty_limit: 'ratio 20',
    dirty_background_limit: 'bytes 4096',
    overcommit_limit: 'ratio 50',
    numa_balancing: '0',
    'page-cluster': /^this kernel has no /,
  });
  t.match(await virtualMemory.observe(ports(root), view()), [
    { evidence: 'writers wait above 1 GiB; 1 MiB are dirty' },
    { evidence: 'write-back begins above 512 MiB; 1 MiB are dirty' },
    {},
    { evidence: '512 MiB of 1 GiB swap in use' },
  ]);
  t.strictSame(
    asked(
      await wants(virtualMemory, root, {
        swappiness: 1,
        dirty_bytes: 268_435_456,
        dirty_background_ratio: 5,
        overcommit_kbytes: 4096,
        numa_balancing: 1,
        'page-cluster': 0,
      }),
    ),
    [
      'dirty_limit=bytes 268435456',
      'dirty_background_limit=ratio 5',
      'overcommit_limit=kbytes 4096',
      'swappiness=1',
      'numa_balancing=1',
      'page-cluster=0',
    ],
  );
  // There and back again, by every way.
  for (const setting of ['dirty_limit', 'dirty_background_limit', 'overcommit_limit'])
    for (const value of [
      'ratio 0',
      'X 8192',
      'ratio 0',
      'ratio 7',
      'X 9000',
      'ratio 0',
      'X 8192',
      'ratio 3',
    ]) {
      const text = value.replace('X', setting === 'overcommit_limit' ? 'kbytes' : 'bytes');
      t.equal((await write(virtualMemory, root, setting, text))?.value, text, `${setting} ${text}`);
    }
  const old = vmHost('5.4.0-99-generic');
  t.match(await wants(virtualMemory, old, { swappiness: 150, numa_balancing: 2 }), [
    { unsupported: 'Linux 5.4.0-99-generic takes 0..100' },
    { unsupported: /takes 0\.\.1$/ },
  ]);
  t.notHas((await wants(virtualMemory, root, { swappiness: 150 }))[0], { unsupported: String });
  await t.rejects(wants(virtualMemory, root, { min_free_kbytes: 1_677_722 }), {
    field: 'tuners.virtual-memory.min_free_kbytes',
    message: /at most 1677721, a fifth/,
  });
  const meminfo = root.read('/proc/meminfo') ?? '';
  for (const [availableMib, kbytes, held] of [
    [600, 67_584 + 344 * 1024, undefined],
    [600, 67_584 + 345 * 1024, 'it takes 345 MiB more, 600 MiB are available, and 256 MiB must stay so'],
    [100, 67_584, undefined],
    [100, 1024, undefined],
    [100, 67_585, /^it takes 1 KiB more, 100 MiB are available/],
  ] as const) {
    root.put('/proc/meminfo', `${meminfo}\nMemAvailable: ${availableMib * 1024} kB`);
    const [reserve] = await wants(virtualMemory, root, { min_free_kbytes: kbytes });
    t.match(reserve, { held }, `${kbytes} KiB with ${availableMib} MiB`);
  }
  root.put('/proc/meminfo', meminfo);
  const strict = async (more: object) =>
    (await wants(virtualMemory, root, { overcommit_memory: 2, ...more })).at(-1)?.held;
  t.equal(await strict({}), '6 GiB are promised, and 5 GiB would be allowed');
  t.match(await strict({ overcommit_ratio: 10 }), /6 GiB are promised/);
  t.equal(await strict({ overcommit_ratio: 90 }), undefined);
  t.equal(await strict({ overcommit_kbytes: 7_000_000 }), undefined);
});

void t.test('sysctl: names in every spelling', async (t) => {
  for (const [name, path] of [
    ['net.ipv4.ip_forward', 'net/ipv4/ip_forward'],
    ['net/ipv4/ip_forward', 'net/ipv4/ip_forward'],
    ['net.ipv4.conf.enp3s0/200.forwarding', 'net/ipv4/conf/enp3s0.200/forwarding'],
    ['net/ipv4/conf/enp3s0.200/forwarding', 'net/ipv4/conf/enp3s0.200/forwarding'],
  ] as const) {
    t.equal(sysctlPath(name), path, name);
    t.equal(sysctlPath(sysctlName(path)), path, 'one name for one path');
  }
});

void t.test('sysctl: reads what is named, and says what the next boot does', async (t) => {
  const root = tree(
    {
      '/proc/sys/net/ipv4/tcp_rmem': '4096\t131072\t6291456',
      '/proc/sys/net/core/somaxconn': 4096,
      '/proc/sys/net/ipv4/ip_local_reserved_ports': '',
      '/proc/sys/net/ipv4/tcp_ecn': 0,
      '/proc/sys/net/core/rounded': 64,
      '/proc/sys/net/ipv4/conf/eth0.5/forwarding': 0,
      '/etc/sysctl.d/50-a.conf': '# no\nnet.core.somaxconn = 100\n; no\n-net.ipv4.tcp_rmem=1 2  3\n',
      '/usr/lib/sysctl.d/50-a.conf': 'net.core.somaxconn = 7',
      '/run/sysctl.d/60-b.conf':
        'net/core/somaxconn=4096\nnet.ipv4.conf.*.forwarding = 1\n-net.ipv4.conf.lo.forwarding',
      '/etc/sysctl.d/README': 'net.core.somaxconn = 9',
    },
    (file, value) =>
      file.endsWith('/rounded') ? `${Math.ceil(Number(value) / 64) * 64}` : value === '\n' ? '' : value,
  );
  const tuner = createSysctl();
  const settings = {
    'net.ipv4.tcp_rmem': '4096 131072   6291456',
    'net.core.somaxconn': 8192,
    'net.ipv4.tcp_ecn': 1,
    'net.ipv4.conf.eth0/5.forwarding': 1,
    'net.core.nothing': 1,
  };
  const list = await wants(tuner, root, { settings });
  t.strictSame(asked(list), [
    'net.ipv4.tcp_rmem=4096 131072 6291456',
    'net.core.somaxconn=8192',
    'net.ipv4.tcp_ecn=1',
    'net.ipv4.conf.eth0/5.forwarding=1',
    'net.core.nothing=1',
  ]);
  t.match(list, [
    { remark: '/etc/sysctl.d/50-a.conf line 4 sets 1 2 3 at the next boot' },
    { remark: '/run/sysctl.d/60-b.conf line 1 sets 4096 at the next boot' },
    {},
    {},
    {},
  ]);
  t.notHas(list[3], { remark: String }, 'the pattern sets the same');
  const host = view({ sysctl: { settings } });
  const readings = await tuner.observe(ports(root), host);
  t.equal(readings[0]?.value, '4096 131072 6291456', 'blanks are compared as one');
  t.match(readings[0]?.evidence, /at the next boot/);
  t.match(readings[4], { unsupported: 'this kernel has no such sysctl' });
  await t.rejects(write(tuner, root, 'net.core.nothing', '1', host), { code: 'kernel-write-failed' });
  t.equal((await write(tuner, root, 'net.core.somaxconn', '5', view()))?.value, '5', 'a name is remembered');

  const held = { tuner: 'sysctl', setting: 'net.core.rounded', source: '' } as const;
  const after = { ...view(), held: [held, { ...held, setting: 'net.ipv4.ip_local_reserved_ports' }] };
  const anew = createSysctl();
  t.strictSame(
    (await anew.observe(ports(root), after)).map(({ knob, value }) => `${knob.source}=${value}`),
    ['/proc/sys/net/core/rounded=64', '/proc/sys/net/ipv4/ip_local_reserved_ports='],
    'what the ledger holds is read without settings',
  );
  await t.rejects(write(anew, root, 'net.core.rounded', '100', after), {
    message: 'the kernel made 128 of 100 in net.core.rounded; put back',
  });
  t.equal(root.read('/proc/sys/net/core/rounded'), '64');
  const ports1 = 'net.ipv4.ip_local_reserved_ports';
  t.equal((await write(anew, root, ports1, '8080', after))?.value, '8080');
  t.equal((await write(anew, root, ports1, '', after))?.value, '', 'nothing can be put back');
  t.strictSame(await createSysctl().observe(ports(root), view()), [], 'without names nothing is read');
  const many = Object.fromEntries(Array.from({ length: maximumKnown + 5 }, (_, n) => [`net.core.x${n}`, 1]));
  t.equal((await anew.observe(ports(root), view({ sysctl: { settings: many } }))).length, maximumKnown);
});

void t.test('sysctl: files of the next boot', async (t) => {
  const lines = (text: string) =>
    parseBootFile(text, 'f').map(({ pattern, value, line }) => `${line} ${pattern}=${value}`);
  t.strictSame(lines('\n#a=1\n ; b=1\nkernel.x = 1 \n- net/y=2\n-net.ipv4.conf.z.q\nnonsense\na.b=\n'), [
    '4 kernel/x=1',
    '5 net/y=2',
    '6 net/ipv4/conf/z/q=undefined',
    '8 a/b=',
  ]);
  const settings = parseBootFile(
    'net.ipv4.conf.*.f = 1\nnet.ipv4.conf.a.f = 2\n-net.ipv4.conf.b.f\nnet.ipv4.conf.[cd]?.f = 3\nnet.[.f = 4',
    'f',
  );
  for (const [name, value] of [
    ['a', '2'],
    ['b', undefined],
    ['x', '1'],
    ['d1', '3'],
  ] as const)
    t.equal(bootSettingOf(settings, `net/ipv4/conf/${name}/f`)?.value, value, name);
  t.equal(bootSettingOf(settings, 'net/ipv4/other'), undefined);
  const long = tree({
    '/etc/sysctl.d/a.conf': 'a.b=1\n'.repeat(maximumLines + 9),
    '/etc/sysctl.conf': 'a.b = 2',
  });
  t.equal(readBootSettings(long).length, maximumLines);
  t.match(bootSettingOf(readBootSettings(long), 'a/b'), { file: '/etc/sysctl.conf', line: 1, value: '2' });
});

void t.test(
  'what is remembered of hosts is bounded, and a root of one pass stands for its host',
  async (t) => {
    const memories = new PerHost(() => ({ looks: 0 }), 2);
    const look = (path: string): number => ++memories.of({ path }).looks;
    t.strictSame([look('a'), look('a'), look('b'), look('a'), look('c')], [1, 2, 1, 3, 1]);
    t.strictSame(
      [memories.size, look('a'), look('b')],
      [2, 4, 1],
      'the one that was looked at least lately goes',
    );
  },
);
