/** Block I/O on this very machine: guests that are really held back, weights of bfq, queues of a loop device of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { readBlockLimits, readBlockTraffic } from '../../agent/kernel/cgroup-block.js';
import {
  controllerVersion,
  domainGroup,
  readCgroupLayout,
  type CgroupVersion,
} from '../../agent/kernel/cgroup.js';
import { HostRoot } from '../../agent/kernel/root.js';
import type { PlanEntry } from '../../agent/reconcile/plan.js';
import { diskUnder } from '../../agent/tuners/common/block/host-disk.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { domainObstacle, ensureLibvirtd, virsh } from '../support/boot-domain.js';
import { growthPerSecond, LoadedDomain, makeLoop, type LoadedShape } from '../support/loaded-domain.js';
import { until } from '../support/poll.js';
import { openRealHost, type RealHost } from '../support/real-reconciler.js';

const kernel = new HostRoot('/');
const layout = readCgroupLayout(kernel);
const version = controllerVersion(layout, 'blkio') as CgroupVersion;
const mebibyte = 2 ** 20;

/** A guest begins to load its disk 4 s after its start, on a busy machine much later. */
const bootMs = 90_000;

interface Bench {
  readonly domain: LoadedDomain;
  readonly host: RealHost;
  /** The domain's control group for block I/O. */
  readonly group: string;
  /** What the group has moved on the disk under the image, as the kernel counts it. */
  moved(what: 'writeBytes' | 'writeOperations'): number;
  limits(): unknown;
  apply(settings: TunerSettings): Promise<PlanEntry[]>;
}

async function bench(t: Test, label: string, shape: LoadedShape): Promise<Bench> {
  await ensureLibvirtd();
  const domain = new LoadedDomain(label, shape);
  t.teardown(() => domain.remove());
  if (shape.load === 'write') domain.favour(version === 1 ? layout.controllers['cpu'] : undefined);
  const state = mkdtempSync(join(tmpdir(), 'drover-host-block-'));
  t.teardown(() => rmSync(state, { recursive: true, force: true }));
  const host = await openRealHost(state, domain.name);
  t.teardown(() => host.close());
  const group = domainGroup(kernel, layout, domain.pid, 'blkio') as string;
  const source = shape.device ?? '/var/lib/libvirt/images';
  const type = shape.device === undefined ? 'file' : 'block';
  const disk = await diskUnder(kernel, { target: 'vda', type, source, cache: undefined });
  const number = 'device' in disk ? disk.number : disk.reason;
  return {
    domain,
    host,
    group,
    moved: (what) => readBlockTraffic(kernel, group, version, number)?.[what] ?? 0,
    limits: () => readBlockLimits(kernel, group, version, number),
    apply: (settings) => host.reconciler.apply(settings),
  };
}

const outcomes = (entries: readonly PlanEntry[]): string[] =>
  entries.map(
    ({ knob, outcome, reason }) => `${knob.setting} ${outcome}${outcome === 'failed' ? ` ${reason}` : ''}`,
  );

function near(t: Test, measured: number, limit: number, title: string): void {
  const part = measured / limit;
  t.ok(part > 0.9 && part < 1.1, `${title}: ${Math.round(measured)} of ${limit} a second`);
}

/** virsh is a program of its own: asked too often, it takes the CPU that the guest needs. */
const byVirsh = { pauseMs: 250 };

/**
 * How fast a limited counter grows. A guest has one request under way, which comes late where other programs keep the
 * CPUs busy: a window that falls short is measured again, four times at most. One that is too fast counts at once.
 */
async function settledRate(counter: () => number, limit: number, pace = {}): Promise<number> {
  let rate = 0;
  for (let windows = 0; windows < 4 && rate < 0.9 * limit; windows++)
    rate = await growthPerSecond(counter, 3 * limit, pace);
  return rate;
}

/** A program in a control group, `command` of the shell with these arguments, until it is stopped; others wait for it. */
function inGroup(
  t: Test,
  group: string,
  command: string,
  ...words: readonly string[]
): { stop(): Promise<void> } {
  const script = `echo $$ > "$0/cgroup.procs"; ${command}`;
  const child = spawn('nice', ['-n', '-15', 'sh', '-c', script, group, ...words], {
    detached: true,
    stdio: 'ignore',
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      process.kill(-(child.pid as number), 'SIGKILL');
      await once(child, 'exit');
    }
  };
  t.teardown(stop);
  return { stop };
}

/** Writes for ever past the page cache: the file or device, the size of a block, the first block. */
const writeForEver =
  'while :; do dd if=/dev/zero "of=$1" bs=$2 seek=$3 count=256 oflag=direct conv=notrunc 2>/dev/null; done';

interface Reads {
  readonly file: string;
  readonly blockBytes: number;
  /** Of each of the readers; there are two, so that one request always waits at the limit. */
  readonly blocks: number;
}

/** Bytes a second that two programs in a control group read past the page cache, by the clock and their own account. */
async function readRate(group: string, { file, blockBytes, blocks }: Reads): Promise<number> {
  const began = performance.now();
  const read = async (skip: number): Promise<number> => {
    const reader = spawn(
      'sh',
      [
        '-c',
        'echo $$ > "$0/cgroup.procs" && exec dd "if=$1" of=/dev/null bs=$2 count=$3 skip=$4 iflag=direct',
        ...[group, file, `${blockBytes}`, `${blocks}`, `${skip}`],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], timeout: 30_000, env: { ...process.env, LC_ALL: 'C' } },
    );
    let told = '';
    reader.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
    await once(reader, 'close');
    return Number(/^(\d+) bytes/m.exec(told)?.[1] ?? Number.NaN);
  };
  const bytes = await Promise.all([read(0), read(blocks)]);
  return (bytes.reduce((sum, each) => sum + each, 0) / (performance.now() - began)) * 1000;
}

async function groupLimits(t: Test): Promise<void> {
  const { domain, group, host, moved, limits, apply } = await bench(t, 'write', { load: 'write' });
  const before = limits();
  const written = (): number => domain.statistic('wr_bytes');
  await growthPerSecond(written, mebibyte, { deadlineMs: bootMs, ...byVirsh });
  const limit = mebibyte;
  t.strictSame(outcomes(await apply({ 'block-qos': { write_bytes_sec: limit } })), [
    'write_bytes_sec /dev/vda changed',
  ]);
  const start = { guest: written(), group: moved('writeBytes') };
  // Beside the guest, so that a request always waits at the limit, whatever else the CPUs are busy with.
  const second = inGroup(t, group, writeForEver, domain.image, '4096', '256');
  near(t, await settledRate(() => moved('writeBytes'), limit), limit, 'bytes that guest and program write');
  const guest = written() - start.guest;
  t.ok(
    guest > 0 && guest <= moved('writeBytes') - start.group + mebibyte,
    `the guest wrote ${guest} of them`,
  );
  const [again] = await apply({ 'block-qos': { write_bytes_sec: limit } });
  t.match(again, { outcome: 'in-sync', evidence: /^read \d+ bytes in \d+ operations, wrote \d+ in \d+$/ });
  t.strictSame(outcomes(await apply({ 'block-qos': { write_iops_sec: 50 } })).toSorted(), [
    'write_bytes_sec /dev/vda changed',
    'write_iops_sec /dev/vda changed',
  ]);
  near(t, await settledRate(() => moved('writeOperations'), 50), 50, 'operations as the kernel counts them');
  await second.stop();

  const file = domain.image;
  t.strictSame(outcomes(await apply({ 'block-qos': { read_bytes_sec: 2 * mebibyte } })).toSorted(), [
    'read_bytes_sec /dev/vda changed',
    'write_iops_sec /dev/vda changed',
  ]);
  const read = await readRate(group, { file, blockBytes: 2 ** 16, blocks: 48 });
  near(t, read, 2 * mebibyte, 'bytes that programs in its group read');
  await apply({ 'block-qos': { read_iops_sec: 100 } });
  const reads = (await readRate(group, { file, blockBytes: 4096, blocks: 150 })) / 4096;
  near(t, reads, 100, 'reads that programs in its group do');

  await host.reconciler.revert();
  t.strictSame([limits(), host.ledger.size], [before, 0], 'revert restores the group');
  const free = await growthPerSecond(written, 4 * mebibyte, byVirsh);
  t.ok(free > 1.5 * limit, 'and the guest is free again');
  const freeRead = await readRate(group, { file, blockBytes: 2 ** 16, blocks: 48 });
  t.ok(freeRead > 4 * mebibyte, `so are the programs: ${Math.round(freeRead)} a second`);
}

async function qemuLimits(t: Test): Promise<void> {
  const { domain, host, apply, limits } = await bench(t, 'cached', { load: 'write', cache: 'writeback' });
  const written = (): number => domain.statistic('wr_bytes');
  await growthPerSecond(written, mebibyte, { deadlineMs: bootMs, ...byVirsh });
  const before = limits();
  const limit = mebibyte;
  t.strictSame(outcomes(await apply({ 'block-qos': { write_bytes_sec: limit } })), ['throttle vda changed']);
  t.strictSame(limits(), before, 'the control group is left alone');
  near(t, await settledRate(written, limit, byVirsh), limit, 'bytes by QEMU, through the page cache');
  await apply({ 'block-qos': { total_iops_sec: 20 } });
  const requests = await settledRate(() => domain.statistic('wr_req'), 20, byVirsh);
  near(t, requests, 20, 'operations by QEMU');
  await burst(t, apply, written, limit);
  const moved = await apply({ 'block-qos': { write_bytes_sec: limit, via: 'cgroup' } });
  t.strictSame(
    outcomes(moved),
    ['throttle vda changed', 'write_bytes_sec /dev/vda changed'],
    'the old way goes back',
  );
  t.notMatch(virsh('dumpxml', domain.name), /<total_bytes_sec>/);
  await host.reconciler.revert();
  t.strictSame([limits(), host.ledger.size], [before, 0]);
  t.match(outcomes(await apply({ 'disk-cache': { cache: 'none' } })), ['cache vda deferred']);
}

/** Four times the limit for two seconds; slower guests are fast for longer, until the same bucket is full. */
async function burst(t: Test, apply: Bench['apply'], written: () => number, limit: number): Promise<void> {
  const settings = {
    total_bytes_sec: limit,
    total_bytes_sec_max: 4 * limit,
    total_bytes_sec_max_length_seconds: 2,
  };
  t.strictSame(outcomes(await apply({ 'block-qos': settings })), ['throttle vda changed']);
  const first = await growthPerSecond(written, 3 * limit, byVirsh);
  await until(
    async () => (await growthPerSecond(written, limit, byVirsh)) < 1.2 * limit,
    30_000,
    'the burst does not end',
  );
  const later = await settledRate(written, limit, byVirsh);
  t.ok(first > 2 * later, `a burst of ${Math.round(first)}, then ${Math.round(later)} a second`);
  t.ok(first < 5 * limit, 'and no faster than the burst may be');
  near(t, later, limit, 'after the burst');
}

/** What a group has written to a device as bfq counts it: the counter of limits stands still until a device has one. */
function bfqBytes(group: string, number: string): number {
  const text = kernel.read(`${group}/blkio.bfq.io_service_bytes`) ?? '';
  return Number(new RegExp(`^${number} Write (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

async function weights(t: Test): Promise<void> {
  const loop = makeLoop(192 * mebibyte);
  t.teardown(() => loop.remove());
  const scheduler = `/sys/block/${loop.name}/queue/scheduler`;
  writeFileSync(scheduler, 'mq-deadline');
  const { host, apply, group } = await bench(t, 'weighed', { load: 'idle', device: loop.device });
  const weightFile = `${group}/blkio.bfq.weight`;
  t.match(await apply({ 'block-weight': { weight: 500 } }), [
    {
      outcome: 'unsupported',
      reason: `the scheduler of ${loop.name} is mq-deadline: weights need bfq`,
    },
  ]);
  t.strictSame([kernel.read(weightFile), host.ledger.size], ['100', 0], 'no weight that nobody obeys');

  writeFileSync(scheduler, 'bfq');
  // A weight counts among the groups of one parent only.
  const other = join(dirname(group), `drover-block-${process.pid}`);
  mkdirSync(other);
  t.teardown(() =>
    until(() => kernel.read(`${other}/cgroup.procs`) === '', 5_000, 'a writer is left').finally(() =>
      rmdirSync(other),
    ),
  );
  // The heuristics for interactive programs favour whoever has just begun, for some seconds.
  writeFileSync(`/sys/block/${loop.name}/queue/iosched/low_latency`, '0');
  const number = kernel.read(`/sys/block/${loop.name}/dev`) as string;
  // Several writers each: bfq shares out what waits, and one writer at a time leaves nothing waiting.
  for (const [index, each] of [group, other].entries())
    for (let writer = 0; writer < 4; writer++)
      inGroup(t, each, writeForEver, loop.device, '128k', `${512 + 256 * index + 64 * writer}`);
  const bytes = (): [own: number, rest: number] => [bfqBytes(group, number), bfqBytes(other, number)];
  await until(() => bytes().every((each) => each > mebibyte), 20_000, 'the programs do not write');
  /** Measured until it is in bounds, six times at most: bfq needs some turns, and other programs take the CPU from both. */
  const share = async (least: number, most: number): Promise<number> => {
    let part = Number.NaN;
    for (let windows = 0; windows < 6 && !(part > least && part < most); windows++) {
      const [own, rest] = bytes();
      await growthPerSecond(() => bytes()[0] + bytes()[1], 512 * mebibyte);
      const [ownNow, restNow] = bytes();
      part = (ownNow - own) / (restNow - rest);
    }
    return part;
  };
  const [heavy] = await apply({ 'block-weight': { weight: 800 } });
  t.match([heavy?.outcome, heavy?.evidence], ['changed', `bfq on ${loop.name}`]);
  const most = await share(2.5, 9);
  t.ok(most > 2.5 && most < 9, `800 beside 100 writes ${most.toFixed(2)} times as much`);
  await apply({ 'block-weight': { weight: 100 } });
  const same = await share(0.6, 1.6);
  t.ok(same > 0.6 && same < 1.6, `100 beside 100 writes ${same.toFixed(2)} times as much`);
  await host.reconciler.revert();
  t.strictSame([kernel.read(weightFile), host.ledger.size], ['100', 0]);
}

async function queues(t: Test): Promise<void> {
  const loop = makeLoop(16 * mebibyte);
  t.teardown(() => loop.remove());
  const state = mkdtempSync(join(tmpdir(), 'drover-host-queue-'));
  t.teardown(() => rmSync(state, { recursive: true, force: true }));
  const host = await openRealHost(state);
  t.teardown(() => host.close());
  const queue = `/sys/block/${loop.name}/queue`;
  const files = ['scheduler', 'nr_requests', 'read_ahead_kb', 'rq_affinity', 'nomerges', 'wbt_lat_usec'];
  const read = (): (string | undefined)[] => files.map((file) => kernel.read(`${queue}/${file}`));
  const all = { read_ahead_kb: 512, rq_affinity: 2, nomerges: 1, wbt_lat_usec: 3000 } as const;
  const vda = kernel.read('/sys/block/vda/queue/scheduler');
  for (const [scheduler, requests] of [
    ['none', '50'],
    ['mq-deadline', '1024'],
    ['bfq', '256'],
  ] as const)
    for (const wanted of [
      { scheduler: 'bfq', nr_requests: 64, ...all },
      { scheduler: 'none', nr_requests: 60, ...all },
      { scheduler: 'none' },
      { scheduler: 'kyber' },
    ]) {
      writeFileSync(`${queue}/scheduler`, scheduler);
      writeFileSync(`${queue}/nr_requests`, requests);
      const before = read();
      const entries = await host.reconciler.apply({ 'block-queue': { devices: { [loop.name]: wanted } } });
      const title = `${scheduler} ${requests} to ${JSON.stringify(wanted)}`;
      t.notOk(
        entries.some(({ outcome }) => outcome !== 'changed' && outcome !== 'in-sync'),
        title,
      );
      for (const [file, value] of Object.entries(wanted)) {
        const now = kernel.read(`${queue}/${file}`) ?? '';
        t.equal(/\[(.*)\]/.exec(now)?.[1] ?? now, `${value}`, `${title}: ${file}`);
      }
      await host.reconciler.revert();
      t.strictSame([read(), host.ledger.size], [before, 0], `${title}: and exactly back`);
    }
  const [odd] = await host.reconciler.plan({
    'block-queue': { devices: { [loop.name]: { scheduler: 'cfq' } } },
  });
  t.match(odd, { outcome: 'unsupported', reason: /this kernel offers .*bfq.* for loop/ });
  t.equal(kernel.read('/sys/block/vda/queue/scheduler'), vda, "the machine's own disk was left alone");
}

const noDomains = domainObstacle() ?? false;
const noLoops =
  process.getuid?.() === 0 && kernel.exists('/dev/loop-control') ? false : 'needs root and loop devices';
const noGroups = noDomains || (version === 1 ? false : 'the figures are those of cgroup v1');

void t.test('limits of the control group', { skip: noGroups }, groupLimits);
void t.test('limits of QEMU', { skip: noDomains }, qemuLimits);
void t.test('weights', { skip: noGroups || noLoops }, weights);
void t.test('queues', { skip: noLoops }, queues);
