/** KSM as an economy, over a kernel in memory: what is asked for, what auto decides, and how that goes over an hour. */
import t from 'tap';
import { HostRoot, type KernelRoot } from '../../../../agent/kernel/root.js';
import type { MemoryRoot } from '../../../../agent/sim/memory-root.js';
import { decideKsm, retryAfterMs, type Economy } from '../../../../agent/tuners/common/memory/ksm-economy.js';
import { cpuWindowMs, KsmWatch, maximumSamples } from '../../../../agent/tuners/common/memory/ksm-watch.js';
import { createKsm } from '../../../../agent/tuners/ksm.js';
import type { Want } from '../../../../agent/tuners/tuner.js';
import type { TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { asked, ports, tree, view, wants, write } from '../../../support/tuner-look.js';

const gib = 2 ** 30;

const ksmFolder = '/sys/kernel/mm/ksm';
const ksmFiles = {
  run: 0,
  pages_to_scan: 100,
  sleep_millisecs: 20,
  merge_across_nodes: 1,
  use_zero_pages: 0,
  smart_scan: 1,
  max_page_sharing: 256,
  advisor_mode: '[none] scan-time',
  advisor_target_scan_time: 200,
  advisor_max_cpu: 70,
  pages_shared: 0,
  pages_sharing: 0,
  pages_unshared: 0,
  pages_volatile: 0,
  full_scans: 0,
  general_profit: 0,
};

/** A host with KSM: `set` changes counters and memory between looks. */
class KsmHost {
  readonly kernel: MemoryRoot;
  nowMs = 0;
  readonly tuner = createKsm();

  constructor() {
    this.kernel = tree({}, (file, value) => this.#rule(file, value));
    this.set(ksmFiles);
    this.memory(50);
    this.ticks(0);
    this.kernel.put('/proc/12/stat', `12 (ksmd) S 1 ${'0 '.repeat(20)}`);
    this.kernel.put('/proc/900/stat', `900 (ksmd) S 1 ${'0 '.repeat(20)}`);
  }

  set(files: Record<string, string | number>): void {
    for (const [file, value] of Object.entries(files)) this.kernel.put(`${ksmFolder}/${file}`, `${value}`);
  }

  read(file: string): string | undefined {
    return this.kernel.read(`${ksmFolder}/${file}`);
  }

  /** `percent` of 10 GiB are available. */
  memory(percent: number): void {
    const kib = 10 * 2 ** 20;
    this.kernel.put(
      '/proc/meminfo',
      `MemTotal: ${kib} kB\nMemAvailable: ${Math.floor((kib * percent) / 100)} kB`,
    );
  }

  ticks(ticks: number): void {
    this.kernel.put('/proc/37/stat', `37 (ksmd) S 2 0 0 0 -1 0 0 0 0 0 3 ${ticks} 0 0 25 5 1 0 13 0 0`);
  }

  /** One pass of the agent: look, decide, write. Answers the decision. */
  async pass(settings: NonNullable<TunerSettings['ksm']>, promised: readonly number[] = []): Promise<Want> {
    const host = view({ ksm: settings }, promised);
    const own = ports(this.kernel, () => this.nowMs);
    const readings = await this.tuner.observe(own, host);
    const run = this.tuner.want(settings, readings, host).find(({ knob }) => knob.setting === 'run') as Want;
    const now = readings.find(({ knob }) => knob.setting === 'run')?.value;
    if (now !== run.value && run.held === undefined) await this.tuner.write(own, run.knob, run.value);
    return run;
  }

  /** Writes as the kernel takes them: the advisor resets the pace when it changes (mm/ksm.c). */
  #rule(file: string, value: string): string | { refused: string } {
    if (file.endsWith('/advisor_mode')) {
      this.set({ pages_to_scan: value === 'none' ? 100 : 500 });
      return value === 'none' ? '[none] scan-time' : 'none [scan-time]';
    }
    if (file.endsWith('/pages_to_scan') && this.read('advisor_mode') !== '[none] scan-time')
      return { refused: 'EINVAL' };
    if (file.endsWith('/run') && value === '2') this.set({ pages_shared: 0, pages_sharing: 0 });
    return value;
  }
}

void t.test('ksm: what is asked for, and the advisor', async (t) => {
  const host = new KsmHost();
  const cases: [NonNullable<TunerSettings['ksm']>, string[]][] = [
    [
      { run: 'on', advisor: 'scan-time', smart_scan: false, max_page_sharing: 512 },
      ['pages_to_scan=scan-time', 'smart_scan=0', 'max_page_sharing=512', 'advisor_max_cpu=30', 'run=on'],
    ],
    [
      { run: 'off', advisor: 'scan-time', advisor_max_cpu: 50, advisor_target_scan_time: 60 },
      ['pages_to_scan=scan-time', 'advisor_target_scan_time=60', 'advisor_max_cpu=50', 'run=off'],
    ],
    [{ run: 'off', advisor: 'none' }, ['pages_to_scan=100', 'run=off']],
    [{ run: 'off', advisor: 'none', pages_to_scan: 7 }, ['pages_to_scan=7', 'run=off']],
  ];
  for (const [settings, expected] of cases)
    t.strictSame(asked(await wants(host.tuner, host.kernel, settings)), expected);
  host.set({ pages_to_scan: 321 });
  t.equal((await write(host.tuner, host.kernel, 'pages_to_scan', 'scan-time'))?.value, 'scan-time');
  t.match(await wants(host.tuner, host.kernel, { run: 'on', pages_to_scan: 7 }), [
    { held: /advisor_mode is scan-time/ },
    {},
  ]);
  t.notHas((await wants(host.tuner, host.kernel, { run: 'on', pages_to_scan: 7, advisor: 'none' }))[0], {
    held: String,
  });
  t.match(asked(await wants(host.tuner, host.kernel, { run: 'on', advisor: 'none' })), ['pages_to_scan=100']);
  const undone = await write(host.tuner, host.kernel, 'pages_to_scan', '321');
  t.strictSame([undone?.value, host.read('advisor_mode')], ['321', '[none] scan-time'], 'undone exactly');
  host.set({ pages_shared: 3, pages_sharing: 9, general_profit: 2048 });
  t.match(await wants(host.tuner, host.kernel, { run: 'on', max_page_sharing: 8 }), [
    { held: /3 pages are merged/ },
    { value: 'on' },
  ]);
  const readings = await host.tuner.observe(ports(host.kernel), view());
  t.match(readings[0], { evidence: '3 pages shared by 9 more: 36 KiB saved, profit 2 KiB' });
  t.strictSame(
    readings.filter(({ knob }) => /pages_sh|full_scans|profit/.test(knob.setting)),
    [],
    'counters are no settings',
  );
});

void t.test('ksm: unmerging needs room, and is seen through', async (t) => {
  const host = new KsmHost();
  host.memory(1);
  host.set({ run: 1, pages_shared: 4, pages_sharing: 30_000 });
  t.match(await wants(host.tuner, host.kernel, { run: 'unmerge' }), [
    { held: /^unmerging may take 141 MiB, and/ },
  ]);
  await t.rejects(write(host.tuner, host.kernel, 'run', 'unmerge'), {
    code: 'failed-precondition',
    message: /unmerging may take/,
  });
  t.equal(host.read('run'), '1', 'not even undo writes it without room');
  host.memory(20);
  t.match(await write(host.tuner, host.kernel, 'run', 'unmerge'), { value: 'unmerge' });
  host.set({ pages_shared: 2 });
  const [run] = await host.tuner.observe(ports(host.kernel), view());
  t.match(run, { value: 'unmerge', ineffective: '2 pages are still merged' });
});

void t.test('ksm: unmerging stays below the limit of all domains', async (t) => {
  const mib = 2 ** 20;
  const cases: [limit: string | number, usedMib: number, held: RegExp | undefined][] = [
    ['max', 9000, undefined],
    [9223372036854771712, 9000, undefined],
    [1024 * mib, 800, undefined],
    [1024 * mib, 900, /^unmerging may take 141 MiB, and 124 MiB are available$/],
    [1024 * mib, 2000, /and 0 B are available/],
  ];
  for (const [limit, used, held] of cases) {
    const host = new KsmHost();
    host.set({ run: 1, pages_shared: 4, pages_sharing: 30_000 });
    host.kernel.put('/proc/self/mounts', 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0');
    host.kernel.put('/sys/fs/cgroup/cgroup.controllers', 'cpuset cpu io memory');
    host.kernel.put('/sys/fs/cgroup/machine.slice/memory.max', `${limit}`);
    host.kernel.put('/sys/fs/cgroup/machine.slice/memory.current', `${used * mib}`);
    const [want] = await wants(host.tuner, host.kernel, { run: 'unmerge' });
    t.match(want, { held }, `${used} MiB of ${limit}`);
    const written = write(host.tuner, host.kernel, 'run', 'unmerge');
    if (held) await t.rejects(written, { code: 'failed-precondition', message: held });
    else t.match(await written, { value: 'unmerge' });
  }
});

void t.test('ksm: what cannot change while pages are merged says so', async (t) => {
  const host = new KsmHost();
  for (const [setting, now, before] of [
    ['merge_across_nodes', '1', '0'],
    ['max_page_sharing', '256', '512'],
  ] as const) {
    host.memory(50);
    host.set({ run: 1, pages_shared: 3, pages_sharing: 30_000 });
    const undo = () => write(host.tuner, host.kernel, setting, before);
    const message = /^3 pages are merged; it can change only with none \(needs run: unmerge first\); ./;
    await t.rejects(undo(), { code: 'failed-precondition', message, cure: /there is room for it/ });
    host.memory(1);
    await t.rejects(undo(), { message, cure: /^make room first: unmerging may take 141 MiB/ });
    t.equal(host.read(setting), now, 'nothing is written');
    t.equal((await write(host.tuner, host.kernel, setting, now))?.value, now, 'what stands is no change');
    host.memory(50);
    await write(host.tuner, host.kernel, 'run', 'unmerge');
    t.equal((await undo())?.value, before, 'undone after unmerging');
  }
});

void t.test('ksm: the decision of auto', async (t) => {
  const counts = { shared: 9, sharing: 99, zeroPages: 0, fullScans: 5, pageBytes: 4096, profitBytes: 1000 };
  const memory = (percent: number, hugetlbBytes = 0) => ({
    totalBytes: 100 * gib,
    availableBytes: percent * gib,
    hugetlbBytes,
  });
  const economy = (running: boolean, percent: number, more: Partial<Economy> = {}): Economy => ({
    running,
    counts,
    history: { unchangedMs: 0, scans: 0 },
    memory: memory(percent),
    promisedBytes: 50 * gib,
    ...more,
  });
  const loss = { ...counts, profitBytes: -3 * 2 ** 20 };
  const history = (cpuPercent: number | undefined, scans = 1, unchangedMs = 0) => ({
    history: { cpuPercent, scans, unchangedMs },
  });
  const limits = { maxCpuPercent: 30, onBelowPercent: 20 };
  const cases: [string, Economy, 'on' | 'off', RegExp][] = [
    ['tight', economy(false, 19), 'on', /only 19 % of memory is available/],
    ['enough', economy(false, 20), 'off', /20 % of memory is available/],
    ['not yet plenty', economy(true, 30), 'on', /not yet plenty/],
    ['plenty', economy(true, 31), 'off', /31 % of memory is available/],
    ['overcommitted', economy(false, 60, { promisedBytes: 101 * gib }), 'on', /domains have 101 GiB/],
    [
      'less memory than it looks',
      economy(false, 60, { memory: memory(60, 60 * gib) }),
      'on',
      /domains have 50 GiB, and the host 40 GiB/,
    ],
    ['domains not known', economy(true, 80, { promisedBytes: undefined }), 'on', /80 %/],
    ['memory not known, on', economy(true, 0, { memory: undefined }), 'on', /not known/],
    ['memory not known, off', economy(false, 0, { memory: undefined }), 'off', /not known/],
    ['at the cap', economy(true, 10, history(30)), 'on', /only 10 %/],
    [
      'over the cap',
      economy(true, 10, history(31)),
      'off',
      /ksmd took 31 % of a CPU for 5 minutes, over 30 %/,
    ],
    ['over the cap in between', economy(true, 25, history(31)), 'off', /31 %/],
    ['rests', economy(false, 10, history(16)), 'off', /rests/],
    ['has rested', economy(false, 10, history(15)), 'on', /only 10 %/],
    ['loss before a scan', economy(true, 10, { counts: loss, ...history(1, 0) }), 'on', /10 %/],
    ['loss', economy(true, 10, { counts: loss, ...history(1) }), 'off', /takes 3 MiB more than it saves/],
    ['loss, off', economy(false, 10, { counts: loss, ...history(0, 1) }), 'off', /tried again after an hour/],
    ['a loss that was left behind', economy(false, 10, { counts: loss }), 'on', /10 %/],
    [
      'loss, an hour later',
      economy(false, 10, { counts: loss, ...history(0, 1, retryAfterMs) }),
      'on',
      /10 %/,
    ],
  ];
  for (const [what, given, run, reason] of cases) t.match(decideKsm(given, limits), { run, reason }, what);
});

void t.test('ksm: auto over an hour of a host', async (t) => {
  /** Minute by minute: percent of memory available, percent of a CPU that ksmd takes while it runs, profit in MiB. */
  const traces: [string, (minute: number) => [number, number, number], number[], string[]][] = [
    ['plenty', () => [60, 5, 10], [], []],
    ['fills up and empties', (m) => [m < 10 ? 50 : m < 40 ? 12 : 45, 5, 10], [], ['10 on', '40 off']],
    ['wavers around the limit', (m) => [m % 2 ? 19 : 29, 5, 10], [], ['1 on']],
    ['overcommitted from the start', () => [70, 5, 10], [8 * gib, 4 * gib], ['0 on']],
    ['does not pay', (m) => [10, 5, m < 2 ? 0 : -4], [], ['0 on', '2 off']],
    ['hungry', () => [10, 90, 10], [], ['0 on', '5 off']],
    ['just within the cap', () => [10, 29, 10], [], ['0 on']],
  ];
  for (const [what, trace, promised, expected] of traces) {
    const host = new KsmHost();
    const changes: string[] = [];
    let ticks = 0;
    let running = 0;
    for (let half = 0; half < 120; half++) {
      const minute = Math.floor(half / 2);
      const [available, cpu, profit] = trace(minute);
      const before = host.read('run');
      host.nowMs = half * 30_000;
      host.memory(available);
      host.set({ general_profit: profit * 2 ** 20, full_scans: half });
      host.ticks(ticks);
      const { remark } = await host.pass({ run: 'auto' }, promised);
      t.match(remark, /^auto: ./);
      if (host.read('run') !== before) changes.push(`${minute} ${host.read('run') === '1' ? 'on' : 'off'}`);
      if (host.read('run') === '1') {
        ticks += cpu * 30;
        running += Number(minute >= 10);
      }
    }
    if (what === 'hungry') {
      t.strictSame(changes.slice(0, 2), expected, what);
      const mean = (90 * running) / 100;
      t.ok(mean > 15 && mean < 30, `${what}: from then on ksmd takes ${mean.toFixed(0)} %`);
    } else t.strictSame(changes, expected, what);
  }
});

void t.test('ksm: what is remembered is bounded', async (t) => {
  const host = new KsmHost();
  const watch = new KsmWatch();
  const look = (seconds: number, ticks: number, scans = 0) => {
    host.ticks(ticks);
    return watch.look(host.kernel, seconds * 1000, true, scans);
  };
  for (let second = 0; second < 1200; second++) look(second, second * 20);
  t.ok(watch.size <= maximumSamples && watch.size > 25, `${watch.size} samples`);
  t.match(look(1200, 24_000, 3), { cpuPercent: 20, unchangedMs: 1_200_000, scans: 3 });
  const rest = new KsmWatch();
  const scans = [true, true, false, false].map((on, n) => rest.look(host.kernel, n, on, 5 + n * 2).scans);
  t.strictSame(scans, [0, 2, 4, 4], 'at rest the scans of the run before count');
  t.equal(look(1201, 5).cpuPercent, undefined, 'a counter that began anew begins anew');
  t.equal(watch.size, 1);
  host.kernel.remove('/proc/37/stat');
  t.equal(watch.look(host.kernel, 1_300_000, true, 0).cpuPercent, undefined);
  const bare = new KsmWatch();
  const counting = Object.assign(Object.create(host.kernel) as KernelRoot, { lists: 0 });
  let lists = 0;
  Object.assign(counting, { list: (directory: string) => (lists++, host.kernel.list(directory)) });
  Object.assign(counting, { read: (file: string) => host.kernel.read(file) });
  for (let second = 0; second < cpuWindowMs / 1000; second++) bare.look(counting, second * 1000, true, 0);
  t.equal(lists, 1, 'a thread that is not there is searched once in five minutes');
  t.match(new KsmWatch().look(new HostRoot('/nonexistent'), 0, false, 0), { scans: 0 });
});
