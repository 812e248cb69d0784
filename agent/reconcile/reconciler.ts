/**
 * Keeps a host at its desired settings: plan, apply, verify, revert. Where desired and observed meet, and the only thing
 * that may call a tuner's `write`.
 */
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import { canonicalJson } from '../../proto/wire/profile.js';
import type { TunerName, TunerSettings } from '../../proto/wire/tuner-settings.js';
import type { HostView, Tuner, TunerPorts } from '../tuners/tuner.js';
import { applyPlan } from './apply.js';
import { CallQueue } from './call-queue.js';
import type { Ledger } from './ledger.js';
import { makePlan, onlyDomain, type Plan, type Surroundings } from './look.js';
import { ownersOf, type Owners } from './ownership.js';
import { failedTuner, type PlanEntry } from './plan.js';
import { planRevert, revertAll } from './revert.js';

/** The part of a logger that is used; pino has it. */
export interface ReconcileLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface ReconcilerOptions {
  readonly tuners: readonly Tuner[];
  readonly ports: TunerPorts;
  readonly ledger: Ledger;
  /** A fresh view for every call. */
  hostView(): Promise<HostView>;
  /** Other programs that own a tuner's knobs; absent: judged from the units in `HostFacts.services`. */
  owners?(): Promise<Owners>;
  /** Nothing is ever written, not even the ledger; `apply` and `revert` answer what they would do. */
  readonly planOnly: boolean;
  /** Milliseconds, for durations in the log. */
  now(): number;
  readonly log: ReconcileLog;
  /** Most calls that wait for the one that runs. */
  readonly maximumWaiting?: number;
}

/** One call for each domain of a large host that starts all of them at once. */
export const maximumWaitingCalls = 1_024;

export type ReconcileState = 'in-sync' | 'drifted' | 'applying' | 'failed' | 'unmanaged' | 'plan-only';

export interface ReconcilerStatus {
  /** Of the newest apply, verify of the same settings, or revert. */
  readonly entries: readonly PlanEntry[];
  readonly ledgerEntries: number;
  readonly state: ReconcileState;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #queue: CallQueue;
  #entries: readonly PlanEntry[] = [];
  #applied: string | undefined;
  #running = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#queue = new CallQueue(options.maximumWaiting ?? maximumWaitingCalls);
  }

  /** What `apply` would do now. Writes nothing. Errors: `invalid-argument`, `resource-exhausted`, those of `hostView`. */
  plan(settings: TunerSettings): Promise<PlanEntry[]> {
    const text = canonicalJson(settings);
    return this.#queue.run(`plan ${text}`, `plan ${text}`, async () => [
      ...(await this.#plan(settings)).entries,
    ]);
  }

  /** The plan after a fresh look: no `change` in it means that the host is as desired. Errors as `plan`. */
  verify(settings: TunerSettings): Promise<PlanEntry[]> {
    const text = canonicalJson(settings);
    return this.#queue.run(`verify ${text}`, `verify ${text}`, async () => {
      const { entries } = await this.#plan(settings);
      if (text === this.#applied) this.#entries = entries;
      return [...entries];
    });
  }

  /**
   * Brings the host to the settings, and puts back what left them. Answers how each knob came out. Errors as `plan`;
   * with `invalid-argument` nothing at all was written. An error of one knob is in its entry and stops no other.
   */
  apply(settings: TunerSettings): Promise<PlanEntry[]> {
    const text = canonicalJson(settings);
    return this.#queue.run(`apply ${text}`, 'apply', () => this.#apply(settings, text));
  }

  /** As `apply`, for the knobs of one domain only, and quick. Errors also: `not-found` where the domain is not active. */
  applyDomain(settings: TunerSettings, uuid: string): Promise<PlanEntry[]> {
    const text = canonicalJson(settings);
    return this.#queue.run(`apply ${text}`, `domain ${uuid}`, () => this.#applyDomain(settings, uuid));
  }

  /** Puts back everything that the ledger holds, newest first. What fails stays there. Errors: those of `hostView`. */
  revert(): Promise<PlanEntry[]> {
    return this.#queue.run('revert', 'revert', () => this.#revert());
  }

  /** How the host stood when last looked at. */
  status(): ReconcilerStatus {
    return { entries: this.#entries, ledgerEntries: this.#options.ledger.size, state: this.#state() };
  }

  #state(): ReconcileState {
    if (this.#options.planOnly) return 'plan-only';
    if (this.#running) return 'applying';
    if (this.#applied === undefined) return 'unmanaged';
    const outcomes = new Set(this.#entries.map(({ outcome }) => outcome));
    if (outcomes.has('failed')) return 'failed';
    return outcomes.has('change') ? 'drifted' : 'in-sync';
  }

  async #surroundings(): Promise<Surroundings> {
    const { tuners, ports, ledger, hostView, owners } = this.#options;
    const host = await hostView.call(this.#options);
    return {
      tuners,
      ports,
      ledger,
      host,
      owners: owners ? await owners.call(this.#options) : ownersOf(host.facts.services),
    };
  }

  async #plan(settings: TunerSettings): Promise<Plan> {
    return makePlan(await this.#surroundings(), settings);
  }

  async #apply(settings: TunerSettings, text: string): Promise<PlanEntry[]> {
    return this.#marked(async () => {
      this.#applied = text;
      const around = await this.#surroundings();
      const plan = await makePlan(around, settings).catch((thrown: unknown) => this.#refused(thrown));
      const entries = this.#options.planOnly ? [...plan.entries] : await applyPlan(around, plan);
      // What was put back is no setting of the host any more: the next report is without it.
      this.#entries = entries.filter(
        ({ restore, outcome }) =>
          !restore || outcome === 'failed' || outcome === 'held' || outcome === 'change',
      );
      return entries;
    });
  }

  /** Settings that this host cannot take: shown as one failed entry until others come. */
  #refused(thrown: unknown): never {
    const error = asDroverError(thrown);
    if (error.code === 'invalid-argument') {
      const [, tuner = '', setting = '*'] = (error.field ?? '').split('.');
      this.#entries = [failedTuner(tuner as TunerName, setting, error.message)];
    }
    throw error;
  }

  async #applyDomain(settings: TunerSettings, uuid: string): Promise<PlanEntry[]> {
    return this.#marked(async () => {
      const whole = await this.#surroundings();
      const around = { ...whole, host: onlyDomain(whole.host, uuid) };
      if (around.host.domains.length === 0)
        throw new DroverError('not-found', `no active domain ${uuid}`, { field: 'domain', value: uuid });
      const mine = ({ knob }: Pick<PlanEntry, 'knob'>): boolean => knob.domain?.uuid === uuid;
      const plan = await makePlan(around, settings);
      const own = { entries: plan.entries.filter(mine), gone: plan.gone.filter(mine) };
      const entries = this.#options.planOnly ? own.entries : await applyPlan(around, own);
      this.#entries = [
        ...this.#entries.filter((entry) => !mine(entry)),
        ...entries.filter(({ restore }) => !restore),
      ];
      return [...entries];
    });
  }

  async #revert(): Promise<PlanEntry[]> {
    return this.#marked(async () => {
      const around = await this.#surroundings();
      const entries = this.#options.planOnly ? await planRevert(around) : await revertAll(around);
      this.#entries = entries.filter(({ outcome }) => outcome === 'failed');
      return entries;
    });
  }

  async #marked(work: () => Promise<PlanEntry[]>): Promise<PlanEntry[]> {
    const { now, log } = this.#options;
    const began = now();
    this.#running = true;
    try {
      const entries = await work();
      logEntries(log, entries, now() - began);
      return entries;
    } finally {
      this.#running = false;
    }
  }
}

function logEntries(log: ReconcileLog, entries: readonly PlanEntry[], ms: number): void {
  for (const { knob, now, original, outcome, reason } of entries) {
    const fields = { tuner: knob.tuner, setting: knob.setting, domain: knob.domain?.name, original };
    if (outcome === 'changed') log.info({ ...fields, now, reason, ms }, 'setting changed');
    if (outcome === 'failed') log.warn({ ...fields, reason }, 'setting failed');
  }
}
