/**
 * Decides when one more guest may start, from what the host says of itself. A state machine without clock or I/O: what it
 * sees is handed in with the time of it. `docs/reference/guest-start.md` has the rule in words, and what it was measured at.
 */

/** Bounds, as `guests.start` of a profile gives them. */
export interface StartLimits {
  /** Starts under way at once while no pressure is known. */
  readonly parallel: number;
  /** Starts under way at once in any case. */
  readonly most: number;
  readonly ioPressurePercent: number;
  readonly cpuPressurePercent: number;
  readonly storageLatencyMs: number;
  /** How long a start counts as under way after libvirt said that the guest runs. */
  readonly settleMs: number;
}

/** What was measured over the last second or so; what could not be measured is absent. */
export interface StartReading {
  readonly ioPercent?: number | undefined;
  readonly cpuPercent?: number | undefined;
  readonly latencyMs?: number | undefined;
}

/** What a start does shows after this long: QEMU, firmware, then the first reads. The window moves once in that time. */
export const reactMs = 2_500;

/** The window grows by so much until the first sign of load, then by this share (by one at least), and shrinks to that one. */
const fastGrowth = 1.9;
const growth = 0.13;
const shrink = 0.85;

/** Starts under way with which a storm begins: fewer cost a host of many CPUs time, more are too many for a single disk. */
const firstWindow = 8;

/** Shares of a bound: the first sign of load, and where the window stays as it is, since what began last has yet to show. */
const calmShare = 0.75;
const holdShare = 0.92;

/** Storage queues: requests take this many times what they took at best. Below the floor no storage is short. */
const queueFactor = 2;
const latencyFloorMs = 1;

/** Weight of the newest latency in the mean: some requests a second are few. */
const latencyWeight = 0.5;

/** With nothing under way a start begins after this long under pressure, the next after twice as long: it may never end. */
export const patienceMs = 30_000;
export const longestPatienceMs = 600_000;

export class StartGovernor {
  #limits: StartLimits;
  /** Those under way, with the time when they no longer count; infinity until libvirt has answered. */
  readonly #underWay = new Map<string, number>();
  /** Starts that may be under way at once while pressure is known. */
  #window = firstWindow;
  #isFast = true;
  #movedMs: number | undefined;
  /** Since the window moved last: the highest share of a bound, and whether the window was in the way. */
  #worst = 0;
  #wasFull = false;
  #tokens = 1;
  #refilledMs: number | undefined;
  #idleSinceMs: number | undefined;
  #patienceMs = patienceMs;
  #latencyMs: number | undefined;
  #bestLatencyMs = Number.POSITIVE_INFINITY;
  #hasPressure = false;
  #brake = '';

  constructor(limits: StartLimits) {
    this.#limits = limits;
  }

  /** Takes other bounds from now on; starts under way stay so. */
  set limits(limits: StartLimits) {
    this.#limits = limits;
  }

  /** Why nothing may begin now, in words; empty: nothing is in the way but the pace. */
  get brake(): string {
    return this.#brake;
  }

  /** Starts that count at this time. */
  underWay(nowMs: number): number {
    for (const [key, endMs] of this.#underWay) if (endMs <= nowMs) this.#underWay.delete(key);
    return this.#underWay.size;
  }

  /** Takes in what was measured: the window grows while there is room and it is used, and shrinks where a bound is passed. */
  observe(reading: StartReading, nowMs: number): void {
    this.#hasPressure = reading.ioPercent !== undefined || reading.cpuPercent !== undefined;
    const { share, words } = this.#load(reading);
    this.#brake = share > 1 ? words : '';
    this.#worst = Math.max(this.#worst, share);
    this.#movedMs ??= nowMs;
    const isDue = nowMs - this.#movedMs >= reactMs;
    if (isDue) this.#move(nowMs);
    if (share <= 1) this.#patienceMs = patienceMs;
  }

  /** True: a start may begin, and counts as under way from now on. The same key twice is one start. */
  tryBegin(key: string, nowMs: number): boolean {
    if (this.#underWay.has(key)) return true;
    this.#refill(nowMs);
    if (!this.#hasRoom(nowMs)) return false;
    this.#tokens = Math.max(0, this.#tokens - 1);
    if (this.#brake !== '') this.#patienceMs = Math.min(longestPatienceMs, this.#patienceMs * 2);
    this.#underWay.set(key, Number.POSITIVE_INFINITY);
    this.#idleSinceMs = undefined;
    return true;
  }

  /** It begins whether there is room or not, and counts. */
  force(key: string): void {
    this.#underWay.set(key, Number.POSITIVE_INFINITY);
  }

  isUnderWay(key: string, nowMs: number): boolean {
    return (this.#underWay.get(key) ?? Number.NEGATIVE_INFINITY) > nowMs;
  }

  /** libvirt runs the guest: it counts for the time to settle, and no longer. */
  begun(key: string, nowMs: number): void {
    if (this.#underWay.has(key)) this.#underWay.set(key, nowMs + this.#limits.settleMs);
  }

  /** It failed, or is settled early: it counts no longer. */
  end(key: string): void {
    this.#underWay.delete(key);
  }

  #hasRoom(nowMs: number): boolean {
    const { parallel, most } = this.#limits;
    const count = this.underWay(nowMs);
    if (count >= (this.#hasPressure ? most : Math.min(parallel, most))) return false;
    if (this.#brake !== '') return count === 0 && this.#isPatienceOver(nowMs);
    this.#idleSinceMs = undefined;
    if (!this.#hasPressure) return true;
    if (count + 1 > this.#window) this.#wasFull = true;
    return count + 1 <= this.#window && this.#tokens >= 1;
  }

  #isPatienceOver(nowMs: number): boolean {
    this.#idleSinceMs ??= nowMs;
    return nowMs - this.#idleSinceMs >= this.#patienceMs;
  }

  #move(nowMs: number): void {
    const count = this.underWay(nowMs);
    if (this.#worst > calmShare) this.#isFast = false;
    if (this.#worst > 1) {
      this.#window = Math.max(1, Math.min(this.#window, count) * shrink);
    } else if (this.#wasFull && this.#worst < holdShare)
      this.#window = Math.min(
        this.#limits.most,
        this.#isFast ? this.#window * fastGrowth : this.#window + Math.max(1, this.#window * growth),
      );
    [this.#movedMs, this.#worst, this.#wasFull] = [nowMs, 0, false];
  }

  /** The highest share of a bound, and which: 1 is the bound itself. Storage that queues is short before its latency is long. */
  #load({ ioPercent = 0, cpuPercent = 0, latencyMs }: StartReading): { share: number; words: string } {
    const { ioPressurePercent, cpuPressurePercent, storageLatencyMs } = this.#limits;
    const loads = [
      { share: ioPercent / ioPressurePercent, words: `I/O pressure ${Math.round(ioPercent)} %` },
      { share: cpuPercent / cpuPressurePercent, words: `CPU pressure ${Math.round(cpuPercent)} %` },
    ];
    if (latencyMs !== undefined) {
      const mean = (this.#latencyMs ??= latencyMs) * (1 - latencyWeight) + latencyMs * latencyWeight;
      this.#latencyMs = mean;
      this.#bestLatencyMs = Math.max(latencyFloorMs, Math.min(this.#bestLatencyMs, mean));
      const boundMs = Math.min(storageLatencyMs, this.#bestLatencyMs * queueFactor);
      loads.push({ share: mean / boundMs, words: `storage latency ${mean.toFixed(1)} ms` });
    }
    return loads.reduce((worst, one) => (one.share > worst.share ? one : worst));
  }

  /** A window's worth of tokens in the time to react, so that starts come spread out; a quarter of it may be saved. */
  #refill(nowMs: number): void {
    const past = Math.max(0, nowMs - (this.#refilledMs ?? nowMs));
    this.#refilledMs = nowMs;
    this.#tokens = Math.min(Math.max(1, this.#window / 4), this.#tokens + (past * this.#window) / reactMs);
  }
}
