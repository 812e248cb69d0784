/** cpu-qos on cgroup v2: shares become a weight, ECUs a quota and a weight, each with a remark where it is clamped. */
import { join } from 'node:path';
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';
import type { Checks } from './checks.js';
import { counter, text, type Place } from './kernel-files.js';
import { entryOf, inWords, open, type LocalHost } from './local-host.js';

interface SharesCase {
  readonly what: string;
  readonly specs: Record<string, string>;
  /** cpu.weight of the scope, cpu.max of each vCPU. */
  readonly want: readonly [weight: string, max: string];
  readonly remark?: RegExp;
}

/** The domain has two vCPUs; one pCPU is worth 10 ECUs. */
const cases: readonly SharesCase[] = [
  {
    what: '262144 shares',
    specs: { 'quota:cpu_shares': '262144' },
    want: ['10000', 'max 100000'],
    remark: /262144 shares are weight 25600, clamped to 10000/,
  },
  {
    what: '2 shares',
    specs: { 'quota:cpu_shares': '2' },
    want: ['2', 'max 100000'],
    remark: /2 shares are weight 0, clamped to 2/,
  },
  { what: '2048 shares', specs: { 'quota:cpu_shares': '2048' }, want: ['200', 'max 100000'] },
  { what: '15 ECUs on two vCPUs', specs: { 'drover:ecu': '15' }, want: ['150', '75000 100000'] },
  {
    what: '40 ECUs on two vCPUs',
    specs: { 'drover:ecu': '40' },
    want: ['400', '100000 100000'],
    remark: /clamped to 100000: one pCPU for each vCPU/,
  },
];

export async function checkShares(checks: Checks, host: LocalHost, { scope }: Place): Promise<void> {
  const seen = (): string[] => [
    text(join(scope, 'cpu.weight')),
    ...new Set([0, 1].map((vcpu) => text(join(scope, `libvirt/vcpu${vcpu}/cpu.max`)))),
  ];
  const before = seen();
  for (const { what, specs, want, remark } of cases) {
    const settings: TunerSettings = {
      'qos-classes': { default: 'all', classes: { all: specs } },
      'cpu-qos': { ecu_per_pcpu: 10 },
    };
    const plan = await host.plan(settings);
    if (remark)
      checks.ok(
        `shares, ${what}: remark`,
        plan.some(({ reason }) => remark.test(reason)),
        plan.map(inWords).join('; '),
      );
    const faulty = open(await host.enforce(settings));
    checks.equal(`shares, ${what}: in sync`, faulty, []);
    checks.equal(`shares, ${what}: weight and quota`, seen(), want);
  }
  await checkQuota(checks, host, scope);
  checks.equal('shares: undone without failures', await host.revert(), []);
  checks.equal('shares: weight and quota are as they were', seen(), before);
}

/** The guest must compute: a tenth of a CPU, by the counters of the group. */
async function checkQuota(checks: Checks, host: LocalHost, scope: string): Promise<void> {
  const settings: TunerSettings = { 'cpu-qos': { vcpu_quota_us: 10_000, vcpu_period_us: 100_000 } };
  await host.apply(settings);
  const stat = join(scope, 'libvirt/vcpu0/cpu.stat');
  const read = (): number[] =>
    ['nr_periods', 'nr_throttled', 'usage_usec'].map((name) => counter(stat, name));
  const [first, begin] = [read(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  const ms = performance.now() - begin;
  const [periods = 0, throttled = 0, usedUs = 0] = read().map(
    (value, index) => value - (first[index] as number),
  );
  checks.ok(
    'quota: throttled in most periods',
    throttled > 0.5 * periods && periods > 5,
    `${throttled} of ${periods}`,
  );
  checks.ok('quota: a tenth of a CPU', usedUs / 1000 < 0.15 * ms, `${usedUs / 1000} ms of ${ms}`);
  const quota = entryOf(await host.verify(settings), 'vcpu_quota_us');
  checks.ok(
    'quota: the evidence says so',
    /^throttled in [1-9]\d* of \d+ periods/.test(quota?.evidence ?? ''),
    quota?.evidence,
  );
  checks.say(
    `     vCPU 0: ${(usedUs / 1000).toFixed(0)} ms of ${ms.toFixed(0)} ms, throttled in ${throttled} of ${periods} periods; ${quota?.evidence}`,
  );
}
