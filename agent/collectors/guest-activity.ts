/**
 * Whether a guest that has just started still boots, by what its QEMU does: the schedstat of its threads
 * (Documentation/scheduler/sched-stats.rst) and /proc/PID/io (proc(5)).
 */
import type { KernelRoot } from '../kernel/root.js';

export interface GuestActivityOptions {
  readonly root: KernelRoot;
  /** Monotonic. */
  now(): number;
  /** Below both of these for `quietMs` a guest is settled. */
  readonly cpuPercent?: number;
  readonly bytesPerSecond?: number;
  readonly quietMs?: number;
}

interface Look {
  readonly atMs: number;
  /** CPU time that its threads had or waited for. */
  readonly wantedNs: number;
  readonly bytes: number;
  /** Since when it has been quiet; undefined: it is not. */
  readonly quietSinceMs: number | undefined;
}

/** Processes that are followed; beyond, the one that was asked for first is forgotten, and counts from anew. */
export const maximumFollowed = 512;

export class GuestActivity {
  readonly #options: GuestActivityOptions;
  readonly #looks = new Map<number, Look>();

  constructor(options: GuestActivityOptions) {
    this.#options = options;
  }

  /** Processes that are followed. */
  get size(): number {
    return this.#looks.size;
  }

  /**
   * True when QEMU's threads wanted less than a fifth of one CPU and moved less than 1 MiB a second of storage for three
   * seconds, by calls about a second apart; also when it is gone. A guest that is busy by nature never settles by this.
   */
  isSettled(pid: number): boolean {
    const { now, quietMs = 3_000 } = this.#options;
    const work = this.#workOf(pid);
    const before = this.#looks.get(pid);
    this.#looks.delete(pid);
    if (!work) return true;
    const atMs = now();
    if (this.#looks.size >= maximumFollowed) this.forget(this.#looks.keys().next().value as number);
    const isQuiet = before !== undefined && this.#isQuiet(before, { ...work, atMs });
    const quietSinceMs = isQuiet ? (before.quietSinceMs ?? before.atMs) : undefined;
    this.#looks.set(pid, { ...work, atMs, quietSinceMs });
    return quietSinceMs !== undefined && atMs - quietSinceMs >= quietMs;
  }

  forget(pid: number): void {
    this.#looks.delete(pid);
  }

  #isQuiet(before: Look, now: Omit<Look, 'quietSinceMs'>): boolean {
    const { cpuPercent = 20, bytesPerSecond = 2 ** 20 } = this.#options;
    const seconds = (now.atMs - before.atMs) / 1000;
    if (seconds <= 0) return before.quietSinceMs !== undefined;
    const cpu = (now.wantedNs - before.wantedNs) / seconds / 1e7;
    return cpu < cpuPercent && (now.bytes - before.bytes) / seconds < bytesPerSecond;
  }

  #workOf(pid: number): { wantedNs: number; bytes: number } | undefined {
    const { root } = this.#options;
    const tasks = root.list(`/proc/${pid}/task`);
    if (tasks.length === 0) return undefined;
    const wantedNs = tasks.reduce(
      (sum, tid) => sum + wantedOf(root.read(`/proc/${pid}/task/${tid}/schedstat`)),
      0,
    );
    const io = root.read(`/proc/${pid}/io`) ?? '';
    const bytes = [...io.matchAll(/^(?:read|write)_bytes: (\d+)$/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
    return { wantedNs, bytes };
  }
}

/** Time on a CPU and time on its run queue: beside many that start, a guest that boots has little of the one, much of the other. */
function wantedOf(schedstat = ''): number {
  const [runNs = 0, delayNs = 0] = schedstat.split(' ').map(Number);
  return runNs + delayNs;
}
