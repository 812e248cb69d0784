/**
 * Tells the events of Drover's own writes from those of others: libvirt sends `tunable` to whoever made the change too, and
 * names in it what was set to what.
 */
import { formatCpuSet } from '../../proto/wire/cpu-set.js';
import { throttleKeys, throttleNames } from './disk-throttle.js';
import type { DiskThrottle, SchedulerSettings } from './hypervisor.js';

/** Most writes of one domain, and most domains, of which the event is waited for; the oldest is forgotten first. */
export const maximumOwnChanges = { aDomain: 64, domains: 4_096 } as const;

/** An event comes within milliseconds; one that never comes must not hide somebody's change for long. */
const waitMs = 5_000;

/** What an event says was set: libvirt's name and the value as text. */
export type Tuned = readonly (readonly [name: string, value: string])[];

interface Awaited {
  readonly text: string;
  readonly endsMs: number;
}

export class OwnChanges {
  readonly #monotonicMs: () => number;
  readonly #domains = new Map<string, Awaited[]>();

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /** Domains of which an event is waited for. */
  get size(): number {
    return this.#domains.size;
  }

  /** To be called before a write: its event will say this. */
  expect(uuid: string, tuned: Tuned): void {
    const now = this.#monotonicMs();
    const before = (this.#domains.get(uuid) ?? []).filter(({ endsMs }) => endsMs > now);
    const added = tuned.map((each) => ({ text: each.join('='), endsMs: now + waitMs }));
    this.#domains.delete(uuid);
    this.#domains.set(uuid, [...before, ...added].slice(-maximumOwnChanges.aDomain));
    const oldest = this.#domains.keys().next().value;
    if (this.#domains.size > maximumOwnChanges.domains && oldest !== undefined) this.#domains.delete(oldest);
  }

  /** To be called where such a write failed: no event will come of it. */
  withdraw(uuid: string, tuned: Tuned): void {
    this.isOwn(uuid, tuned);
  }

  /**
   * Whether all that an event says is what was written just now, and nothing else: each write answers for one event. A
   * value that somebody else sets makes an event that says another, or one more.
   */
  isOwn(uuid: string, tuned: Tuned): boolean {
    const now = this.#monotonicMs();
    const left = (this.#domains.get(uuid) ?? []).filter(({ endsMs }) => endsMs > now);
    for (const each of tuned) {
      const at = left.findIndex(({ text }) => text === each.join('='));
      if (at < 0) return false;
      left.splice(at, 1);
    }
    if (left.length > 0) this.#domains.set(uuid, left);
    else this.#domains.delete(uuid);
    return tuned.length > 0;
  }
}

/** What the event of a pin says: `thread` as `vcpupin0`, `emulatorpin`, `iothreadpin1`. */
export function tunedPin(thread: string, cpus: readonly number[]): Tuned {
  return [[`cputune.${thread}`, formatCpuSet(cpus)]];
}

/** What the event of virDomainSetSchedulerParametersFlags says. */
export function tunedScheduler({ vcpuPeriodUs, vcpuQuotaUs, cpuShares }: SchedulerSettings): Tuned {
  const rows = [
    ['cputune.vcpu_period', vcpuPeriodUs],
    ['cputune.vcpu_quota', vcpuQuotaUs],
    ['cputune.cpu_shares', cpuShares],
  ] as const;
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]));
}

/** What the event of virDomainSetBlockIoTune says. */
export function tunedThrottle(target: string, throttle: DiskThrottle): Tuned {
  const limits = throttleKeys.map(
    (key) => [`blkdeviotune.${throttleNames[key]}`, `${throttle[key] ?? 0}`] as const,
  );
  return [['blkdeviotune.disk', target], ...limits];
}
