/** Asking one guest to shut down: by its ways in turn, and again, since a guest that boots hears nothing yet. */
import type { AskingWay } from '../../../proto/wire/guest-settings.js';
import type { GuestPower } from '../../libvirt/hypervisor.js';
import type { Clock } from './clock.js';
import { askingMs, type StopGuest } from './stop-guest.js';
import { within } from './within.js';

/** Nova and libvirt's own tools ask every 10 s too. */
export const askAgainMs = 10_000;

export interface Asked {
  /**
   * `taken`: libvirt gave it to the guest. `refused`: libvirt said no to every way. `silent`: at least one way was not
   * answered. `gone`: there is no such guest any more.
   */
  readonly kind: 'taken' | 'refused' | 'silent' | 'gone';
  readonly message: string;
}

export interface AskingPorts {
  readonly power: Pick<GuestPower, 'askToShutDown'>;
  readonly clock: Clock;
  /** Told that a way was taken, also one that nobody waited for any longer. */
  readonly onTaken: (message: string) => void;
}

/** The way that a guest is asked by when this much of its grace is over: each way has its share, as long as the others'. */
export function wayAt({ ask, graceMs }: StopGuest['policy'], overMs: number): number {
  return Math.min(ask.length - 1, Math.floor((overMs / graceMs) * ask.length));
}

/** When the next way's share begins, in milliseconds of the grace; Infinity: this is the last. */
export function nextShareMs({ ask, graceMs }: StopGuest['policy'], way: number): number {
  return way + 1 < ask.length ? (graceMs / ask.length) * (way + 1) : Infinity;
}

export class Asking {
  readonly #guest: StopGuest;
  readonly #ports: AskingPorts;
  /** Ways whose call has not come back, and when it was made: the guest agent's comes back when the guest is off. */
  readonly #pending = new Map<AskingWay, number>();

  constructor(guest: StopGuest, ports: AskingPorts) {
    this.#guest = guest;
    this.#ports = ports;
  }

  /**
   * By way number `first`; by the next ones too, as long as none is taken. Ends when `endMs` is reached. A way whose call is
   * under way is not asked by again, unless the call was made before `steadyMs`: libvirt was silent meanwhile.
   */
  async ask(first: number, endMs: number, steadyMs: number, ended: AbortSignal): Promise<Asked> {
    const { ask } = this.#guest.policy;
    const faults: string[] = [];
    let isSilent = false;
    for (const way of [...ask.slice(first), ...ask.slice(0, first)]) {
      const limitMs = Math.min(askingMs, endMs - this.#ports.clock.now());
      if (limitMs <= 0 || ended.aborted) break;
      const waiting = (this.#pending.get(way) ?? -Infinity) >= steadyMs;
      const asked = waiting ? waits(way) : await this.#askBy(way, limitMs, ended);
      if (asked.kind === 'taken' || asked.kind === 'gone') return asked;
      isSilent ||= asked.kind === 'silent';
      faults.push(asked.message);
    }
    return { kind: isSilent || faults.length === 0 ? 'silent' : 'refused', message: faults.join('; ') };
  }

  async #askBy(way: AskingWay, limitMs: number, ended: AbortSignal): Promise<Asked> {
    const { power, clock } = this.#ports;
    const { uuid, id } = this.#guest;
    const beganMs = clock.now();
    this.#pending.set(way, beganMs);
    const back = () => this.#pending.get(way) === beganMs && this.#pending.delete(way);
    const call = async (): Promise<void> => {
      await power.askToShutDown({ uuid, id }, way).finally(back);
      this.#ports.onTaken(`asked by ${way}`);
    };
    const outcome = await within(call, limitMs, clock, ended);
    if (outcome.kind === 'done') return { kind: 'taken', message: `asked by ${way}` };
    if (outcome.kind === 'late') return waits(way);
    const { code, message } = outcome.error;
    if (code === 'not-found') return { kind: 'gone', message: '' };
    const isSilent = code === 'deadline-exceeded' || code === 'unavailable';
    return { kind: isSilent ? 'silent' : 'refused', message: `${way}: ${message}` };
  }
}

function waits(way: AskingWay): Asked {
  return { kind: 'silent', message: `${way}: no answer yet` };
}
