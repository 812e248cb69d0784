/** Block I/O on this very machine: guests that are really held back, weights of bfq, queues of a loop device of its own. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  /** What the group has moved on the disk under the image, as the kernel counts it. */
  moved(what: 'readBytes' | 'writeBytes' | 'writeOperations'): number;
  limits(): unknown;
  apply(settings: TunerSettings): Promise<PlanEntry[]>;
}

async function bench(t: Test, label: string, shape: LoadedShape): Promise<Bench> {
  await ensureLibvirtd();
  const domain = new LoadedDomain(label, shape);
  t.teardown(() => domain.remove());
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

async function groupLimits(t: Test): Promise<void> {
  for (const [load, setting, counter] of [
    ['write', 'write_bytes_sec', 'writeBytes'],
    ['read', 'read_bytes_sec', 'readBytes'],
  ] as const) {
    const { host, moved, limits, apply } = await bench(t, load, { load });
    const before = limits();
    await until(() => moved(counter) > 8 * mebibyte, bootMs, `the guest does not ${load}`);
    const limit = 3 * mebibyte;
    t.strictSame(outcomes(await apply({ 'block-qos': { [setting]: limit } })), [
      `${setting} /dev/vda changed`,
    ]);
    near(
      t,
      await growthPerSecond(() => moved(counter), 3 * limit),
      limit,
      `${load} bytes by the control group`,
    );
    const [again] = await apply({ 'block-qos': { [setting]: limit } });
    t.match(again, { outcome: 'in-sync', evidence: /^read \d+ bytes in \d+ operations, wrote \d+ in \d+$/ });
    if (load === 'write') {
      t.strictSame(outcomes(await apply({ 'block-qos': { write_iops_sec: 50 } })).toSorted(), [
        'write_bytes_sec /dev/vda changed',
        'write_iops_sec /dev/vda changed',
      ]);
      const operations = await growthPerSecond(() => moved('writeOperations'), 150);
      near(t, operations, 50, 'operations as the kernel counts them');
    }
    await host.reconciler.revert();
    t.strictSame([limits(), host.ledger.size], [before, 0], 'revert restores the group');
    t.ok(
      (await growthPerSecond(() => moved(counter), 8 * mebibyte)) > 1.5 * limit,
      'and the guest is free again',
    );
  }
}

async function qemuLimits(t: Test): Promise<void> {
  const { domain, host, apply, limits } = await bench(t, 'cached', { load: 'write', cache: 'writeback' });
  const written = (): number => domain.statistic('wr_bytes');
  await until(() => written() > mebibyte, bootMs, 'the guest does not write');
  const before = limits();
  const limit = 2 * mebibyte;
  t.strictSame(outcomes(await apply({ 'block-qos': { write_bytes_sec: limit } })), ['throttle vda changed']);
  t.strictSame(limits(), before, 'the control group is left alone');
  near(t, await growthPerSecond(written, 3 * limit), limit, 'bytes by QEMU, through the page cache');
  await apply({ 'block-qos': { total_iops_sec: 40 } });
  near(t, await growthPerSecond(() => domain.statistic('wr_req'), 120), 40, 'operations by QEMU');
  const burst = {
    total_bytes_sec: limit,
    total_bytes_sec_max: 4 * limit,
    total_bytes_sec_max_length_seconds: 2,
  };
  t.strictSame(outcomes(await apply({ 'block-qos': burst })), ['throttle vda changed']);
  const first = await growthPerSecond(written, 2 * limit);
  // What a bucket of four times the limit for two seconds holds is gone by then.
  const start = written();
  await until(() => written() > start + 6 * limit, 30_000, 'the burst does not end');
  const later = await growthPerSecond(written, 3 * limit);
  t.ok(first > 2 * later, `a burst of ${Math.round(first)}, then ${Math.round(later)} a second`);
  near(t, later, limit, 'after the burst');
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

/** A process that writes to a device past the page cache, in a group of its own; bytes a second over a second. */
function compete(t: Test, device: string, group: string): { group: string; stop(): void } {
  mkdirSync(group, { recursive: true });
  const child = spawn(
    'sh',
    [
      '-c',
      `while :; do dd if=/dev/zero of=${device} bs=128k seek=1024 count=1024 oflag=direct conv=notrunc 2>/dev/null; done`,
    ],
    {
      detached: true,
      stdio: 'ignore',
    },
  );
  writeFileSync(join(group, 'cgroup.procs'), String(child.pid));
  const stop = (): void => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid as number), 'SIGKILL');
  };
  t.teardown(async () => {
    stop();
    await until(() => kernel.read(`${group}/cgroup.procs`) === '', 5_000, 'the competitor did not end');
    rmdirSync(group);
  });
  return { group, stop };
}

async function weights(t: Test): Promise<void> {
  const onFile = await bench(t, 'unweighed', { load: 'idle' });
  const scheduler = /\[(.*)\]/.exec(kernel.read('/sys/block/vda/queue/scheduler') ?? '')?.[1];
  const [first] = await onFile.apply({ 'block-weight': { weight: 500 } });
  if (scheduler !== 'bfq')
    t.match(first, {
      outcome: 'failed',
      reason: `written, but without effect: the scheduler of vda is ${scheduler}: weights need bfq`,
    });
  await onFile.host.reconciler.revert();
  const idleGroup = domainGroup(kernel, layout, onFile.domain.pid, 'blkio') as string;
  t.equal(kernel.read(`${idleGroup}/blkio.bfq.weight`), '100', 'a weight without effect goes back as well');

  const loop = makeLoop(320 * mebibyte);
  t.teardown(() => loop.remove());
  writeFileSync(`/sys/block/${loop.name}/queue/scheduler`, 'bfq');
  const { host, apply, moved, domain } = await bench(t, 'weighed', { load: 'write', device: loop.device });
  await until(() => moved('writeBytes') > mebibyte, bootMs, 'the guest does not write');
  const rival = compete(
    t,
    loop.device,
    join(layout.controllers['blkio'] as string, `drover-block-${process.pid}`),
  );
  const number = kernel.read(`/sys/block/${loop.name}/dev`) as string;
  const rivals = (): number => readBlockTraffic(kernel, rival.group, version, number)?.writeBytes ?? 0;
  await until(() => rivals() > mebibyte, 10_000, 'the competitor does not write');
  const share = async (): Promise<number> => {
    const [own, other] = [moved('writeBytes'), rivals()];
    await growthPerSecond(() => moved('writeBytes') + rivals(), 96 * mebibyte, 30_000);
    return (moved('writeBytes') - own) / (rivals() - other);
  };
  const [light] = await apply({ 'block-weight': { weight: 10 } });
  t.match([light?.outcome, light?.evidence], ['changed', `bfq on ${loop.name}`]);
  const lightShare = await share();
  await apply({ 'block-weight': { weight: 1000 } });
  const heavyShare = await share();
  t.ok(heavyShare > 1.5 * lightShare, `share of the domain: ${lightShare} with 10, ${heavyShare} with 1000`);
  await host.reconciler.revert();
  const group = domainGroup(kernel, layout, domain.pid, 'blkio') as string;
  t.strictSame([kernel.read(`${group}/blkio.bfq.weight`), host.ledger.size], ['100', 0]);
  rival.stop();
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
