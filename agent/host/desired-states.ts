/**
 * Takes desired states one at a time: on disk, in force, and back again where one fails or its trial does not hold. What it
 * ends with is always a state that is whole on disk and in memory.
 */
import type { DesiredState } from '../../proto/gen/drover/v1/DesiredState.js';
import { asDroverError } from '../../proto/wire/errors.js';
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import { desiredDigest, failureWay, parseGuests, parseTuners } from '../../proto/wire/profile.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import type { Log } from '../log.js';
import type { DesiredFile } from '../reconcile/desired.js';
import type { PlanEntry } from '../reconcile/plan.js';
import type { Refusal } from './reports.js';
import type { TrialFile, TrialRecord } from './trial.js';
import { TrialRun, type TrialRunOptions } from './trial-run.js';

/** What one pass came to. `open`: it could not be made, or not all of it, and nothing is known against the settings. */
export interface PassEnd {
  readonly kind: 'done' | 'open' | 'failed';
  /** Why, where it failed. */
  readonly reason: string;
  readonly entries: readonly PlanEntry[];
}

export interface DesiredStatesOptions {
  readonly desired: DesiredFile;
  /** Where trials are kept; absent: a state that asks for a trial is taken without one. */
  readonly trials?: TrialFile | undefined;
  readonly contact: TrialRunOptions['contact'];
  readonly speak: TrialRunOptions['speak'];
  /** One pass with the settings in force. Never throws. */
  pass(settings: TunerSettings | undefined): Promise<PassEnd>;
  /** Gives every knob that a pass wrote the value again that it had before. Never throws. */
  putBack(entries: readonly PlanEntry[]): Promise<void>;
  /** Tells how the host stands. Never throws. */
  report(): Promise<void>;
  readonly log: Log;
}

/** What a host desires whose first profile was put back: nothing, which puts everything back that is still in the ledger. */
const nothing: DesiredState = {
  ...{ profileName: '', profileRevision: 0, tuners: {}, trialSeconds: 0, onFailure: '', guests: '' },
  digest: desiredDigest('', 0, {}),
};

export class DesiredStates {
  readonly #options: DesiredStatesOptions;
  readonly #trial: TrialRun | undefined;
  #settings: TunerSettings | undefined;
  #guests: GuestSettings | undefined;
  #refusal: Refusal | undefined;
  /** Digest of a state that was put back: it is not tried again until another one came, or the agent starts anew. */
  #refused = '';
  #newest: DesiredState | undefined;
  #taking: Promise<void> = Promise.resolve();

  /** What the first pass of the newest state wrote. */
  #tried: readonly PlanEntry[] = [];

  constructor(options: DesiredStatesOptions) {
    this.#options = options;
    const { trials: file } = options;
    const mine = (record: TrialRecord, work: () => Promise<void>): Promise<void> =>
      this.#serially(async () => (this.#trial?.current === record ? work() : undefined));
    this.#trial =
      file &&
      new TrialRun({
        ...options,
        file,
        hold: (record) => mine(record, () => this.#hold(record)),
        undo: (record, reason) => mine(record, () => this.#undo(record, reason)),
        monotonicMs: () => performance.now(),
      });
  }

  /** In force; undefined: nothing is desired. */
  get settings(): TunerSettings | undefined {
    return this.#settings;
  }

  /** How guests are to be stopped and started; undefined: they are left alone. */
  get guests(): GuestSettings | undefined {
    return this.#guests;
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
      this.#guests = parseGuests(state.guests);
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

  /** States and the ends of trials one after another; one that fails is said and stops no other. */
  #serially(work: () => Promise<void>): Promise<void> {
    const { log } = this.#options;
    this.#taking = this.#taking
      .then(work)
      .catch((thrown: unknown) =>
        log.warn({ error: asDroverError(thrown).message }, 'desired state not taken'),
      );
    return this.#taking;
  }

  async #takeNewest(): Promise<void> {
    const state = this.#newest;
    this.#newest = undefined;
    if (!state) return;
    if (state.digest === this.#refused) return this.#options.report();
    const { desired, log, report, pass } = this.#options;
    const known = desired.current;
    const record = { before: this.#trial?.current ? this.#trial.current.before : known, tried: state };
    const isNew = known?.digest !== state.digest;
    try {
      const settings = parseTuners(state.tuners);
      const guests = parseGuests(state.guests);
      await this.#save(record, isNew);
      this.#settings = settings;
      this.#guests = guests;
      this.#refusal = undefined;
      this.#refused = '';
      log.info({ profile: state.profileName, revision: state.profileRevision }, 'desired state received');
    } catch (thrown) {
      this.#refuse(state, thrown);
    }
    const end = await pass(this.#settings);
    if (!this.#refusal && isNew) await this.#judge(record, end);
    await report();
  }

  #refuse(state: DesiredState, thrown: unknown): void {
    const error = asDroverError(thrown);
    this.#refusal = { state, reason: error.message };
    if (error.kind.retryable) this.#newest ??= state; // a full disk may have room at the next pass
    this.#options.log.warn({ error: error.message, profile: state.profileName }, 'desired state refused');
  }

  /** On disk; a trial begins before that and ends after it, so that no moment is without the state to go back to. */
  async #save(record: TrialRecord, isNew: boolean): Promise<void> {
    const { desired } = this.#options;
    const isTrial = isNew && record.tried.trialSeconds > 0;
    if (isTrial) await this.#trial?.begin(record);
    try {
      await desired.save(record.tried);
    } catch (thrown) {
      if (isTrial) await this.#trial?.back();
      throw thrown;
    }
    if (isNew && !isTrial) await this.#trial?.end();
  }

  /** After the first pass: what failed in it puts the state before it back, unless the profile says `keep`. */
  async #judge(record: TrialRecord, { kind, reason, entries }: PassEnd): Promise<void> {
    const { onFailure, trialSeconds } = record.tried;
    this.#tried = entries;
    if (kind === 'failed' && failureWay(onFailure) === 'revert') return this.#undo(record, reason);
    if (trialSeconds > 0) this.#trial?.watch(trialSeconds);
  }

  async #hold({ tried }: TrialRecord): Promise<void> {
    const { profileName: profile, profileRevision: revision } = tried;
    await this.#trial?.end();
    this.#options.log.info({ profile, revision }, 'trial held: the profile stays');
  }

  /** Puts the state before a failed one in force again, on disk and on the host, and reports. */
  async #undo({ before, tried }: TrialRecord, reason: string): Promise<void> {
    const { pass, putBack, report, log } = this.#options;
    const { profileName: profile, profileRevision: revision } = tried;
    const began = performance.now();
    this.#refused = tried.digest;
    this.#settings = await this.#putBackOnDisk(before ?? nothing);
    // What others had set, and the profile before left to them, stands in no profile: first what was there.
    await putBack(this.#tried);
    this.#tried = [];
    const { kind, reason: fault } = await pass(this.#settings);
    const then =
      kind === 'done'
        ? `the settings before revision ${revision} are in force again`
        : `the settings before revision ${revision} are not all in force yet${fault === '' ? '' : `: ${fault}`}`;
    this.#refusal = { state: tried, reason: `${reason}; ${then}` };
    // A trial that could not be undone whole is not over: the next start takes it up again.
    if (kind === 'done') await this.#trial?.end();
    else this.#trial?.stop();
    const ms = Math.round(performance.now() - began);
    log.warn({ profile, revision, reason, ms }, 'profile put back');
    await report();
  }

  /** A disk that refuses is no reason to leave the host as it is: then memory alone knows. */
  async #putBackOnDisk(before: DesiredState): Promise<TunerSettings> {
    const { desired, log } = this.#options;
    try {
      const settings = parseTuners(before.tuners);
      this.#guests = parseGuests(before.guests);
      await desired
        .save(before)
        .catch((error: Error) => log.warn({ error: error.message }, 'the state before could not be saved'));
      return settings;
    } catch (thrown) {
      // Of a version that knew more: nothing of it can be enforced, and what Drover set goes back from the ledger.
      log.warn({ error: asDroverError(thrown).message }, 'the state before cannot be read');
      await desired.save(nothing).catch(() => undefined);
      return {};
    }
  }
}
