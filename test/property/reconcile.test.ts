/** Whatever the settings and wherever a crash falls: plan writes nothing, apply does what it said, revert undoes it all. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { Ledger } from '../../agent/reconcile/ledger.js';
import type { PlanEntry } from '../../agent/reconcile/plan.js';
import { Reconciler } from '../../agent/reconcile/reconciler.js';
import { tuners } from '../../agent/tuners/index.js';
import { knobKey } from '../../agent/tuners/tuner.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { busyHost, changingCalls, heldByLibvirt } from '../support/busy-host.js';
import type { FakeHost } from '../support/fake-host.js';

const seed = Number(process.env['DROVER_SEED'] ?? Date.now() % 2 ** 31);
const log = { info: () => undefined, warn: () => undefined };
const opt = { requiredKeys: [] as [] };
const rate = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 31 }));
const limits = fc.record(
  {
    read_bytes_sec: rate,
    write_bytes_sec: rate,
    read_iops_sec: rate,
    write_iops_sec: rate,
    device: fc.constantFrom('/dev/vda', '/dev/vdb'),
  },
  opt,
);

/** Drift policies change nothing as long as nobody else writes. */
const drift = { drift: fc.constantFrom('heal', 'report', 'adopt') };
const count = (max: number, min = 0): fc.Arbitrary<number> => fc.integer({ min, max });
const some = (model: Record<string, fc.Arbitrary<unknown>>, ...requiredKeys: string[]) =>
  fc.record({ ...model, ...drift }, { requiredKeys: requiredKeys as [] });

/** Settings that a host with CPUs 0-3 and one NUMA cell can take. */
const settings = fc.record(
  {
    'qos-classes': fc.constant({
      default: 'bronze',
      classes: {
        bronze: { 'quota:cpu_shares': '512' },
        gold: { 'quota:cpu_shares': '4096', 'quota:disk_total_iops_sec': '500' },
      },
    }),
    'vcpu-pinning': fc.oneof(
      fc.constantFrom(
        { reserved: '0' },
        { shared: '1-3' },
        { reserved: '0-1', shared: '2-$' },
        { shared: '0-$,^2' },
        { shared: '0', dedicated: '1-3' },
      ),
      fc.constant({ shared: '3', override_explicit: true }),
    ),
    'numa-memory': fc.constantFrom({ follow: 'cpus' }, { cells: '0' }),
    'cpu-qos': some({
      vcpu_period_us: count(1_000_000, 1000),
      vcpu_quota_us: fc.oneof(fc.constant(-1), count(10 ** 6, 1000)),
      cpu_shares: count(10_000, 2),
      override_explicit: fc.boolean(),
    }),
    'block-qos': fc.oneof(
      limits,
      some({
        via: fc.constant('qemu'),
        total_bytes_sec: count(10 ** 8, 1),
        total_iops_sec: count(10 ** 5, 1),
      }),
    ),
    'block-weight': some({ weight: count(1000, 10) }, 'weight'),
    'interface-qos': some({
      inbound: fc.record({ average: count(10 ** 5, 1) }),
      outbound: fc.record({ average: count(10 ** 5, 1) }),
    }),
    'irq-affinity': fc.constantFrom({ keep_off: '1' }, { keep_off: '2-3' }, { keep_off: '0' }),
    'cpu-governor': fc.constant({ governor: 'performance' }),
    ksm: some(
      {
        run: fc.constantFrom('off', 'on', 'unmerge'),
        pages_to_scan: count(5000, 1),
        merge_across_nodes: fc.boolean(),
        use_zero_pages: fc.boolean(),
      },
      'run',
    ),
    'transparent-hugepages': some(
      {
        enabled: fc.constantFrom('always', 'madvise', 'never'),
        defrag: fc.constantFrom('always', 'defer', 'never'),
        khugepaged_defrag: fc.boolean(),
        shmem_enabled: fc.constantFrom('always', 'advise'),
      },
      'enabled',
    ),
    hugepages: count(64).map((pages) => ({ pools: [{ size: '2MiB', cell: 0, pages }], deadline_seconds: 0 })),
    'virtual-memory': fc.oneof(
      some({ swappiness: count(100), dirty_ratio: count(90, 1), dirty_background_ratio: count(50, 1) }),
      some({ swappiness: count(100), dirty_bytes: count(2 ** 30, 8192), numa_balancing: fc.boolean() }),
    ),
    sysctl: fc.constantFrom(
      { settings: { 'net.core.somaxconn': '1024' } },
      { settings: { 'net.ipv4.tcp_rmem': '4096 87380 1000000', 'net.core.somaxconn': '512' } },
    ),
    'block-queue': fc.constantFrom(
      { devices: { vdb: { scheduler: 'bfq', nr_requests: 64 } } },
      { devices: { vdb: { nr_requests: 32, read_ahead_kb: 512 } } },
      { devices: { vdb: { scheduler: 'mq-deadline', nomerges: 2 } } },
    ),
    'disk-cache': fc.constant({ cache: 'none' }),
    'kernel-command-line': fc.constant({ arguments: ['quiet', 'isolcpus=2-3'] }),
  },
  opt,
) as fc.Arbitrary<unknown> as fc.Arbitrary<TunerSettings>;

const shapes = fc.record({
  cgroup: fc.constantFrom('v1' as const, 'v2' as const),
  domains: fc.integer({ min: 0, max: 3 }),
  explicit: fc.boolean(),
});

const nic = { mac: '52:54:00:00:00:01', target: 'vnet0', type: 'bridge', bridge: 'br0' };
const plain = { virtualPort: '', interfaceId: '', model: 'virtio', driver: '', bandwidth: {} };
const interfaces = [{ ...nic, ...plain }];

interface Bench {
  readonly host: FakeHost;
  /** Everything that can be changed: files, and what libvirt holds itself. */
  everything(): Promise<unknown>;
  /** A reconciler as a fresh process would have it, over the ledger that is on disk. */
  fresh(planOnly?: boolean): Promise<Reconciler>;
  ledgerSize(): number;
}

async function withBench(
  { cgroup, domains, explicit }: { cgroup: 'v1' | 'v2'; domains: number; explicit: boolean },
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const host = busyHost({ cgroup });
  const state = mkdtempSync(join(tmpdir(), 'drover-ledger-'));
  let ledger: Ledger | undefined;
  for (let index = 0; index < domains; index++) {
    const own =
      explicit && index === 0 ? { vcpuPins: [0], vcpuBandwidth: true, blockDevices: ['/dev/vda'] } : {};
    const specs = index === 1 ? { 'drover:qos_class': 'gold' } : {};
    host.start({ name: `d${index}`, vcpus: index + 1, explicit: own, ioThreads: 1, interfaces, specs });
  }
  const fresh = async (planOnly = false): Promise<Reconciler> => {
    await ledger?.close();
    ledger = await Ledger.open(state, { bootId: 'boot-1', now: () => 0 });
    return new Reconciler({
      tuners,
      ports: host.ports,
      ledger,
      hostView: async () => host.view(),
      planOnly,
      now: () => 0,
      log,
    });
  };
  try {
    const everything = async () => [host.snapshot(), await heldByLibvirt(host)];
    await work({ host, everything, fresh, ledgerSize: () => ledger?.size ?? 0 });
  } finally {
    await ledger?.close();
    host.dispose();
    rmSync(state, { recursive: true });
  }
}

const planned = (entries: readonly PlanEntry[]): string[] =>
  entries
    .filter(({ outcome }) => outcome === 'change')
    .map((entry) => `${knobKey(entry.knob)} ${entry.now} -> ${entry.wanted}`);
const done = (entries: readonly PlanEntry[], plan: readonly PlanEntry[]): string[] =>
  entries.flatMap((entry, index) =>
    entry.outcome === 'changed' ? [`${knobKey(entry.knob)} ${plan[index]?.now} -> ${entry.now}`] : [],
  );

async function check(property: fc.IAsyncProperty<unknown>, numRuns: number): Promise<void> {
  await fc.assert(property, { seed, numRuns });
}

void t.test(`plan, apply, verify, revert (DROVER_SEED=${seed})`, async (t) => {
  let changes = 0;
  await check(
    fc.asyncProperty(shapes, settings, async (shape, wanted) => {
      await withBench(shape, async ({ host, everything, fresh, ledgerSize }) => {
        const original = await everything();
        const reconciler = await fresh();
        const plan = await reconciler.plan(wanted);
        t.strictSame(
          [host.writes, await everything(), ledgerSize()],
          [0, original, 0],
          'plan writes nothing',
        );
        const applied = await reconciler.apply(wanted);
        t.strictSame(done(applied, plan), planned(plan), 'apply does what plan predicted');
        const { writes: written } = host;
        t.ok(written >= planned(plan).length, 'with a write for each change');
        changes += planned(plan).length;
        t.strictSame(planned(await reconciler.verify(wanted)), [], 'verify finds nothing to change');
        await reconciler.apply(wanted);
        t.equal(host.writes, written, 'a second apply writes nothing');
        await reconciler.revert();
        t.strictSame([await everything(), ledgerSize()], [original, 0], 'revert restores every original');
        const writes = host.writes;
        await reconciler.revert();
        t.equal(host.writes, writes, 'a second revert writes nothing');
      });
    }),
    30,
  );
  t.ok(changes > 30, 'the settings did ask for changes');
});

void t.test(`revert after a crash at any write (DROVER_SEED=${seed})`, async (t) => {
  await check(
    fc.asyncProperty(
      shapes,
      settings,
      settings,
      fc.nat(40),
      fc.boolean(),
      async (shape, before, wanted, writes, twice) => {
        await withBench(shape, async ({ host, everything, fresh, ledgerSize }) => {
          const original = await everything();
          if (twice) await (await fresh()).apply(before);
          host.crashAfter(writes);
          await (await fresh()).apply(wanted);
          host.crashAfter(Infinity);
          const reverted = await (await fresh()).revert();
          t.strictSame(
            reverted.filter(({ outcome }) => outcome === 'failed'),
            [],
            'nothing fails',
          );
          t.strictSame([await everything(), ledgerSize()], [original, 0], 'every original is back');
        });
      },
    ),
    20,
  );
});

void t.test('a scheduler is switched in the pass that puts the number of requests back', async (t) => {
  const queue = (vdb: object) => ({ 'block-queue': { devices: { vdb } } }) as TunerSettings;
  const switches = [
    [queue({ nr_requests: 32 }), queue({ scheduler: 'mq-deadline' })],
    [queue({ scheduler: 'bfq', nr_requests: 64 }), queue({})],
    [queue({}), queue({ scheduler: 'mq-deadline', nr_requests: 128 })],
  ] as const;
  for (const [before, wanted] of switches) {
    for (let writes = 0; writes < 6; writes++) {
      await withBench({ cgroup: 'v2', domains: 0, explicit: false }, async (bench) => {
        const original = await bench.everything();
        await (await bench.fresh()).apply(before);
        bench.host.crashAfter(writes);
        await (await bench.fresh()).apply(wanted);
        bench.host.crashAfter(Infinity);
        await (await bench.fresh()).revert();
        t.strictSame([await bench.everything(), bench.ledgerSize()], [original, 0], `after ${writes} writes`);
      });
    }
  }
});

void t.test(`a crash in the revert itself is made good by the next one (DROVER_SEED=${seed})`, async (t) => {
  await check(
    fc.asyncProperty(shapes, settings, fc.nat(20), async (shape, wanted, writes) => {
      await withBench(shape, async ({ host, everything, fresh, ledgerSize }) => {
        const original = await everything();
        await (await fresh()).apply(wanted);
        host.crashAfter(writes);
        await (await fresh()).revert();
        host.crashAfter(Infinity);
        await (await fresh()).revert();
        t.strictSame([await everything(), ledgerSize()], [original, 0], 'every original is back');
      });
    }),
    20,
  );
});

void t.test(`settings that leave the desired state are put back (DROVER_SEED=${seed})`, async (t) => {
  await check(
    fc.asyncProperty(shapes, settings, settings, async (shape, first, second) => {
      await withBench(shape, async ({ everything, fresh }) => {
        const original = await everything();
        const reconciler = await fresh();
        await reconciler.apply(first);
        await reconciler.apply(second);
        t.strictSame(planned(await reconciler.verify(second)), [], 'nothing of the first is left to do');
        await reconciler.apply({});
        t.strictSame(await everything(), original, 'no settings: the host is as it was');
      });
    }),
    20,
  );
});

void t.test(`single domains beside passes lose no original (DROVER_SEED=${seed})`, async (t) => {
  const step = fc.record({
    kind: fc.constantFrom('apply' as const, 'domain' as const, 'revert' as const),
    settings,
    domain: fc.nat(2),
    turns: fc.nat(6),
  });
  await check(
    fc.asyncProperty(shapes, fc.array(step, { maxLength: 12 }), fc.nat(4), async (shape, steps, slow) => {
      await withBench(shape, async ({ host, everything, fresh, ledgerSize }) => {
        const turns = async (count: number): Promise<void> => {
          for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
        };
        for (const call of changingCalls) {
          const answer = host[call].bind(host) as (...each: unknown[]) => Promise<void>;
          host[call] = async (...each: unknown[]) => {
            await turns(slow);
            return answer(...each);
          };
        }
        const original = await everything();
        const reconciler = await fresh();
        const calls: Promise<unknown>[] = [];
        for (const { kind, settings: wanted, domain, turns: count } of steps) {
          const view = host.view().domains[domain];
          if (kind === 'apply') calls.push(reconciler.apply(wanted));
          else if (kind === 'revert') calls.push(reconciler.revert());
          else if (kind === 'domain' && view) calls.push(reconciler.applyDomain(wanted, view.uuid));
          await turns(count);
        }
        await Promise.all(calls);
        const last = steps.at(-1)?.settings ?? {};
        await reconciler.apply(last);
        t.strictSame(planned(await reconciler.verify(last)), [], 'the last word stands');
        await reconciler.revert();
        t.strictSame([await everything(), ledgerSize()], [original, 0], 'every original is back');
      });
    }),
    25,
  );
});

void t.test(`plan-only writes nothing at all (DROVER_SEED=${seed})`, async (t) => {
  await check(
    fc.asyncProperty(shapes, settings, async (shape, wanted) => {
      await withBench(shape, async ({ host, everything, fresh, ledgerSize }) => {
        const original = await everything();
        const reconciler = await fresh(true);
        for (const { uuid } of host.view().domains) await reconciler.applyDomain(wanted, uuid);
        await reconciler.apply(wanted);
        await reconciler.revert();
        t.strictSame([await everything(), host.writes, ledgerSize()], [original, 0, 0]);
        t.equal(reconciler.status().state, 'plan-only');
      });
    }),
    20,
  );
});
