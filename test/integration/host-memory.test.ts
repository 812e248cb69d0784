/** The tuners of host memory against this very kernel: KSM with a program that merges, real huge pages, vm.*, sysctls. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { gatherFacts } from '../../agent/facts/index.js';
import { findKsmd, readHostMemory, readKsmCounts } from '../../agent/kernel/ksm.js';
import { bootId } from '../../agent/kernel/procfs.js';
import { HostRoot } from '../../agent/kernel/root.js';
import { Ledger } from '../../agent/reconcile/ledger.js';
import type { PlanEntry } from '../../agent/reconcile/plan.js';
import { Reconciler } from '../../agent/reconcile/reconciler.js';
import { KsmWatch } from '../../agent/tuners/common/memory/ksm-watch.js';
import { createHugepages } from '../../agent/tuners/hugepages.js';
import { createKsm } from '../../agent/tuners/ksm.js';
import { createSysctl } from '../../agent/tuners/sysctl.js';
import { transparentHugepages } from '../../agent/tuners/transparent-hugepages.js';
import type { Tuner } from '../../agent/tuners/tuner.js';
import { virtualMemory } from '../../agent/tuners/virtual-memory.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { until } from '../support/poll.js';

const ksmFolder = '/sys/kernel/mm/ksm';
const hugeFolder = '/sys/kernel/mm/transparent_hugepage';
const read = (file: string): string => new HostRoot('/').read(file) ?? '';
const chosen = (text: string): string => /\[(.*)\]/.exec(text)?.[1] ?? text;

/** Puts files back at the end, in the given order, whatever happened. */
function keep(t: Test, files: readonly string[]): Record<string, string> {
  const before = Object.fromEntries(files.map((file) => [file, read(file)]));
  t.teardown(() => {
    for (const [file, value] of Object.entries(before))
      try {
        if (read(file) !== value) writeFileSync(file, `${chosen(value)}\n`);
      } catch {
        // the counterpart of a limit, which takes no 0: it is 0 again by its other half
      }
  });
  return before;
}

/** A reconciler of this machine with these tuners only. `promised`: bytes that a domain claims, where one is to be seen. */
async function bench(t: Test, tuners: readonly Tuner[], state: string) {
  const kernel = new HostRoot('/');
  const seen = { promised: 0 };
  const ledger = await Ledger.open(state, { bootId: bootId(kernel) ?? '', now: Date.now });
  t.teardown(() => ledger.close());
  const domain = () => ({ uuid: 'none', name: 'claims', memoryBytes: seen.promised, hugepages: false });
  const hostView = async () => ({
    facts: gatherFacts(kernel, { versions: {}, services: {}, inventory: {}, diskTotalBytes: 0 }),
    domains: seen.promised > 0 ? [domain() as never] : [],
    held: ledger.entries().map(({ knob }) => knob),
  });
  const log = { info: () => undefined, warn: () => undefined };
  const reconciler = new Reconciler({
    ...{ tuners, ports: { kernel, hypervisor: undefined }, ledger, hostView, planOnly: false, log },
    now: Date.now,
  });
  return { kernel, ledger, reconciler, seen };
}

function stateDirectory(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'drover-host-memory-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function child(
  t: Test,
  kind: 'mergeable' | 'hugepages',
  size: number,
): Promise<{ end(): Promise<void> }> {
  const program = fileURLToPath(new URL('../support/memory-child.js', import.meta.url));
  const running = spawn(process.execPath, [program, kind, `${size}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = async (): Promise<void> => {
    if (running.exitCode !== null || running.signalCode !== null) return;
    running.kill('SIGKILL');
    await once(running, 'exit');
  };
  t.teardown(end);
  await once(running.stdout, 'data');
  return { end };
}

const short = (entries: readonly PlanEntry[]): string[] =>
  entries.map(
    ({ knob, wanted, outcome, reason }) =>
      `${knob.setting}=${wanted} ${outcome}${outcome === 'failed' || outcome === 'held' ? ` ${reason}` : ''}`,
  );
const outcomes = (entries: readonly PlanEntry[]): string[] =>
  [...new Set(entries.map(({ outcome }) => outcome))].toSorted();

const mergedMebibytes = 32;
const mergedPages = mergedMebibytes * 256;

async function ksmMerges(t: Test): Promise<void> {
  const files = [
    'run',
    'advisor_mode',
    'pages_to_scan',
    'sleep_millisecs',
    'advisor_max_cpu',
    'smart_scan',
  ].map((file) => `${ksmFolder}/${file}`);
  keep(t, files);
  writeFileSync(`${ksmFolder}/pages_to_scan`, '321');
  const before = files.map(read);
  const { kernel, ledger, reconciler, seen } = await bench(t, [createKsm()], stateDirectory(t));
  const program = await child(t, 'mergeable', mergedMebibytes);
  const base = readKsmCounts(kernel).sharing;
  const pace = { pages_to_scan: 5000, sleep_millisecs: 10, smart_scan: false };

  seen.promised = 2 ** 50;
  const [run] = (await reconciler.apply({ ksm: { run: 'auto', ...pace } })).filter(
    ({ knob }) => knob.setting === 'run',
  );
  t.match(run, { wanted: 'on', outcome: 'changed' }, 'overcommitted: auto begins to merge');
  const merged = (): number => readKsmCounts(kernel).sharing - base;
  const started = performance.now();
  await until(() => merged() > 0.9 * mergedPages, 30_000, 'the pages were not merged');
  t.comment(`${merged()} of ${mergedPages} pages merged in ${Math.round(performance.now() - started)} ms`);
  const verified = await reconciler.verify({ ksm: { run: 'on' } });
  const seenRun = verified.find(({ knob }) => knob.setting === 'run');
  t.match(seenRun, {
    outcome: 'in-sync',
    evidence: /^\d+ pages shared by \d+ more: [\d.]+ MiB saved, profit [\d.]+ MiB/,
  });
  // Other programs of this machine may be scanned as well, which costs.
  await until(() => readKsmCounts(kernel).profitBytes > mergedPages * 2048, 10_000, 'no profit was told');

  seen.promised = 0;
  const rested = await reconciler.apply({ ksm: { run: 'auto', on_below_percent: 1, ...pace } });
  t.ok(short(rested).includes('run=off changed'), short(rested).join());
  t.ok(merged() > 0.8 * mergedPages, 'off keeps what is merged');

  const watch = new KsmWatch();
  t.ok(findKsmd(kernel) !== undefined, 'ksmd is found');
  watch.look(kernel, 0, true, 0);
  const { cpuPercent = -1 } = watch.look(kernel, 300_000, true, 0);
  t.ok(cpuPercent >= 0 && cpuPercent < 100, `its CPU time is read: ${cpuPercent}`);

  const unmerged = await reconciler.apply({ ksm: { run: 'unmerge', ...pace } });
  t.ok(short(unmerged).includes('run=unmerge changed'), short(unmerged).join());
  t.equal(readKsmCounts(kernel).shared, 0, 'nothing is merged any more');
  await program.end();

  if (kernel.exists(`${ksmFolder}/advisor_mode`)) {
    const advised = await reconciler.apply({
      ksm: { run: 'off', advisor: 'scan-time', max_cpu_percent: 25 },
    });
    t.notOk(outcomes(advised).includes('failed'), short(advised).join());
    t.match(read(`${ksmFolder}/advisor_mode`), /\[scan-time\]/);
    t.equal(read(`${ksmFolder}/advisor_max_cpu`), '25');
  }
  t.notOk(outcomes(await reconciler.revert()).includes('failed'));
  t.strictSame(
    [files.map(read), ledger.size],
    [before, 0],
    'undone exactly, the pace behind the advisor too',
  );
}

const cell0 = '/sys/devices/system/node/node0/hugepages';
const count = (size: number, file = 'nr_hugepages'): number =>
  Number(read(`${cell0}/hugepages-${size}kB/${file}`));

async function realPools(t: Test): Promise<void> {
  const tuner = createHugepages();
  const { ledger, reconciler } = await bench(t, [tuner], stateDirectory(t));
  const before = [count(2048), count(1_048_576)] as const;
  t.teardown(() => {
    writeFileSync(`${cell0}/hugepages-2048kB/nr_hugepages`, `${before[0]}`);
    writeFileSync(`${cell0}/hugepages-1048576kB/nr_hugepages`, `${before[1]}`);
  });
  const settings = (small: number, huge: number): TunerSettings => ({
    hugepages: {
      pools: [
        { size: '2MiB', cell: 0, pages: before[0] + small, reserved_pages: 2 },
        { size: '1GiB', cell: 0, pages: before[1] + huge },
      ],
    },
  });
  const started = performance.now();
  t.strictSame(outcomes(await reconciler.apply(settings(512, 1))), ['changed']);
  t.comment(`512 pages of 2 MiB and one of 1 GiB in ${Math.round(performance.now() - started)} ms`);
  t.strictSame([count(2048), count(1_048_576)], [before[0] + 512, before[1] + 1], 'the kernel has them');
  const program = await child(t, 'hugepages', 8);
  t.match(await reconciler.verify(settings(512, 1)), [
    {
      outcome: 'in-sync',
      evidence: /^\d+ of \d+ pages in use, \d+ free, 2 for the host and not for domains$/,
    },
    { outcome: 'in-sync' },
  ]);
  const used = count(2048) - count(2048, 'free_hugepages');
  t.ok(used >= 8, 'a program uses some');
  const none = { hugepages: { pools: [{ size: '2MiB', cell: 0, pages: 0 }] } };
  t.match(
    await reconciler.plan(none),
    [
      { outcome: 'held', reason: `${used} pages of 2048 kB on cell 0 are in use` },
      { outcome: 'change', reason: /no longer desired/ },
    ].toReversed(),
  );
  await program.end();
  t.strictSame(outcomes(await reconciler.revert()), ['changed']);
  t.strictSame([count(2048), count(1_048_576), ledger.size], [...before, 0], 'undone exactly');
}

/** A floor is set just below what is available: the kernel gives some pages, and then the host has no more to spare. */
async function realShortfall(t: Test): Promise<void> {
  const kernel = new HostRoot('/');
  const available = readHostMemory(kernel)?.availableBytes ?? 0;
  const floor = available - 1.6 * 2 ** 30;
  const { reconciler } = await bench(t, [createHugepages({ floorBytes: () => floor })], stateDirectory(t));
  const before = count(1_048_576);
  t.teardown(() => writeFileSync(`${cell0}/hugepages-1048576kB/nr_hugepages`, `${before}`));
  const pools = [{ size: '1GiB', cell: 0, pages: before + 4 }];
  const settings = { hugepages: { pools, deadline_seconds: 1 } };
  const started = performance.now();
  const message = new RegExp(
    `^got \\d of ${before + 4} pages of 1048576 kB on cell 0: .* must stay so; put back to ${before}$`,
  );
  t.match(await reconciler.apply(settings), [{ outcome: 'failed', reason: message }]);
  t.ok(performance.now() - started < 8000, 'within its deadline');
  t.equal(count(1_048_576), before, 'put back');
  t.match(await reconciler.apply(settings), [
    { outcome: 'deferred', effect: 'host-reboot', reason: /boot with hugepagesz=1G hugepages=(0:)?\d+$/ },
  ]);
}

async function otherFiles(t: Test): Promise<void> {
  const vm = '/proc/sys/vm';
  const own = [
    'scan_sleep_millisecs',
    'alloc_sleep_millisecs',
    'pages_to_scan',
    'max_ptes_none',
    'max_ptes_swap',
    'max_ptes_shared',
  ];
  const files = [
    ...['shmem_enabled', 'use_zero_page', ...own.map((file) => `khugepaged/${file}`)].map(
      (file) => `${hugeFolder}/${file}`,
    ),
    ...['dirty_bytes', 'dirty_ratio', 'dirty_background_bytes', 'dirty_background_ratio'].map(
      (file) => `${vm}/${file}`,
    ),
    ...['overcommit_kbytes', 'overcommit_ratio', 'swappiness', 'page-cluster', 'min_free_kbytes'].map(
      (file) => `${vm}/${file}`,
    ),
    ...['watermark_scale_factor', 'vfs_cache_pressure', 'dirty_expire_centisecs'].map(
      (file) => `${vm}/${file}`,
    ),
    ...['dirty_writeback_centisecs', 'zone_reclaim_mode'].map((file) => `${vm}/${file}`),
    '/proc/sys/kernel/numa_balancing',
  ].filter((file) => new HostRoot('/').exists(file));
  const before = keep(t, files);
  const now = (file: string): number => Number(read(file));
  const { ledger, reconciler } = await bench(t, [transparentHugepages, virtualMemory], stateDirectory(t));
  const settings = {
    'transparent-hugepages': {
      enabled: chosen(read(`${hugeFolder}/enabled`)) as 'always',
      shmem_enabled: chosen(read(`${hugeFolder}/shmem_enabled`)) === 'advise' ? 'never' : 'advise',
      use_zero_page: read(`${hugeFolder}/use_zero_page`) === '0',
      khugepaged_pages_to_scan: now(`${hugeFolder}/khugepaged/pages_to_scan`) + 7,
      khugepaged_scan_sleep_millisecs: now(`${hugeFolder}/khugepaged/scan_sleep_millisecs`) + 7,
      khugepaged_alloc_sleep_millisecs: now(`${hugeFolder}/khugepaged/alloc_sleep_millisecs`) + 7,
      khugepaged_max_ptes_none: 77,
      khugepaged_max_ptes_swap: 77,
      khugepaged_max_ptes_shared: 77,
    },
    'virtual-memory': {
      swappiness: now(`${vm}/swappiness`) === 100 ? 99 : 100,
      dirty_bytes: 2 ** 28,
      dirty_background_bytes: 2 ** 26,
      dirty_expire_centisecs: now(`${vm}/dirty_expire_centisecs`) + 1,
      dirty_writeback_centisecs: now(`${vm}/dirty_writeback_centisecs`) + 1,
      min_free_kbytes: now(`${vm}/min_free_kbytes`) + 4096,
      watermark_scale_factor: now(`${vm}/watermark_scale_factor`) + 1,
      vfs_cache_pressure: now(`${vm}/vfs_cache_pressure`) + 1,
      overcommit_kbytes: 2 ** 24,
      zone_reclaim_mode: 0,
      numa_balancing: now('/proc/sys/kernel/numa_balancing') === 0 ? 1 : 0,
      'page-cluster': now(`${vm}/page-cluster`) === 1 ? 2 : 1,
    },
  } as const satisfies TunerSettings;
  const applied = await reconciler.apply(settings);
  const faults = applied.filter(({ outcome }) => outcome === 'failed' || outcome === 'held');
  t.strictSame(short(faults), []);
  t.strictSame(
    [read(`${vm}/dirty_bytes`), read(`${vm}/dirty_ratio`), read(`${vm}/overcommit_ratio`)],
    [`${2 ** 28}`, '0', '0'],
    'the kernel sets the other half to 0',
  );
  t.strictSame(short((await reconciler.verify(settings)).filter(({ outcome }) => outcome === 'change')), []);
  const limit = applied.find(({ knob }) => knob.setting === 'dirty_limit');
  t.match(
    (await reconciler.verify(settings)).find(({ knob }) => knob.setting === 'dirty_limit')?.evidence,
    /^writers wait above 2\d\d MiB;/,
  );
  t.equal(limit?.outcome, 'changed');
  const zero = await reconciler.apply({ 'virtual-memory': { dirty_ratio: 1, dirty_background_ratio: 0 } });
  t.notOk(outcomes(zero).includes('failed'), short(zero).join());
  t.equal(read(`${vm}/dirty_background_bytes`), '0', 'a share of 0 drives the amount away');
  t.notOk(outcomes(await reconciler.revert()).includes('failed'));
  t.strictSame(
    [Object.fromEntries(files.map((file) => [file, read(file)])), ledger.size],
    [before, 0],
    'undone exactly',
  );
}

async function sysctls(t: Test): Promise<void> {
  const net = '/proc/sys/net';
  const files = [`${net}/core/somaxconn`, `${net}/ipv4/tcp_rmem`, `${net}/ipv4/ip_local_reserved_ports`];
  const before = keep(t, files);
  const state = stateDirectory(t);
  const first = await bench(t, [createSysctl()], state);
  const settings = (reserved: string): TunerSettings => ({
    sysctl: {
      settings: {
        'net.core.somaxconn': Number(read(files[0] as string)) + 1,
        'net/ipv4/tcp_rmem': '4096  131072 6291455',
        'net.ipv4.ip_local_reserved_ports': reserved,
      },
    },
  });
  const rounded = await first.reconciler.apply(settings('48080,48081'));
  t.match(
    rounded.map(({ outcome, reason }) => [outcome, reason]),
    [
      ['changed'],
      ['changed'],
      ['failed', 'the kernel made 48080-48081 of 48080,48081 in net.ipv4.ip_local_reserved_ports; put back'],
    ],
  );
  t.equal(read(files[2] as string), before[files[2] as string], 'what the kernel changes is put back');
  const asIs = settings('48080-48081');
  asIs.sysctl = {
    settings: { ...asIs.sysctl?.settings, 'net.core.somaxconn': Number(read(files[0] as string)) },
  };
  t.notOk(outcomes(await first.reconciler.apply(asIs)).includes('failed'));
  t.equal(read(files[2] as string), '48080-48081');
  await first.ledger.close();
  const second = await bench(t, [createSysctl()], state);
  t.strictSame(
    outcomes(await second.reconciler.revert()),
    ['changed'],
    'another start of the agent undoes it',
  );
  t.strictSame(
    [Object.fromEntries(files.map((file) => [file, read(file)])), second.ledger.size],
    [before, 0],
  );
}

const rootless = process.getuid?.() === 0 ? false : 'needs root';
const noKsm = rootless || (new HostRoot('/').exists(ksmFolder) ? false : 'needs a kernel with KSM');
const bigEnough = (readHostMemory(new HostRoot('/'))?.availableBytes ?? 0) > 5 * 2 ** 30;
const noPools =
  rootless ||
  (new HostRoot('/').exists(`${cell0}/hugepages-1048576kB`) ? false : 'needs huge pages of 1 GiB') ||
  (bigEnough ? false : 'needs 5 GiB of available memory');

void t.test('KSM with a program that merges', { skip: noKsm }, ksmMerges);
void t.test('pools of huge pages', { skip: noPools }, realPools);
void t.test('a shortfall of huge pages', { skip: noPools }, realShortfall);
void t.test('transparent huge pages and vm.*', { skip: rootless }, otherFiles);
void t.test('sysctls', { skip: rootless }, sysctls);
