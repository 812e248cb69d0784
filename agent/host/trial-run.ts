/** Runs one trial at a time: watches the control plane until the trial has held, or puts the state before it back. */
import type { Log } from '../log.js';
import { judgeTrial, type TrialFile, type TrialRecord } from './trial.js';

export interface TrialRunOptions {
  readonly file: TrialFile;
  /** Whether a stream stands, and whether everything said on it was acknowledged. */
  contact(): { readonly isConnected: boolean; readonly isHeard: boolean };
  /** Says something that the control plane acknowledges: what it heard earlier proves nothing about now. */
  speak(): void;
  /** Ends a trial that has held; never throws. */
  hold(record: TrialRecord): Promise<void>;
  /** Puts the state before the trial back; never throws. */
  undo(record: TrialRecord, reason: string): Promise<void>;
  /** Milliseconds of a clock that only goes forward. */
  monotonicMs(): number;
  readonly log: Log;
  /** How often it looks; 500. */
  readonly tickMs?: number;
}

/** Where a trial stands; it goes on from here when another state could not take its place. */
interface Clock {
  readonly trialMs: number;
  readonly beganMs: number;
  contactMs: number;
  hasSpoken: boolean;
}

export class TrialRun {
  readonly #options: TrialRunOptions;
  #timer: NodeJS.Timeout | undefined;
  #clock: Clock | undefined;
  #before: { readonly record: TrialRecord | undefined; readonly clock: Clock | undefined } | undefined;
  #ending: Promise<void> = Promise.resolve();

  constructor(options: TrialRunOptions) {
    this.#options = options;
  }

  /** The trial on disk, running or cut off by a crash. */
  get current(): TrialRecord | undefined {
    return this.#options.file.current;
  }

  /** Makes the state before durable; the trial that ran stops here. Errors: `storage-failed`: it runs on then. */
  async begin(record: TrialRecord): Promise<void> {
    const before = { record: this.current, clock: this.#clock };
    await this.#options.file.begin(record);
    this.#before = before;
    this.stop();
  }

  /** The state that began could not be taken: the trial that it interrupted runs on. Errors: `storage-failed`. */
  async back(): Promise<void> {
    const { record, clock } = this.#before ?? {};
    if (!record) return this.end();
    await this.#options.file.begin(record);
    if (clock) this.#run(clock);
  }

  /** Starts the clock: the apply is done. */
  watch(trialSeconds: number): void {
    const now = this.#options.monotonicMs();
    this.#run({ trialMs: trialSeconds * 1000, beganMs: now, contactMs: now, hasSpoken: false });
  }

  /** The trial is over, well or not. Errors: `storage-failed`. */
  async end(): Promise<void> {
    this.stop();
    if (this.current) await this.#options.file.end();
  }

  /** Stops looking; what is on disk stays, so that the next start knows. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#clock = undefined;
  }

  /** Resolves when an end that is under way is done. */
  idle(): Promise<void> {
    return this.#ending;
  }

  #run(clock: Clock): void {
    this.stop();
    this.#clock = clock;
    this.#timer = setInterval(() => this.#look(clock), this.#options.tickMs ?? 500);
  }

  #look(clock: Clock): void {
    const { monotonicMs, contact, speak } = this.#options;
    const now = monotonicMs();
    const { isConnected, isHeard } = contact();
    if (isConnected) clock.contactMs = now;
    const elapsedMs = now - clock.beganMs;
    this.#judge({
      ...{ elapsedMs, trialMs: clock.trialMs, lostMs: now - clock.contactMs },
      isHeard: isConnected && isHeard && clock.hasSpoken,
    });
    if (elapsedMs < clock.trialMs || clock.hasSpoken) return;
    clock.hasSpoken = true;
    speak();
  }

  #judge(moment: Parameters<typeof judgeTrial>[0]): void {
    const { hold, undo } = this.#options;
    const record = this.current;
    const verdict = judgeTrial(moment);
    if (verdict === 'wait' || !record) return;
    this.stop();
    const seconds = Math.round(moment.lostMs / 1000);
    this.#ending =
      verdict === 'hold'
        ? hold(record)
        : undo(record, `the control plane was lost during the trial (${seconds} s without a session)`);
  }
}
