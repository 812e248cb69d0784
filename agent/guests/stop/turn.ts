/** The turn of one guest: asked, given its grace, and then its last resort. */
import { askAgainMs, type Asked, Asking, nextShareMs, wayAt, type AskingPorts } from './asking.js';
import { type GoneWatch, silentLimitMs } from './gone-watch.js';
import type { Begun } from './kept-grace.js';
import { powerOff, save, type LastResortPorts } from './last-resort.js';
import type { Progress } from './progress.js';
import { askingAllowanceMs, type StopGuest } from './stop-guest.js';

/** Between two tries to ask a guest that could not be asked yet. */
const tryAgainMs = 2_000;

export interface TurnPorts
  extends Omit<LastResortPorts, 'ended' | 'watch' | 'progress'>, Omit<AskingPorts, 'onTaken'> {
  readonly power: LastResortPorts['power'] & AskingPorts['power'];
  readonly watch: GoneWatch;
  readonly progress: Progress;
  /** The stop is cancelled: nobody else is asked, and those asked are left as they are. */
  readonly cancel: AbortSignal;
  /** Called before the last resort: this start of the guest has had its grace. */
  readonly onGraceOver: () => void;
}

/**
 * Done when the guest is gone, left, failed, or the stop is cancelled; what came of it stands in `progress`. Its last resort
 * never comes before its grace ends. With `begun` it goes on where an earlier owner was. Never fails.
 */
export async function takeTurn(guest: StopGuest, begun: Begun | undefined, ports: TurnPorts): Promise<void> {
  const gone = ports.watch.gone(guest);
  const turn = new Turn(guest, { ...ports, ended: AbortSignal.any([gone, ports.cancel]) });
  if (!gone.aborted && !ports.cancel.aborted) await turn.run(begun);
}

class Turn {
  readonly #guest: StopGuest;
  readonly #ports: TurnPorts & { readonly ended: AbortSignal };
  readonly #asking: Asking;
  /** That it was asked, once it was: a guest that goes down may take its agent along, and says no to what is asked again. */
  #taken: string | undefined;

  constructor(guest: StopGuest, ports: TurnPorts & { readonly ended: AbortSignal }) {
    this.#guest = guest;
    this.#ports = ports;
    this.#asking = new Asking(guest, { ...ports, onTaken: (message) => this.#hears(message) });
  }

  async run(begun: Begun | undefined): Promise<void> {
    const { progress, ended } = this.#ports;
    if (begun?.step === 'left') return progress.set(this.#guest, 'left', leftWords, begun.sinceMs);
    if (begun && begun.step !== 'asked') return this.#lastResort(begun);
    const askedMs = begun ? this.#goOn(begun.sinceMs) : await this.#begin();
    if (askedMs === undefined) return;
    await this.#grace(askedMs, begun !== undefined);
    if (!ended.aborted) await this.#lastResort(undefined);
  }

  #goOn(sinceMs: number): number {
    this.#ports.progress.set(this.#guest, 'asked', 'asked before; its grace goes on', sinceMs);
    return sinceMs;
  }

  /**
   * When the grace began: when libvirt took an asking; or, where none is taken, as soon as libvirt is known to answer
   * otherwise (QEMU hangs, no way works): time in which libvirt itself is silent is nobody's grace. Undefined: the guest is
   * gone, the stop cancelled, or libvirt silent for too long.
   */
  async #begin(): Promise<number | undefined> {
    const { clock, watch, progress, ended } = this.#ports;
    const { ask, graceMs } = this.#guest.policy;
    const endMs = clock.now() + ask.length * askingAllowanceMs + graceMs + silentLimitMs;
    let message = '';
    do {
      const beganMs = clock.now();
      const asked = await this.#ask(0, endMs);
      if (ended.aborted) return undefined;
      ({ message } = asked);
      if (asked.kind !== 'silent') return this.#asked(message);
      progress.set(this.#guest, 'waiting', message);
      if (await this.#answers(beganMs, endMs)) return this.#asked(message);
    } while (!ended.aborted && clock.now() < endMs && (watch.mayComeBack || watch.steadyMs < Infinity));
    if (!ended.aborted) progress.set(this.#guest, 'failed', `could not be asked: ${message}`);
    return undefined;
  }

  /** Whether libvirt answered a look before `beganMs` and another one after now: silence between was this guest's own. */
  async #answers(beganMs: number, endMs: number): Promise<boolean> {
    const { clock, watch, ended } = this.#ports;
    const nowMs = clock.now();
    watch.hurry();
    const untilMs = Math.min(endMs, nowMs + tryAgainMs);
    while (!ended.aborted && clock.now() < untilMs && !watch.answeredThrough(nowMs, nowMs))
      await clock.sleep(untilMs - clock.now(), AbortSignal.any([ended, watch.answer()]));
    return !ended.aborted && watch.answeredThrough(beganMs, nowMs);
  }

  async #ask(way: number, endMs: number): Promise<Asked> {
    const { watch, ended } = this.#ports;
    const asked = await this.#asking.ask(way, endMs, watch.steadyMs, ended);
    if (asked.kind === 'gone') watch.tell(this.#guest, '');
    return asked;
  }

  #hears(message: string): void {
    const { progress } = this.#ports;
    this.#taken = message;
    if (progress.standing(this.#guest)?.state === 'asked') progress.set(this.#guest, 'asked', message);
  }

  #asked(message: string): number {
    const sinceMs = this.#ports.clock.now();
    this.#ports.progress.set(this.#guest, 'asked', this.#taken ?? message, sinceMs);
    return sinceMs;
  }

  /** Waits until the guest is gone or its grace is over, and asks again meanwhile. */
  async #grace(askedMs: number, askNow: boolean): Promise<void> {
    const { clock, progress, ended } = this.#ports;
    const { policy } = this.#guest;
    const endMs = askedMs + policy.graceMs;
    let nextMs = askNow ? clock.now() : clock.now() + askAgainMs;
    let way = wayAt(policy, clock.now() - askedMs);
    while (!ended.aborted && clock.now() < endMs) {
      const wakeMs = Math.min(nextMs, askedMs + nextShareMs(policy, way), endMs);
      await clock.sleep(Math.max(0, wakeMs - clock.now()), ended);
      if (ended.aborted || clock.now() >= endMs) return;
      if (clock.now() < wakeMs) continue; // a timer may be early by less than a millisecond
      way = wayAt(policy, clock.now() - askedMs);
      nextMs = clock.now() + askAgainMs;
      const asked = await this.#ask(way, endMs);
      if (!ended.aborted) progress.set(this.#guest, 'asked', this.#taken ?? asked.message);
    }
  }

  async #lastResort(begun: Begun | undefined): Promise<void> {
    const { clock, progress, ended } = this.#ports;
    const { then } = this.#guest.policy;
    this.#ports.onGraceOver();
    if (then === 'leave') return progress.set(this.#guest, 'left', leftWords);
    let why: string | undefined = 'its grace is over';
    if (then === 'managed-save' && begun?.step !== 'powering-off')
      why = await save(this.#guest, begun?.sinceMs ?? clock.now(), this.#ports);
    if (why !== undefined && !ended.aborted) await powerOff(this.#guest, why, this.#ports);
  }
}

const leftWords = 'still runs after its grace, and is left as told';
