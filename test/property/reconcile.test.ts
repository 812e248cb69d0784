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
import { FakeHost } from '../support/fake-host.js';

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

/** Settings that a host with CPUs 0-3 can take. */
const settings = fc.record(
  {
    'vcpu-pinning': fc.oneof(
      fc.constantFrom(
        { reserved: '0' },
        { shared: '1-3' },
        { reserved: '0-1', shared: '2-$' },
        { shared: '0-$,^2' },
      ),
      fc.constant({ shared: '3', override_explicit: true }),
    ),
    'cpu-qos': fc.record(
      {
        vcpu_period_us: fc.integer({ min: 1000, max: 1_000_000 }),
        vcpu_quota_us: fc.oneof(fc.constant(-1), fc.integer({ min: 1000, max: 10 ** 6 })),
        cpu_shares: fc.integer({ min: 2, max: 10_000 }),
        override_explicit: fc.boolean(),
      },
      opt,
    ),
    'block-qos': limits,
    ksm: fc.record(
      {
        run: fc.constantFrom('off', 'on', 'unmerge'),
        pages_to_scan: fc.integer({ min: 1, max: 5000 }),
        merge_across_nodes: fc.boolean(),
        use_zero_pages: fc.boolean(),
      },
      { requiredKeys: ['run'] },
    ),
    'transparent-hugepages': fc.record(
      {
        enabled: fc.constantFrom('always', 'madvise', 'never'),
        defrag: fc.constantFrom('always', 'defer', 'never'),
        khugepaged_defrag: fc.boolean(),
      },
      { requiredKeys: ['enabled'] },
    ),
  },
  opt,
) as fc.Arbitrary<TunerSettings>;

const shapes = fc.record({
  cgroup: fc.constantFrom('v1' as const, 'v2' as const),
  domains: fc.integer({ min: 0, max: 3 }),
  explicit: fc.boolean(),
});

interface Bench {
  readonly host: FakeHost;
  /** A reconciler as a fresh process would have it, over the ledger that is on disk. */
  fresh(planOnly?: boolean): Promise<Reconciler>;
  ledgerSize(): number;
}

async function withBench(
  { cgroup, domains, explicit }: { cgroup: 'v1' | 'v2'; domains: number; explicit: boolean },
  work: (bench: Bench) => Promise<void>,
): Promise<void> {
  const host = new FakeHost({ cgroup });
  const state = mkdtempSync(join(tmpdir(), 'drover-ledger-'));
  let ledger: Ledger | undefined;
  for (let index = 0; index < domains; index++) {
    const own =
      explicit && index === 0 ? { vcpuPins: [0], vcpuBandwidth: true, blockDevices: ['/dev/vda'] } : {};
    host.start({ name: `d${index}`, vcpus: index + 1, explicit: own });
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
    await work({ host, fresh, ledgerSize: () => ledger?.size ?? 0 });
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
      await withBench(shape, async ({ host, fresh, ledgerSize }) => {
        const original = host.snapshot();
        const reconciler = await fresh();
        const plan = await reconciler.plan(wanted);
        t.strictSame([host.writes, host.snapshot(), ledgerSize()], [0, original, 0], 'plan writes nothing');
        const applied = await reconciler.apply(wanted);
        t.strictSame(done(applied, plan), planned(plan), 'apply does what plan predicted');
        t.equal(host.writes, planned(plan).length, 'with one write for each change');
        changes += host.writes;
        t.strictSame(planned(await reconciler.verify(wanted)), [], 'verify finds nothing to change');
        await reconciler.apply(wanted);
        t.equal(host.writes, planned(plan).length, 'a second apply writes nothing');
        await reconciler.revert();
        t.strictSame([host.snapshot(), ledgerSize()], [original, 0], 'revert restores every original');
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
        await withBench(shape, async ({ host, fresh, ledgerSize }) => {
          const original = host.snapshot();
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
          t.strictSame([host.snapshot(), ledgerSize()], [original, 0], 'every original is back');
        });
      },
    ),
    20,
  );
});

void t.test(`a crash in the revert itself is made good by the next one (DROVER_SEED=${seed})`, async (t) => {
  await check(
    fc.asyncProperty(shapes, settings, fc.nat(20), async (shape, wanted, writes) => {
      await withBench(shape, async ({ host, fresh, ledgerSize }) => {
        const original = host.snapshot();
        await (await fresh()).apply(wanted);
        host.crashAfter(writes);
        await (await fresh()).revert();
        host.crashAfter(Infinity);
        await (await fresh()).revert();
        t.strictSame([host.snapshot(), ledgerSize()], [original, 0], 'every original is back');
      });
    }),
    20,
  );
});

void t.test(`settings that leave the desired state are put back (DROVER_SEED=${seed})`, async (t) => {
  await check(
    fc.asyncProperty(shapes, settings, settings, async (shape, first, second) => {
      await withBench(shape, async ({ host, fresh }) => {
        const original = host.snapshot();
        const reconciler = await fresh();
        await reconciler.apply(first);
        await reconciler.apply(second);
        t.strictSame(planned(await reconciler.verify(second)), [], 'nothing of the first is left to do');
        await reconciler.apply({});
        t.strictSame(host.snapshot(), original, 'no settings: the host is as it was');
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
      await withBench(shape, async ({ host, fresh, ledgerSize }) => {
        const turns = async (count: number): Promise<void> => {
          for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
        };
        for (const call of ['pinVcpu', 'setScheduler', 'setBlockLimits'] as const) {
          const answer = host[call].bind(host) as (...each: unknown[]) => Promise<void>;
          host[call] = async (...each: unknown[]) => {
            await turns(slow);
            return answer(...each);
          };
        }
        const original = host.snapshot();
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
        t.strictSame([host.snapshot(), ledgerSize()], [original, 0], 'every original is back');
      });
    }),
    25,
  );
});

void t.test(`plan-only writes nothing at all (DROVER_SEED=${seed})`, async (t) => {
  await check(
    fc.asyncProperty(shapes, settings, async (shape, wanted) => {
      await withBench(shape, async ({ host, fresh, ledgerSize }) => {
        const original = host.snapshot();
        const reconciler = await fresh(true);
        for (const { uuid } of host.view().domains) await reconciler.applyDomain(wanted, uuid);
        await reconciler.apply(wanted);
        await reconciler.revert();
        t.strictSame([host.snapshot(), host.writes, ledgerSize()], [original, 0, 0]);
        t.equal(reconciler.status().state, 'plan-only');
      });
    }),
    20,
  );
});
