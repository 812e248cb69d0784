/**
 * How often hosts rejected claims of late: what BuildFailureWeigher weighs. A claim that a host confirms sets it to 0, as a
 * build that succeeds does in Nova (`nova/compute/stats.py`). A host that is pushed back gets no builds to succeed with, so
 * the count is halved every hour too, which Nova does not do.
 */
export const halvingMs = 3_600_000;

export class FailedBuilds {
  readonly #counts = new Map<string, number>();
  readonly #set: (hostId: string, count: number) => void;
  #halvedMs: number;

  /** `set`: tells whoever weighs. */
  constructor(nowMs: number, set: (hostId: string, count: number) => void) {
    this.#halvedMs = nowMs;
    this.#set = set;
  }

  of(hostId: string): number {
    return this.#counts.get(hostId) ?? 0;
  }

  failed(hostId: string): void {
    this.#put(hostId, this.of(hostId) + 1);
  }

  succeeded(hostId: string): void {
    if (this.#counts.has(hostId)) this.#put(hostId, 0);
  }

  forget(hostId: string): void {
    this.#counts.delete(hostId);
  }

  /** Called every second or so. */
  sweep(nowMs: number): void {
    if (nowMs - this.#halvedMs < halvingMs) return;
    this.#halvedMs = nowMs;
    for (const [hostId, count] of this.#counts) this.#put(hostId, Math.floor(count / 2));
  }

  #put(hostId: string, count: number): void {
    if (count === 0) this.#counts.delete(hostId);
    else this.#counts.set(hostId, count);
    this.#set(hostId, count);
  }
}
