/** Mean time of a request to a disk (Documentation/admin-guide/iostats.rst). */
import type { KernelRoot } from '../kernel/root.js';

export interface DiskLatencyOptions {
  readonly root: KernelRoot;
  /** MAJOR:MINOR of the block devices to look at, such as that of the file system with the images; at most 64 count. */
  devices(): readonly string[];
  /** Monotonic. */
  now(): number;
  /** Shortest time that an answer is over; asked sooner, the last answer is given again. */
  readonly windowMs?: number;
}

/** Reads and writes that have ended since the boot, and the time that they took together. */
export interface DiskCount {
  readonly requests: number;
  readonly busyMs: number;
}

/** With fewer requests than this in the time a mean says nothing: one slow flush would. */
export const leastRequests = 8;

/** Most devices. */
export const maximumDevices = 64;

export class DiskLatency {
  readonly #options: DiskLatencyOptions;
  #since: { readonly atMs: number; readonly counts: ReadonlyMap<string, DiskCount> } | undefined;
  #last: number | undefined;

  constructor(options: DiskLatencyOptions) {
    this.#options = options;
  }

  /**
   * Milliseconds a read or write took since the call before (at least `windowMs`, 500 ms), waiting in the queue included;
   * of several devices the slowest. Undefined: too few requests to say, or no device of these (a file system over the
   * network has none).
   */
  read(): number | undefined {
    const atMs = this.#options.now();
    const since = this.#since;
    if (since && atMs - since.atMs < (this.#options.windowMs ?? 500)) return this.#last;
    const counts = this.#counts();
    const means = [...counts].flatMap(([device, count]) => meanMs(since?.counts.get(device), count) ?? []);
    this.#since = { atMs, counts };
    this.#last = means.length > 0 ? Math.max(...means) : undefined;
    return this.#last;
  }

  #counts(): Map<string, DiskCount> {
    const wanted = new Set(this.#options.devices().slice(0, maximumDevices));
    const all = parseDiskstats(this.#options.root.read('/proc/diskstats') ?? '');
    return new Map([...all].filter(([device]) => wanted.has(device)));
  }
}

function meanMs(before: DiskCount | undefined, now: DiskCount): number | undefined {
  if (!before) return undefined;
  const requests = now.requests - before.requests;
  const busyMs = now.busyMs - before.busyMs;
  // Counters wrap at 32 bits on some kernels, and start anew with a device that was plugged again.
  return requests < leastRequests || busyMs < 0 ? undefined : busyMs / requests;
}

/** Counts by MAJOR:MINOR; lines that are too short are left out. */
export function parseDiskstats(text: string): Map<string, DiskCount> {
  const counts = new Map<string, DiskCount>();
  for (const line of text.split('\n')) {
    const fields = line.trim().split(/\s+/);
    const [reads, , , readMs, writes, , , writeMs] = fields.slice(3).map(Number);
    if (reads === undefined || readMs === undefined || writes === undefined || writeMs === undefined)
      continue;
    counts.set(`${fields[0]}:${fields[1]}`, { requests: reads + writes, busyMs: readMs + writeMs });
  }
  return counts;
}
