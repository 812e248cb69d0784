/** What KSM did between looks: rates and durations need two of them. Bounded memory for one host. */
import { findKsmd, readKsmdTicks } from '../../../kernel/ksm.js';
import type { KernelRoot } from '../../../kernel/root.js';

/** Over this time the CPU use of ksmd is judged. */
export const cpuWindowMs = 300_000;

/** Looks that come closer than this count as one. */
const sampleEveryMs = 10_000;

/** Most samples in memory: a window full of them, one before it, and room for a late one. */
export const maximumSamples = cpuWindowMs / sampleEveryMs + 2;

/** USER_HZ, in which /proc counts; 100 on every architecture that runs KVM. */
const ticksPerSecond = 100;

interface Sample {
  readonly atMs: number;
  readonly ticks: number;
}

/** Since when ksmd is as it is. */
interface State {
  readonly running: boolean;
  readonly atMs: number;
  readonly fullScans: number;
  /** Full scans of the run that ended then. */
  readonly scansBefore: number;
}

/** What a watch knows; undefined: it has not looked long enough. */
export interface KsmHistory {
  /** Mean CPU use of ksmd over the last five minutes, in percent of one CPU. */
  readonly cpuPercent?: number | undefined;
  /** How long ksmd has been as it is, running or not, as far as was seen. */
  readonly unchangedMs: number;
  /** Full scans since it began to run; at rest those of the run before, as far as was seen. */
  readonly scans: number;
}

export class KsmWatch {
  readonly #samples: Sample[] = [];
  #pid: number | undefined;
  #searchedMs = Number.NEGATIVE_INFINITY;
  #state: State | undefined;

  get size(): number {
    return this.#samples.length;
  }

  /** Takes a look in and answers what is known with it. `nowMs` is of a clock that only goes forward. */
  look(kernel: KernelRoot, nowMs: number, running: boolean, fullScans: number): KsmHistory {
    const former = this.#state;
    const passed = former?.running ? Math.max(0, fullScans - former.fullScans) : 0;
    if (former?.running !== running) this.#state = { running, atMs: nowMs, fullScans, scansBefore: passed };
    const ticks = this.#ticks(kernel, nowMs);
    const cpuPercent = ticks === undefined ? undefined : this.#rate({ atMs: nowMs, ticks });
    const { atMs, scansBefore } = this.#state ?? { atMs: nowMs, scansBefore: 0 };
    return { cpuPercent, unchangedMs: nowMs - atMs, scans: running ? passed : scansBefore };
  }

  /** The thread lives as long as the boot: it is searched once, and where there is none no more than once in five minutes. */
  #ticks(kernel: KernelRoot, nowMs: number): number | undefined {
    if (this.#pid === undefined && nowMs - this.#searchedMs >= cpuWindowMs) {
      this.#searchedMs = nowMs;
      this.#pid = findKsmd(kernel);
    }
    const ticks = this.#pid === undefined ? undefined : readKsmdTicks(kernel, this.#pid);
    if (ticks === undefined) this.#pid = undefined;
    return ticks;
  }

  #rate(now: Sample): number | undefined {
    const former = this.#samples.at(-1);
    if (former && (former.ticks > now.ticks || former.atMs > now.atMs)) this.#samples.length = 0;
    const last = this.#samples.at(-1);
    if (!last || now.atMs - last.atMs >= sampleEveryMs) this.#samples.push(now);
    // One sample stays that is older than the window: the mean is over five minutes or a little more.
    while (this.#samples.length > maximumSamples || this.#isOld(this.#samples[1], now)) this.#samples.shift();
    const [oldest] = this.#samples;
    if (!oldest || !this.#isOld(oldest, now)) return undefined;
    return ((now.ticks - oldest.ticks) / ticksPerSecond / ((now.atMs - oldest.atMs) / 1000)) * 100;
  }

  #isOld(sample: Sample | undefined, now: Sample): boolean {
    return sample !== undefined && now.atMs - sample.atMs >= cpuWindowMs;
  }
}
