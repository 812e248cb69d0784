/**
 * Keeps a host at its desired settings: plan, apply, verify, revert. Where desired and observed meet, and the only thing
 * that may call a tuner's `write`.
 */
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import { canonicalJson } from '../../proto/wire/profile.js';
import type { TunerName, TunerSettings } from '../../proto/wire/tuner-settings.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { FileStats } from '../tuners/common/block/file-stats.js';
import type { HostView, Tuner, TunerPorts } from '../tuners/tuner.js';
import { applyInLanes, applyPlan } from './apply.js';
import { Breaker } from './breaker.js';
import { CallQueue } from './call-queue.js';
import { DomainQueues } from './domain-queues.js';
import { Settled } from './drift.js';
import { laneOf, Lanes } from './lanes.js';
import type { Ledger } from './ledger.js';
import { makePlan, planDomain, type Plan, type Surroundings } from './look.js';
import { novaPinning, ownersOf, withTakeOver, type Owners } from './ownership.js';
import { failedTuner, type PlanEntry } from './plan.js';
import { putBack } from './put-back.js';
import { planRevert, revertAll } from './revert.js';
import { Recall } from '../kernel/recall.js';
import { dressed } from './specs.js';

/** The part of a logger that is used; pino has it. */
export interface ReconcileLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface ReconcilerOptions {
  readonly tuners: readonly Tuner[];
  readonly ports: TunerPorts;
  readonly ledger: Ledger;
  /**
   * A fresh view for every call. `uuid`: of that domain alone; facts and other domains may be those of the last look.
   */
  hostView(uuid?: string): Promise<HostView>;
  /** Other programs that write the same; absent: judged from the units in `HostFacts.services`. */
  owners?(): Promise<Owners>;
  /** Nothing is ever written, not even the ledger; `apply` and `revert` answer what they would do. */
  readonly planOnly: boolean;
  /** Milliseconds, for durations in the log. */
  now(): number;
  readonly log: ReconcileLog;
  /** Most passes that wait for the one that runs; as many looks, and as many calls for single domains. */
  readonly maximumWaiting?: number;
}

/** One call for each domain of a large host that starts all of them at once. */
export const maximumWaitingCalls = 1_024;

/** Where an image lies is looked at anew after five minutes, and with each start: while QEMU has it open it cannot move. */
const imageAgeMs = 300_000;

export type ReconcileState = 'in-sync' | 'drifted' | 'applying' | 'failed' | 'unmanaged' | 'plan-only';

export interface ReconcilerStatus {
  /** Of the newest apply, verify of the same settings, or revert. */
  readonly entries: readonly PlanEntry[];
  readonly ledgerEntries: number;
  readonly state: ReconcileState;
  /** Who else writes settings, as of the newest look. */
  readonly owners: Owners;
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #ports: TunerPorts;
  readonly #lanes = new Lanes();
  readonly #breaker: Breaker;
  readonly #settled = new Settled();
  readonly #recall: Recall;
  readonly #still = new WeakSet<PlanEntry>();
  /** Passes over the whole host; looks and single domains run beside them. */
  readonly #passes: CallQueue;
  readonly #looks: CallQueue;
  readonly #domains: DomainQueues;
  #entries: readonly PlanEntry[] = [];
  #owners: Owners = [];
  /** What single domains came out as since the pass that runs left their lanes. */
  #beside = new Map<string, readonly PlanEntry[]>();
  #applied: string | undefined;
  /** Settings of the newest pass over the host, and how many such passes there were. */
  #newest: TunerSettings = {};
  #generation = 0;
  #running = 0;
  #begun = 0;
  /** Of the newest apply, when it threw. */
  #fault: { readonly call: number; readonly entry: PlanEntry } | undefined;

  constructor(options: ReconcilerOptions) {
    const { maximumWaiting = maximumWaitingCalls, ports, now } = options;
    this.#options = options;
    this.#ports = { files: new FileStats({ maximumAgeMs: imageAgeMs }), ...ports };
    this.#recall = new Recall(ports.kernel.path);
    this.#breaker = new Breaker(now);
    this.#passes = new CallQueue(maximumWaiting);
    this.#looks = new CallQueue(maximumWaiting);
    this.#domains = new DomainQueues(maximumWaiting);
  }

  /** What `apply` would do now. Writes nothing. Errors: `invalid-argument`, `resource-exhausted`, those of `hostView`. */
  plan(settings: TunerSettings): Promise<PlanEntry[]> {
    const text = canonicalJson(settings);
    return this.#looks.run(`plan ${text}`, `plan ${text}`, async () => [
      ...(await this.#plan(settings)).entries,
    ]);
  }

  /** The plan after a fresh look: no `change` in it means that the host is as desired. Errors as `plan`. */
  verify(settings: TunerSettings): Promise<PlanEntry[]> {
    const text = canonicalJson(settings);
    return this.#looks.run(`verify ${text}`, `verify ${text}`, async () => {
      const since = this.#begun;
      const isQuiet = this.#running === 0;
      const { entries } = await this.#plan(settings);
      // What was seen while others wrote is no news.
      if (text === this.#applied && isQuiet && since === this.#begun) this.#entries = entries;
      return [...entries];
    });
  }

  /**
   * Brings the host to the settings, and puts back what left them. Answers how each knob came out. Errors as `plan`;
   * with `invalid-argument` nothing at all was written. An error of one knob is in its entry and stops no other. One that
   * is thrown is the status until the next apply.
   */
  apply(settings: TunerSettings): Promise<PlanEntry[]> {
    const text = canonicalJson(settings);
    return this.#faulting(this.#passes.run(`apply ${text}`, 'apply', () => this.#apply(settings, text)));
  }

  /**
   * As `apply`, for the knobs of one domain only, quick, and beside a pass over the host. Errors also: `not-found` where
   * the domain is not active, `unavailable` where domains could not be looked at.
   */
  applyDomain(settings: TunerSettings, uuid: string): Promise<PlanEntry[]> {
    const text = canonicalJson(settings);
    const since = this.#generation;
    // Settings that a pass brought while this call waited go before those of the call.
    const newest = (): TunerSettings => (this.#generation > since ? this.#newest : settings);
    return this.#domains.run(uuid, text, () =>
      this.#lanes.run(uuid, () => this.#applyDomain(newest(), uuid)),
    );
  }

  /**
   * Undoes one apply by what it answered: every knob has the value again that it had before, newest first, and the ledger
   * what it held. Answers those that were written. What fails is in its entry. Errors: those of `hostView`.
   */
  putBack(applied: readonly PlanEntry[]): Promise<PlanEntry[]> {
    return this.#passes.run('put back', 'put back', () =>
      this.#marked(async () => putBack(await this.#surroundings({}), applied, this.#lanes)),
    );
  }

  /** Puts back everything that the ledger holds, newest first. What fails stays there. Errors: those of `hostView`. */
  revert(): Promise<PlanEntry[]> {
    return this.#faulting(this.#passes.run('revert', 'revert', () => this.#revert()));
  }

  /** Who else writes settings, after a fresh look. Errors: those of `hostView`. */
  async owners(settings: TunerSettings): Promise<Owners> {
    return (await this.#surroundings(settings)).owners;
  }

  /** How the host stood when last looked at. */
  status(): ReconcilerStatus {
    const entries = this.#fault ? [this.#fault.entry] : this.#entries;
    return {
      entries,
      ledgerEntries: this.#options.ledger.size,
      state: this.#state(),
      owners: this.#owners,
    };
  }

  #state(): ReconcileState {
    if (this.#options.planOnly) return 'plan-only';
    if (this.#running > 0) return 'applying';
    if (this.#fault) return 'failed';
    if (this.#applied === undefined) return 'unmanaged';
    const outcomes = new Set(this.#entries.map(({ outcome }) => outcome));
    if (outcomes.has('failed')) return 'failed';
    const isPending = outcomes.has('change') || this.#entries.some(({ postponed }) => postponed);
    return isPending ? 'drifted' : 'in-sync';
  }

  async #surroundings(settings: TunerSettings, uuid?: string): Promise<Surroundings> {
    const { tuners, ledger, hostView, owners } = this.#options;
    // Who gives CPUs away must know who has which.
    const only = settings['vcpu-pinning']?.dedicated === undefined ? uuid : undefined;
    const host = { ...dressed(await hostView.call(this.#options, only), settings), held: ledger.knobs() };
    for (const view of host.domains) if (view.uuid === uuid) this.#renewImages(view);
    const found = owners ? await owners.call(this.#options) : ownersOf(host.facts.services);
    this.#owners = withTakeOver([...found, ...novaPinning(host.domains)], settings);
    return {
      tuners,
      ports: this.#ports,
      ledger,
      host,
      owners: this.#owners,
      breaker: this.#breaker,
      settled: this.#settled,
      recall: this.#recall,
      still: this.#still,
    };
  }

  /** Between two starts a path may have come to lie on another disk. */
  #renewImages({ disks, explicit }: DomainView): void {
    const images = disks.flatMap(({ source }) => source ?? []);
    this.#ports.files?.renew(this.#ports.kernel, [...images, ...explicit.blockDevices]);
  }

  async #plan(settings: TunerSettings): Promise<Plan> {
    return makePlan(await this.#surroundings(settings), settings);
  }

  async #apply(settings: TunerSettings, text: string): Promise<PlanEntry[]> {
    return this.#marked(async () => {
      this.#applied = text;
      this.#newest = settings;
      this.#generation++;
      this.#beside = new Map();
      const since = this.#lanes.now;
      const around = await this.#surroundings(settings);
      const plan = await makePlan(around, settings);
      // With a fresh look: what the pass saw may be older than the domain's newest disk or flavor.
      const again = async (uuid: string): Promise<Plan> =>
        planDomain(await this.#surroundings(settings, uuid), settings, uuid);
      const done = (lane: string): void => void this.#beside.delete(lane);
      const entries = this.#options.planOnly
        ? [...plan.entries]
        : await applyInLanes(around, plan, { lanes: this.#lanes, since, again, done });
      const newer = [...this.#beside.values()].flat();
      const older = entries.filter((entry) => isOpen(entry) && !this.#beside.has(laneOf(entry)));
      this.#entries = [...older, ...newer];
      return entries;
    });
  }

  async #applyDomain(settings: TunerSettings, uuid: string): Promise<PlanEntry[]> {
    return this.#marked(async () => {
      const around = await this.#surroundings(settings, uuid);
      const { domains, domainsUnknown } = around.host;
      if (domainsUnknown !== undefined) throw new DroverError('unavailable', domainsUnknown);
      if (!domains.some((domain) => domain.uuid === uuid))
        throw new DroverError('not-found', `no active domain ${uuid}`, { field: 'domain', value: uuid });
      const own = await planDomain(around, settings, uuid);
      const entries = this.#options.planOnly ? [...own.entries] : await applyPlan(around, own);
      const left = entries.filter(isOpen);
      this.#entries = [...this.#entries.filter((entry) => laneOf(entry) !== uuid), ...left];
      this.#beside.set(uuid, left);
      return entries;
    });
  }

  async #revert(): Promise<PlanEntry[]> {
    return this.#marked(async () => {
      const around = await this.#surroundings({});
      const entries = this.#options.planOnly
        ? await planRevert(around)
        : await revertAll(around, this.#lanes);
      this.#entries = entries.filter(({ outcome }) => outcome === 'failed' || outcome === 'held');
      return entries;
    });
  }

  /** Keeps the error of a call over the whole host as its status, until a newer one ends well. */
  async #faulting(work: Promise<PlanEntry[]>): Promise<PlanEntry[]> {
    const call = ++this.#begun;
    try {
      const entries = await work;
      if (this.#fault && this.#fault.call <= call) this.#fault = undefined;
      return entries;
    } catch (thrown) {
      if (!this.#fault || this.#fault.call <= call)
        this.#fault = { call, entry: faultEntry(asDroverError(thrown)) };
      throw thrown;
    }
  }

  async #marked(work: () => Promise<PlanEntry[]>): Promise<PlanEntry[]> {
    const { now, log } = this.#options;
    const began = now();
    this.#running++;
    this.#begun++;
    try {
      const entries = await work();
      logEntries(log, entries, now() - began);
      return entries;
    } finally {
      this.#running--;
    }
  }
}

/** What was put back is no setting of the host any more: the next report is without it. */
function isOpen({ restore, outcome }: PlanEntry): boolean {
  return !restore || outcome === 'failed' || outcome === 'held' || outcome === 'change';
}

/** Why nothing could be applied: with the tuner and setting for a value that this host cannot take. */
function faultEntry({ code, field, message }: DroverError): PlanEntry {
  const [room, tuner = '*', setting = '*'] = code === 'invalid-argument' ? (field ?? '').split('.') : [];
  return room === 'tuners'
    ? failedTuner(tuner as TunerName, setting, message)
    : failedTuner('*' as TunerName, '*', message);
}

function logEntries(log: ReconcileLog, entries: readonly PlanEntry[], ms: number): void {
  const news = entries.filter(
    ({ outcome, drifted }) => drifted || outcome === 'changed' || outcome === 'failed',
  );
  for (const { knob, now, original, outcome, reason, drifted } of news) {
    const fields = { tuner: knob.tuner, setting: knob.setting, domain: knob.domain?.name, original };
    if (drifted) log.warn({ ...fields, reason }, 'setting drifted');
    if (outcome === 'changed') log.info({ ...fields, now, reason, ms }, 'setting changed');
    if (outcome === 'failed') log.warn({ ...fields, reason }, 'setting failed');
  }
}
