/** Pressure stall information of the whole host (Documentation/accounting/psi.rst, since Linux 4.20). */
import type { KernelRoot } from '../kernel/root.js';

export interface Pressure {
  /** Share of time in which at least one task waited for it, 0..100; undefined: this kernel does not tell. */
  readonly cpuPercent: number | undefined;
  readonly ioPercent: number | undefined;
  readonly memoryPercent: number | undefined;
}

const resources = ['cpu', 'io', 'memory'] as const;
type Resource = (typeof resources)[number];

/** What was read of one file: microseconds stalled since the boot, and the kernel's mean over ten seconds. */
interface Stall {
  readonly totalUs: number;
  readonly avg10Percent: number;
}

export interface PressureOptions {
  readonly root: KernelRoot;
  /** Monotonic. */
  now(): number;
  /** Shortest time that an answer is over; asked sooner, the last answer is given again. */
  readonly windowMs?: number;
}

export class PressureReader {
  readonly #options: PressureOptions;
  #since: { readonly atMs: number; readonly stalls: ReadonlyMap<Resource, Stall> } | undefined;
  #last: Pressure | undefined;

  constructor(options: PressureOptions) {
    this.#options = options;
  }

  /**
   * The share of `some` in the time since the call before (at least `windowMs`, 500 ms), by the growth of `total`: avg10
   * follows a change in ten seconds, and a storm of starts is over the hill by then. The first call gives avg10.
   */
  read(): Pressure {
    const atMs = this.#options.now();
    const since = this.#since;
    const pastMs = since ? atMs - since.atMs : 0;
    if (this.#last && pastMs < (this.#options.windowMs ?? 500)) return this.#last;
    const stalls = this.#stalls();
    const share = (resource: Resource): number | undefined => {
      const [stall, before] = [stalls.get(resource), since?.stalls.get(resource)];
      if (!stall || !before) return stall?.avg10Percent;
      return Math.min(100, Math.max(0, (stall.totalUs - before.totalUs) / (pastMs * 10)));
    };
    this.#since = { atMs, stalls };
    this.#last = { cpuPercent: share('cpu'), ioPercent: share('io'), memoryPercent: share('memory') };
    return this.#last;
  }

  #stalls(): Map<Resource, Stall> {
    const found = resources.flatMap((resource) => {
      const stall = parseStall(this.#options.root.read(`/proc/pressure/${resource}`) ?? '');
      return stall ? [[resource, stall] as const] : [];
    });
    return new Map(found);
  }
}

/** The line `some` of a pressure file; undefined where there is none: PSI is off (boot parameter psi=0), or not compiled in. */
export function parseStall(text: string): Stall | undefined {
  const match = /^some avg10=(\d+(?:\.\d+)?) .*total=(\d+)$/m.exec(text);
  return match ? { avg10Percent: Number(match[1]), totalUs: Number(match[2]) } : undefined;
}
