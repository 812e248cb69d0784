/**
 * Takes desired states one at a time: on disk, in force, and back again where one fails or its trial does not hold. What it
 * ends with is always a state that is whole on disk and in memory.
 */
import type { DesiredState } from '../../proto/gen/drover/v1/DesiredState.js';
import { asDroverError } from '../../proto/wire/errors.js';
import { failureWay, parseTuners } from '../../proto/wire/profile.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import type { Log } from '../log.js';
import type { DesiredFile } from '../reconcile/desired.js';
import type { Refusal } from './reports.js';
import type { TrialFile, TrialRecord } from './trial.js';
import { TrialRun, type TrialRunOptions } from './trial-run.js';

export interface DesiredStatesOptions {
  readonly desired: DesiredFile;
  /** Where trials are kept; absent: a state that asks for a trial is taken without one. */
  readonly trials?: TrialFile | undefined;
  readonly contact: TrialRunOptions['contact'];
  /** One pass with the settings in force; answers why they could not be put in force. Never throws. */
  pass(settings: TunerSettings | undefined): Promise<string | undefined>;
  /** Tells how the host stands. Never throws. */
  report(): Promise<void>;
  readonly log: Log;
}

export class DesiredStates {
  readonly #options: DesiredStatesOptions;
  readonly #trial: TrialRun | undefined;
  #settings: TunerSettings | undefined;
  #refusal: Refusal | undefined;
  /** Digest of a state that was put back: it is not tried again until another one came, or the agent starts anew. */
  #refused = '';
  #newest: DesiredState | undefined;
  #taking: Promise<void> = Promise.resolve();

  constructor(options: DesiredStatesOptions) {
    const { trials: file, contact, log } = options;
    const undo = (record: TrialRecord, reason: string) =>
      this.#serially(async () => {
        if (this.#trial?.current === record) await this.#undo(record, reason);
      });
    this.#options = options;
    this.#trial = file && new TrialRun({ file, contact, undo, monotonicMs: () => performance.now(), log });
  }

  /** In force; undefined: nothing is desired. */
  get settings(): TunerSettings | undefined {
    return this.#settings;
  }

  /** The newest state that could not be taken or was put back. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /**
   * Takes up what is on disk. A trial that was cut off is put back: nobody knows whether it would have held. A state that
   * this version cannot read is a refusal; the session goes on, so that another can come.
   */
  async start(): Promise<void> {
    const record = this.#trial?.current;
    if (record) await this.#undo(record, 'the agent ended during the trial');
    const state = this.#options.desired.current;
    if (!state) return;
    try {
      this.#settings = parseTuners(state.tuners);
    } catch (thrown) {
      this.#refuse(state, thrown);
    }
  }

  stop(): void {
    this.#trial?.stop();
  }

  /** Tries again what could not be saved the last time; false: there is no such state. */
  async retry(): Promise<boolean> {
    if (!this.#newest) return false;
    await this.take(this.#newest);
    return true;
  }

  /**
   * Takes a new state: on disk first, then in force. An unusable one is refused and changes nothing. One at a time; of those
   * that come meanwhile only the newest counts. Never throws.
   */
  take(state: DesiredState): Promise<void> {
    this.#newest = state;
    return this.#serially(() => this.#takeNewest());
  }

  /** States and the ends of trials one after another. */
  #serially(work: () => Promise<void>): Promise<void> {
    this.#taking = this.#taking.then(work);
    return this.#taking;
  }

  async #takeNewest(): Promise<void> {
    const state = this.#newest;
    this.#newest = undefined;
    if (!state || state.digest === this.#refused) return;
    const { desired, log, report } = this.#options;
    const known = desired.current;
    const record = { before: this.#trial?.current ? this.#trial.current.before : known, tried: state };
    const isNew = known?.digest !== state.digest;
    try {
      const settings = parseTuners(state.tuners);
      if (isNew) await this.#beginTrial(record);
      await desired.save(state);
      this.#settings = settings;
      this.#refusal = undefined;
      log.info({ profile: state.profileName, revision: state.profileRevision }, 'desired state received');
    } catch (thrown) {
      this.#refuse(state, thrown);
    }
    const failure = await this.#options.pass(this.#settings);
    if (!this.#refusal && isNew) await this.#judge(record, failure);
    await report();
  }

  #refuse(state: DesiredState, thrown: unknown): void {
    const error = asDroverError(thrown);
    this.#refusal = { state, reason: error.message };
    if (error.kind.retryable) this.#newest ??= state; // a full disk may have room at the next pass
    this.#options.log.warn({ error: error.message, profile: state.profileName }, 'desired state refused');
  }

  /** A trial that another state interrupts ends here; one begins where the state asks for it. */
  async #beginTrial(record: TrialRecord): Promise<void> {
    if (record.tried.trialSeconds > 0) await this.#trial?.begin(record);
    else await this.#trial?.end();
  }

  /** After the first pass: what failed in it puts the state before it back, unless the profile says `keep`. */
  async #judge(record: TrialRecord, failure: string | undefined): Promise<void> {
    const { onFailure, trialSeconds } = record.tried;
    if (failure !== undefined && failureWay(onFailure) === 'revert') return this.#undo(record, failure);
    this.#refused = '';
    if (trialSeconds > 0) this.#trial?.watch(trialSeconds);
  }

  /** Puts the state before a failed one in force again, on disk and on the host, and reports. Never throws. */
  async #undo({ before, tried }: TrialRecord, reason: string): Promise<void> {
    const { pass, report, log } = this.#options;
    const { profileName: profile, profileRevision: revision } = tried;
    const began = performance.now();
    this.#refused = tried.digest;
    const words = `${reason}; the settings before revision ${revision} are in force again`;
    this.#refusal = { state: tried, reason: words };
    this.#settings = await this.#putBackOnDisk(before);
    const failure = await pass(this.#settings ?? {});
    if (failure !== undefined)
      this.#refusal = { state: tried, reason: `${reason}; and the settings before it: ${failure}` };
    else
      await this.#trial
        ?.end()
        .catch((error: Error) => log.warn({ error: error.message }, 'trial not ended on disk'));
    const ms = Math.round(performance.now() - began);
    log.warn({ profile, revision, reason, ms }, 'profile put back');
    await report();
  }

  /** A disk that refuses is no reason to leave the host as it is: then memory alone knows. */
  async #putBackOnDisk(before: DesiredState | undefined): Promise<TunerSettings | undefined> {
    const { desired, log } = this.#options;
    try {
      if (before) await desired.save(before);
      else await desired.clear();
    } catch (thrown) {
      log.warn({ error: asDroverError(thrown).message }, 'the state before could not be saved');
    }
    return before && parseTuners(before.tuners);
  }
}
