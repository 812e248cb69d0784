/**
 * Whether the host's device of an interface really has the limits that libvirt says it has. Seen by programs, so it is
 * looked at when the limits differ from those of the last look, and now and then; between, the last answer counts.
 */
import type { AskTraffic, DeviceLimits } from '../../../kernel/traffic-control.js';
import type { InterfaceRate } from '../../../libvirt/hypervisor.js';
import type { Direction } from './interface-rate.js';

export interface ShapingOptions {
  readonly ask: AskTraffic;
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonicMs: () => number;
  /** How old an answer may grow while the limits stay the same; 600,000. */
  readonly lifeMs?: number;
  /** Most devices whose answer is kept; the oldest go. */
  readonly maximumKept?: number;
  readonly maximumRunning?: number;
  /** Most looks that wait for a running one; the next ones get no answer this time. */
  readonly maximumWaiting?: number;
}

type Answer = DeviceLimits | { readonly fault: string };

interface Kept {
  readonly limits: string;
  readonly answer: Answer;
  readonly seenMs: number;
}

export class ShapingLooks {
  readonly #options: Required<ShapingOptions>;
  readonly #kept = new Map<string, Kept>();
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: ShapingOptions) {
    const bounds = { lifeMs: 600_000, maximumKept: 4_096, maximumRunning: 4, maximumWaiting: 32 };
    this.#options = { ...bounds, ...options };
  }

  /** Devices whose answer is kept. */
  get kept(): number {
    return this.#kept.size;
  }

  /**
   * What tc shows of a device whose limits are `limits` by libvirt's word. `key` names the device through re-uses of its
   * name. Undefined: too many looks are under way; the next pass asks again. Never throws.
   */
  async look(key: string, device: string, limits: string): Promise<Answer | undefined> {
    const { monotonicMs, lifeMs, maximumRunning, maximumWaiting } = this.#options;
    const kept = this.#kept.get(key);
    const same = kept?.limits === limits ? kept : undefined;
    const busy = this.#running >= maximumRunning;
    // An old answer is renewed only by a free hand, so that answers of the same age are not renewed all in one pass.
    if (same && (busy || monotonicMs() - same.seenMs < lifeMs)) return same.answer;
    if (busy && this.#waiting.length >= maximumWaiting) return undefined;
    const answer = await this.#ask(device);
    this.#keep(key, { limits, answer, seenMs: monotonicMs() });
    return answer;
  }

  async #ask(device: string): Promise<Answer> {
    if (this.#running >= this.#options.maximumRunning)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await this.#options.ask(device);
    } finally {
      // The next one takes this one's place, so that the number running stays the same.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > this.#options.maximumKept && oldest !== undefined) this.#kept.delete(oldest);
  }
}

/** tc prints four digits at most and rounds them; HTB rounds too. */
const tolerance = 0.02;
const bitsPerKilobyte = 8_000;

/** What a device shows of one direction's rate: `evidence` where it has it, `ineffective` with the reason where it has not. Pure. */
export function compareShaping(
  device: string,
  direction: Direction,
  rate: InterfaceRate,
  answer: Answer,
): { evidence: string } | { ineffective: string } | undefined {
  if ('fault' in answer) return undefined;
  const averageBits = rate.averageKilobytesSec * bitsPerKilobyte;
  if (direction === 'outbound') return comparePolice(device, averageBits, answer);
  const { htb } = answer;
  if (!htb) return { ineffective: `${device} has no htb class: nothing limits what the guest receives` };
  const ceilBits = (rate.peakKilobytesSec || rate.averageKilobytesSec) * bitsPerKilobyte;
  const seen = `htb on ${device}: rate ${bits(htb.rateBitsSec)} ceil ${bits(htb.ceilBitsSec)}`;
  if (isNear(htb.rateBitsSec, averageBits) && isNear(htb.ceilBitsSec, ceilBits)) return { evidence: seen };
  return { ineffective: `${seen}, not rate ${bits(averageBits)} ceil ${bits(ceilBits)}` };
}

function comparePolice(
  device: string,
  wantedBits: number,
  { policeBitsSec: police }: DeviceLimits,
): { evidence: string } | { ineffective: string } {
  if (police === undefined)
    return {
      ineffective: `${device} has no policer: nothing limits what the guest sends (the kernel needs act_police, and cls_basic, cls_matchall or cls_u32)`,
    };
  const seen = `policer on ${device}: rate ${bits(police)}`;
  return isNear(police, wantedBits)
    ? { evidence: seen }
    : { ineffective: `${seen}, not ${bits(wantedBits)}` };
}

function isNear(seen: number, wanted: number): boolean {
  return Math.abs(seen - wanted) <= wanted * tolerance;
}

function bits(bitsSec: number): string {
  return bitsSec >= 1e6 ? `${Math.round(bitsSec / 1e3) / 1e3} Mbit/s` : `${bitsSec / 1e3} kbit/s`;
}
