/**
 * A host whose guests boot, as a queue model in steps of 100 ms: CPUs that share their time, and a storage with a number of
 * channels that loses throughput when more requests wait than it can order well. For the start governor's tests and bench.
 */
import { StartGovernor, type StartLimits } from '../../agent/guests/start/governor.js';

/** One guest's boot, alone on an idle host: CPU seconds of one vCPU, and seconds of waiting for storage. */
export interface Boot {
  readonly cpuSeconds: number;
  readonly ioSeconds: number;
  /** Order group, from 0: a group begins when the one before it is over. */
  readonly group: number;
}

export interface StormHost {
  readonly cpus: number;
  /** Requests that the storage serves at once without making any of them slower. */
  readonly channels: number;
  /** Of a request on an idle storage. */
  readonly serviceMs: number;
  /** Requests at the storage beyond which it loses throughput, and the share it loses for each one more. */
  readonly knee: number;
  readonly loss: number;
  readonly boots: readonly Boot[];
  /** Relative error of measured values, 0..1. */
  readonly noise: number;
}

export interface StormResult {
  readonly seconds: number;
  /** Seconds from the beginning to the end of each boot, in the order of `boots`. */
  readonly ends: readonly number[];
  readonly begins: readonly number[];
  /** Share of the time with an I/O pressure over the bound, and its mean in percent. */
  readonly overShare: number;
  readonly meanIoPercent: number;
  readonly worstLatencyMs: number;
  /** Most boots that ran at once. */
  readonly most: number;
}

/** Says which of the boots that wait begins now; called every 100 ms until it answers false. */
export interface Schedule {
  mayBegin(boot: number, nowMs: number): boolean;
  ended(boot: number, nowMs: number): void;
  see(reading: { ioPercent: number; cpuPercent: number; latencyMs: number | undefined }, nowMs: number): void;
  /** The schedule's own idea of when a group is over; a fixed one knows the truth. */
  isOver(groupBoots: readonly number[], nowMs: number): boolean;
}

const stepMs = 100;
const readingEveryMs = 1_000;
/** From a boot's beginning until its first request: QEMU and firmware. */
const quietSteps = 15;

interface Running {
  readonly boot: number;
  progress: number;
  steps: number;
}

/** Runs all boots under a schedule. Errors: a plain `Error` where it takes more than a simulated day. */
export function runStorm(
  host: StormHost,
  schedule: Schedule,
  boundPercent: number,
  random: () => number,
  limitSeconds = 86_400,
): StormResult {
  const groups = [...new Set(host.boots.map(({ group }) => group))].sort((a, b) => a - b);
  const waves = groups.map((group) =>
    host.boots.flatMap((boot, index) => (boot.group === group ? [index] : [])),
  );
  const begins = host.boots.map(() => Number.NaN);
  const ends = host.boots.map(() => Number.NaN);
  let running: Running[] = [];
  let slow = { cpu: 1, io: 1, waiting: 0, runnable: 0 };
  let [over, sum, worst, most, steps] = [0, 0, 0, 0, 0];
  let seen = { io: 0, cpu: 0, latency: 0, requests: 0 };
  let wave = 0;
  let waiting = [...(waves[0] ?? [])];
  for (let nowMs = 0; ; nowMs += stepMs) {
    if (nowMs > limitSeconds * 1000) break;
    if (waiting.length === 0 && wave < waves.length && schedule.isOver(waves[wave] as number[], nowMs))
      waiting = [...(waves[++wave] ?? [])];
    if (wave >= waves.length && running.length === 0) break;
    for (let next = waiting[0]; next !== undefined && schedule.mayBegin(next, nowMs); next = waiting[0]) {
      waiting.shift();
      begins[next] = nowMs / 1000;
      running.push({ boot: next, progress: 0, steps: 0 });
    }
    most = Math.max(most, running.length);
    slow = slowness(host, running, slow);
    running = running.filter((one) => {
      advance(host, one, slow);
      if (one.progress < 1) return true;
      ends[one.boot] = (nowMs + stepMs) / 1000;
      schedule.ended(one.boot, nowMs + stepMs);
      return false;
    });
    const io = 100 * (1 - (1 - 1 / host.cpus) ** slow.waiting);
    const cpu = 100 * Math.min(1, Math.max(0, slow.runnable / host.cpus - 1));
    const latency = host.serviceMs * slow.io;
    [over, sum, worst, steps] = [
      over + (io > boundPercent ? 1 : 0),
      sum + io,
      Math.max(worst, latency),
      steps + 1,
    ];
    seen = {
      io: seen.io + io,
      cpu: seen.cpu + cpu,
      latency: seen.latency + latency * slow.waiting,
      requests: seen.requests + slow.waiting,
    };
    if (nowMs % readingEveryMs === 0 && nowMs > 0) {
      const noisy = (value: number): number => value * (1 + host.noise * (2 * random() - 1));
      const count = readingEveryMs / stepMs;
      const latencyMs = seen.requests > 0.05 ? noisy(seen.latency / seen.requests) : undefined;
      schedule.see(
        {
          ioPercent: Math.min(100, noisy(seen.io / count)),
          cpuPercent: Math.min(100, noisy(seen.cpu / count)),
          latencyMs,
        },
        nowMs,
      );
      seen = { io: 0, cpu: 0, latency: 0, requests: 0 };
    }
  }
  const seconds = Math.max(...ends.map((end) => (Number.isNaN(end) ? Number.POSITIVE_INFINITY : end)));
  return {
    seconds,
    begins,
    ends,
    overShare: over / steps,
    meanIoPercent: sum / steps,
    worstLatencyMs: worst,
    most,
  };
}

/** How many times slower CPU and storage are than alone, from who waits where; damped, as queues build up in time. */
function slowness(
  host: StormHost,
  running: readonly Running[],
  before: { cpu: number; io: number },
): { cpu: number; io: number; waiting: number; runnable: number } {
  let [waiting, runnable] = [0, 0];
  for (const one of running) {
    const { cpuSeconds, ioSeconds } = host.boots[one.boot] as Boot;
    if (one.steps < quietSteps) {
      runnable += 0.5;
      continue;
    }
    const [cpu, io] = [cpuSeconds * before.cpu, ioSeconds * before.io];
    waiting += io / (cpu + io);
    runnable += cpu / (cpu + io);
  }
  const served = Math.min(waiting, host.channels) / (1 + host.loss * Math.max(0, waiting - host.knee));
  const io = waiting > 0 ? Math.max(1, waiting / served) : 1;
  const cpu = Math.max(1, runnable / host.cpus);
  const damp = (old: number, now: number): number => old + 0.3 * (now - old);
  return { cpu: damp(before.cpu, cpu), io: damp(before.io, io), waiting, runnable };
}

function advance(host: StormHost, one: Running, slow: { cpu: number; io: number }): void {
  one.steps++;
  if (one.steps <= quietSteps) return;
  const { cpuSeconds, ioSeconds } = host.boots[one.boot] as Boot;
  one.progress += stepMs / 1000 / (cpuSeconds * slow.cpu + ioSeconds * slow.io);
}

/** So many at once, no more: it knows when a boot is really over. */
export function fixedSchedule(parallel: number): Schedule {
  const running = new Set<number>();
  const over = new Set<number>();
  return {
    mayBegin: (boot) => running.size < parallel && Boolean(running.add(boot)),
    ended: (boot) => void (running.delete(boot), over.add(boot)),
    see: () => undefined,
    isOver: (boots) => boots.every((boot) => over.has(boot)),
  };
}

/** The governor as the agent uses it: it knows when libvirt has begun a start (400 ms), and not when a boot is over. */
export function governedSchedule(limits: StartLimits): Schedule {
  const governor = new StartGovernor(limits);
  const started: { key: string; atMs: number }[] = [];
  return {
    mayBegin: (boot, nowMs) => {
      while (started[0] && started[0].atMs + 400 <= nowMs)
        governor.begun(started.shift()?.key as string, nowMs);
      if (!governor.tryBegin(`${boot}`, nowMs)) return false;
      started.push({ key: `${boot}`, atMs: nowMs });
      return true;
    },
    ended: (boot) => governor.end(`${boot}`),
    see: (reading, nowMs) => governor.observe(reading, nowMs),
    isOver: (_boots, nowMs) => {
      while (started[0] && started[0].atMs + 400 <= nowMs)
        governor.begun(started.shift()?.key as string, nowMs);
      return governor.underWay(nowMs) === 0;
    },
  };
}

/** A host by chance: 8 to 128 CPUs, a disk to flash, 20 to 200 guests in one to three groups. */
export function randomHost(random: () => number): StormHost {
  const between = (least: number, most: number): number => least + (most - least) * random();
  const cpus = 2 ** Math.round(between(3, 7));
  const channels = 2 ** Math.round(between(0, 6));
  const groups = Math.ceil(between(0, 3));
  const weight = { cpu: between(2, 30), io: between(0.5, 30) };
  const boots = Array.from({ length: Math.round(between(20, 200)) }, () => ({
    cpuSeconds: weight.cpu * between(0.3, 1.7),
    ioSeconds: weight.io * between(0.3, 1.7),
    group: Math.floor(random() * groups),
  }));
  return {
    ...{ cpus, channels, boots },
    serviceMs: 10 / channels ** between(0.5, 1),
    knee: channels * between(1, 3),
    loss: between(0, 0.2) / channels,
    noise: 0.2,
  };
}
