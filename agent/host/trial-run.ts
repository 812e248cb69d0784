/** Runs one trial at a time: watches the control plane until the trial has held, or puts the state before it back. */
import type { Log } from '../log.js';
import { judgeTrial, type TrialFile, type TrialRecord } from './trial.js';

export interface TrialRunOptions {
  readonly file: TrialFile;
  /** Whether a stream stands, and whether everything said on it was acknowledged. */
  contact(): { readonly isConnected: boolean; readonly isHeard: boolean };
  /** Puts the state before the trial back; never throws. */
  undo(record: TrialRecord, reason: string): Promise<void>;
  /** Milliseconds of a clock that only goes forward. */
  monotonicMs(): number;
  readonly log: Log;
  /** How often it looks; 500. */
  readonly tickMs?: number;
}

export class TrialRun {
  readonly #options: TrialRunOptions;
  #timer: NodeJS.Timeout | undefined;
  #ending: Promise<void> = Promise.resolve();

  constructor(options: TrialRunOptions) {
    this.#options = options;
  }

  /** The trial on disk, running or cut off by a crash. */
  get current(): TrialRecord | undefined {
    return this.#options.file.current;
  }

  /** Makes the state before durable. Errors: `storage-failed`; the trial must not be applied then. */
  begin(record: TrialRecord): Promise<void> {
    this.stop();
    return this.#options.file.begin(record);
  }

  /** Starts the clock: the apply is done. */
  watch(trialSeconds: number): void {
    const { monotonicMs, tickMs = 500 } = this.#options;
    const began = monotonicMs();
    let contactMs = began;
    this.stop();
    this.#timer = setInterval(() => {
      const now = monotonicMs();
      const { isConnected, isHeard } = this.#options.contact();
      if (isConnected) contactMs = now;
      const moment = { elapsedMs: now - began, trialMs: trialSeconds * 1000, lostMs: now - contactMs };
      this.#judge({ ...moment, isHeard: isConnected && isHeard });
    }, tickMs);
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
  }

  /** Resolves when an end that is under way is done. */
  idle(): Promise<void> {
    return this.#ending;
  }

  #judge(moment: Parameters<typeof judgeTrial>[0]): void {
    const { log, undo } = this.#options;
    const record = this.current;
    const verdict = judgeTrial(moment);
    if (verdict === 'wait' || !record) return;
    this.stop();
    const { profileName: profile, profileRevision: revision } = record.tried;
    if (verdict === 'hold') {
      log.info({ profile, revision }, 'trial held: the profile stays');
      this.#ending = this.end().catch((error: Error) =>
        log.warn({ error: error.message }, 'trial not ended on disk'),
      );
      return;
    }
    const seconds = Math.round(moment.lostMs / 1000);
    this.#ending = undo(
      record,
      `the control plane was lost during the trial (${seconds} s without a session)`,
    );
  }
}
