/** `make bench`: how long a boot storm takes under the start governor, against every fixed number of starts at once. */
import { fixedSchedule, governedSchedule, randomHost, runStorm } from './boot-storm.js';
import type { StormHost, StormResult } from './boot-storm.js';
import type { Figure } from './figure.js';
import { quantile } from './figure.js';
import { seeded } from './fleet.js';

/** The defaults of a profile. */
export const stormLimits = {
  ...{ parallel: 4, most: 64, ioPressurePercent: 40, cpuPressurePercent: 80, storageLatencyMs: 50 },
  settleMs: 60_000,
};

export interface Compared {
  readonly governed: StormResult;
  /** The quickest fixed schedule, and the quickest of those that keep the bound of I/O pressure most of the time. */
  readonly best: StormResult & { readonly parallel: number };
  readonly bestCalm: (StormResult & { readonly parallel: number }) | undefined;
}

/** A schedule keeps the bound when it is passed in less than this share of the time. */
export const calmShare = 0.25;

/** Middle ones first: a schedule is given up when it takes longer than the best so far. */
const everyLevel = Array.from({ length: 64 }, (_, index) => index + 1).toSorted(
  (a, b) => Math.abs(a - 8) - Math.abs(b - 8),
);

/** One host's storm under the governor and under the fixed schedules of these levels. */
export function compareStorm(
  host: StormHost,
  seed: number,
  levels: readonly number[] = everyLevel,
): Compared {
  const bound = stormLimits.ioPressurePercent;
  let best: Compared['best'] | undefined;
  let bestCalm: Compared['bestCalm'];
  for (const parallel of levels) {
    const limitSeconds = bestCalm?.seconds ?? 86_400;
    const result = {
      parallel,
      ...runStorm(host, fixedSchedule(parallel), bound, seeded(seed), limitSeconds),
    };
    if (!best || result.seconds < best.seconds) best = result;
    if (result.overShare < calmShare && (!bestCalm || result.seconds < bestCalm.seconds)) bestCalm = result;
  }
  if (!best) throw new Error('no levels');
  return { best, bestCalm, governed: runStorm(host, governedSchedule(stormLimits), bound, seeded(seed)) };
}

/** 200 guests of 8 CPU seconds and 12 s of reading in two groups, on 32 CPUs and an array of 8 spindles that thrashes. */
export const exampleHost: StormHost = {
  ...{ cpus: 32, channels: 8, serviceMs: 4, knee: 12, loss: 0.02, noise: 0.2 },
  boots: Array.from({ length: 200 }, (_, index) => ({
    ...{ cpuSeconds: 8, ioSeconds: 12, group: index < 20 ? 0 : 1 },
  })),
};

/** Figures of `hosts` hosts by chance and of the example; see docs/reference/bench.md. Some seconds a host. */
export function benchStartGovernor(hosts = 40): Figure[] {
  const compared = Array.from({ length: hosts }, (_, index) =>
    compareStorm(randomHost(seeded(index + 1)), index + 1),
  );
  const ratios = compared.map(
    ({ governed, best, bestCalm }) => governed.seconds / (bestCalm ?? best).seconds,
  );
  const long = ratios.filter((_, index) => (compared[index]?.best.seconds ?? 0) >= 60);
  const beyond = compared.filter(
    ({ governed, best, bestCalm }) => governed.seconds > 1.3 * (bestCalm ?? best).seconds,
  ).length;
  const example = compareStorm(exampleHost, 1);
  const unpaced = runStorm(exampleHost, fixedSchedule(200), stormLimits.ioPressurePercent, seeded(1));
  const seconds = (name: string, value: number): Figure => ({
    name: `start-governor.example.${name}`,
    value,
    unit: 's',
  });
  return [
    { name: `start-governor.ratio.${hosts}-hosts.p50`, value: quantile(ratios, 0.5), unit: 'x' },
    { name: `start-governor.ratio.${hosts}-hosts.p90`, value: quantile(ratios, 0.9), unit: 'x' },
    { name: `start-governor.ratio.${hosts}-hosts.worst`, value: Math.max(...ratios), unit: 'x' },
    { name: `start-governor.ratio.${hosts}-hosts.worst-over-60-s`, value: Math.max(...long), unit: 'x' },
    { name: 'start-governor.beyond-1.3', value: beyond, unit: 'hosts' },
    {
      name: 'start-governor.io-over-bound',
      value: compared.reduce((sum, { governed }) => sum + governed.overShare, 0) / hosts,
      unit: 'share of time',
    },
    seconds('governed', example.governed.seconds),
    seconds('best-fixed', example.best.seconds),
    seconds('unpaced', unpaced.seconds),
    { name: 'start-governor.example.best-fixed.parallel', value: example.best.parallel, unit: 'starts' },
    { name: 'start-governor.example.governed.latency', value: example.governed.worstLatencyMs, unit: 'ms' },
    { name: 'start-governor.example.unpaced.latency', value: unpaced.worstLatencyMs, unit: 'ms' },
  ];
}
