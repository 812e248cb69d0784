/**
 * One host's agent, without the outside: facts, hypervisor, reconciler and session are handed in, so the real agent and
 * the simulated one are the same code. It keeps the host at its desired state and tells the control plane how it stands.
 */
import { isDeepStrictEqual } from 'node:util';
import type { DesiredState } from '../../proto/gen/drover/v1/DesiredState.js';
import type { HeartbeatInput } from '../../proto/gen/drover/v1/Heartbeat.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { OperationRequest } from '../../proto/gen/drover/v1/OperationRequest.js';
import { asDroverError } from '../../proto/wire/errors.js';
import { parseTuners } from '../../proto/wire/profile.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import type { DomainEvent, DomainView, Hypervisor } from '../libvirt/hypervisor.js';
import type { Log } from '../log.js';
import type { HostAllocationSet } from '../../proto/gen/drover/v1/HostAllocationSet.js';
import type { AllocationsFile } from '../reconcile/allocations-file.js';
import type { DesiredFile } from '../reconcile/desired.js';
import type { PendingReboots } from '../reconcile/pending-reboots.js';
import type { Reconciler } from '../reconcile/reconciler.js';
import { toSettingStatus, type PlanEntry } from '../reconcile/plan.js';
import type { Session } from '../session/session.js';
import { AllocationAnswers } from './allocation-answers.js';
import { DesiredStates, type PassEnd } from './desired-states.js';
import {
  domainReport,
  refusalReport,
  restOf,
  sameTold,
  settingsReport,
  tuningReport,
  type Told,
} from './reports.js';
import type { GuestLink, GuestRoom } from './guest-room.js';
import { Soon } from './soon.js';
import { ToldAllocations } from './told-allocations.js';
import type { TrialFile } from './trial.js';

export interface HostAgentOptions {
  readonly hypervisor: Hypervisor | undefined;
  readonly reconciler: Reconciler;
  readonly desired: DesiredFile;
  facts(): Promise<HostFacts>;
  loadAverage(): number;
  memoryAvailableBytes(): number;
  /** Bytes that a domain's disks take from the host's storage. */
  diskBytes(domain: DomainView): Promise<number>;
  readonly reconcileIntervalMs: number;
  now(): number;
  readonly log: Log;
  /** Where trials are kept; absent: a state that asks for a trial is taken without one. */
  readonly trials?: TrialFile;
  readonly pendingReboots?: PendingReboots;
  readonly allocations?: AllocationsFile;
  /** Stops, starts and audits guests; absent: they are left alone. */
  readonly guests?: GuestRoom;
  /** Called when the agent has nothing to do until the next regular pass; see `memoryGiver`. */
  rest?(): void;
  /** Tells of changes of files that tuners write; answers how to stop. */
  watchFiles?(changed: () => void): () => void;
}

/** Domain events that come together are answered by one report after this long. */
const reportDelayMs = 100;

/** From one report for events to the next. */
const reportGapMs = 2_000;

/** A pass has just looked at the domains: its report looks no second time. Events have reports of their own. */
const passAgeMs = 2_000;

/** Changes of a running domain that come together are looked at once after this long, Drover's own among them. */
const driftDelayMs = 300;

/** Looks at one domain for events between two regular passes; what somebody changes oftener waits for the next pass. */
const maximumEventLooks = 20;

/** Events after which a running domain is looked at: it started, or somebody changed it. */
const lookedAt: ReadonlySet<DomainEvent['kind']> = new Set(['tuned', 'device-changed', 'metadata-changed']);

export class HostAgent {
  readonly #options: HostAgentOptions;
  #session: Session | undefined;
  #activeDomains = 0;
  #timer: NodeJS.Timeout | undefined;
  #reporting: NodeJS.Timeout | undefined;
  #unsubscribe: (() => void)[] = [];
  #verifiedMs = 0;
  #lastTuning: Told | undefined;
  #lastFacts: HostFacts | undefined;
  #lastDomains = '';
  readonly #told: ToldAllocations;
  #reportedMs = Number.NEGATIVE_INFINITY;
  readonly #drift: Soon<DomainEvent>;
  /** Looks for events at a domain since the last regular pass. */
  readonly #eventLooks = new Map<string, number>();
  readonly #states: DesiredStates;
  readonly #answers: AllocationAnswers | undefined;

  constructor(options: HostAgentOptions) {
    this.#options = options;
    this.#told = new ToldAllocations(options.allocations);
    this.#drift = new Soon(driftDelayMs, (event) => void this.#enforce(event));
    this.#states = new DesiredStates({
      ...options,
      contact: () => ({
        isConnected: this.#session?.connected ?? false,
        isHeard: this.#session?.waitingMessages === 0,
      }),
      speak: () => {
        this.#lastTuning = undefined;
        this.#reportTuning();
      },
      pass: (settings) => this.#pass(settings),
      putBack: (entries) => this.#putBack(entries),
      report: () => this.#report(),
    });
    const { allocations } = options;
    this.#answers =
      allocations &&
      new AllocationAnswers({
        ...options,
        allocations,
        settings: () => this.#states.settings,
        say: (allocationReport) => this.#session?.report('allocationReport', { allocationReport }),
      });
  }

  /** Takes up the desired state from disk, follows the hypervisor and starts the regular pass. */
  async start(session?: Session): Promise<void> {
    const { desired, hypervisor, log } = this.#options;
    this.#session = session;
    await this.#states.start();
    const held = desired.current;
    const { watchFiles } = this.#options;
    if (watchFiles) this.#unsubscribe.push(watchFiles(() => void this.reconcile()));
    if (hypervisor) {
      this.#unsubscribe.push(hypervisor.onDomainEvent((event) => this.#domainEvent(event)));
      this.#unsubscribe.push(hypervisor.onReachable((isUp) => void (isUp && this.reconcile())));
    }
    log.info(
      { profile: held?.profileName ?? '', revision: held?.profileRevision ?? 0 },
      'desired state taken up',
    );
    session?.start();
    this.#options.guests?.settingsChanged();
    await this.reconcile();
    this.#timer = setInterval(() => void this.pass(), this.#options.reconcileIntervalMs);
  }

  /** Stops following; changes nothing on the host. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#reporting);
    this.#drift.stop();
    this.#states.stop();
    for (const end of this.#unsubscribe) end();
    await this.#options.guests?.stop();
    await this.#session?.stop();
  }

  /** The regular pass; first takes up a desired state that could not be saved the last time. */
  async pass(): Promise<void> {
    this.#eventLooks.clear();
    await this.#told
      .retry()
      .catch((error: Error) => this.#options.log.warn({ error: error.message }, 'allocations not saved'));
    if (!(await this.#states.retry())) await this.reconcile();
    this.#options.rest?.();
  }

  /** One full pass: brings the host to the desired state, then reports how it stands. Never throws. */
  async reconcile(): Promise<void> {
    await this.#pass(this.#states.settings);
    await this.#report();
  }

  async #report(): Promise<void> {
    this.#options.guests?.settingsChanged();
    this.#reportTuning();
    await this.#reportDomains(passAgeMs);
    await this.#reportFacts();
    await this.#answers?.answer();
  }

  async #pass(settings: TunerSettings | undefined): Promise<PassEnd> {
    const { reconciler, log, pendingReboots, now } = this.#options;
    try {
      const entries = settings ? await reconciler.apply(settings) : [];
      this.#verifiedMs = now();
      await pendingReboots
        ?.update(entries, now())
        .catch((error: Error) => log.warn({ error: error.message }, 'pending reboots not written'));
      return passEnd(entries);
    } catch (thrown) {
      const error = asDroverError(thrown);
      log.warn({ error: error.message }, 'reconcile failed');
      return { kind: error.kind.retryable ? 'open' : 'failed', reason: error.message, entries: [] };
    }
  }

  async #putBack(entries: readonly PlanEntry[]): Promise<void> {
    const { reconciler, log } = this.#options;
    if (entries.length === 0) return;
    await reconciler
      .putBack(entries)
      .catch((error: Error) => log.warn({ error: error.message }, 'the failed apply could not be put back'));
  }

  /** What a heartbeat carries. Never waits. */
  heartbeat(): HeartbeatInput {
    const { hypervisor, loadAverage, memoryAvailableBytes, now } = this.#options;
    return {
      sentUnixMs: now(),
      activeDomains: this.#activeDomains,
      hypervisorReachable: hypervisor?.reachable ?? false,
      loadAverage: loadAverage(),
      memoryAvailableBytes: memoryAvailableBytes(),
      droppedMessages: this.#session?.droppedMessages ?? 0,
      tuningVerifiedUnixMs: this.#verifiedMs,
    };
  }

  /** The control plane knows nothing of this host: tell everything. */
  async reportAll(): Promise<void> {
    this.#told.begin();
    this.#lastTuning = undefined;
    this.#lastFacts = undefined;
    this.#lastDomains = '';
    this.#options.guests?.tellAll();
    await this.#reportFacts();
    this.#reportTuning();
    await this.#reportDomains();
  }

  /** What the keeper of guests needs of this agent. */
  get guestLink(): GuestLink {
    return {
      settings: () => this.#states.guests,
      isConnected: () => this.#session?.connected ?? false,
      isTold: () => this.#session?.connected === true && this.#told.isInForce,
      report: (guestReport) => this.#session?.report('guestReport', { guestReport }),
      requestStarts: (startRequest) => this.#session?.requestStarts({ startRequest }),
    };
  }

  /** Takes a new desired state; see `DesiredStates.take`. Never throws. */
  take(state: DesiredState): Promise<void> {
    return this.#states.take(state);
  }

  /** Takes the allocations of this host, and looks at once at the domains whose flavor they change. Never throws. */
  async takeAllocations(set: HostAllocationSet, sessionId: string): Promise<void> {
    const { allocations, log } = this.#options;
    if (!allocations) return;
    const before = allocations.current;
    try {
      if (!(await this.#told.save(set, sessionId))) return;
      for (const uuid of changedKeys(before, allocations.current))
        this.#drift.put(uuid, { uuid, name: uuid, kind: 'metadata-changed' });
      await this.#answers?.again();
    } catch (thrown) {
      log.warn(
        { error: asDroverError(thrown).message },
        'allocations not saved; tried again with the next pass',
      );
    }
  }

  /** Plans or verifies, and answers. */
  async operate(request: OperationRequest): Promise<void> {
    const { reconciler } = this.#options;
    const answer = { id: request.id, error: '', settings: [] as ReturnType<typeof toSettingStatus>[] };
    try {
      const settings =
        Object.keys(request.tuners).length > 0 ? parseTuners(request.tuners) : (this.#states.settings ?? {});
      const entries =
        request.kind === 'verify' ? await reconciler.verify(settings) : await reconciler.plan(settings);
      answer.settings = entries.map(toSettingStatus);
    } catch (thrown) {
      answer.error = asDroverError(thrown).message;
    }
    this.#session?.answer({ operationResult: answer });
  }

  #domainEvent(event: DomainEvent): void {
    if (event.kind === 'started') void this.#enforce(event);
    else if (lookedAt.has(event.kind) && this.#mayLook(event.uuid)) this.#drift.put(event.uuid, event);
    this.#soon();
  }

  /** Our own writes come back as events: a value that somebody takes back each time would be written without end. */
  #mayLook(uuid: string): boolean {
    const looks = (this.#eventLooks.get(uuid) ?? 0) + 1;
    this.#eventLooks.set(uuid, looks);
    return looks <= maximumEventLooks;
  }

  /** The fast path: a domain that just started, or that somebody changed, gets its settings without a full pass. */
  async #enforce(event: DomainEvent): Promise<void> {
    const { reconciler, log, now } = this.#options;
    const { settings } = this.#states;
    if (!settings) return;
    const began = now();
    try {
      await reconciler.applyDomain(settings, event.uuid);
      const ms = now() - began;
      if (event.kind === 'started') log.info({ domain: event.name, ms }, 'domain enforced and verified');
      else log.debug({ domain: event.name, ms, event: event.kind }, 'domain looked at');
    } catch (thrown) {
      const error = asDroverError(thrown);
      const isGone = error.code === 'not-found' && event.kind !== 'started'; // or not started yet
      if (!isGone) log.warn({ domain: event.name, error: error.message }, 'domain not enforced');
    } finally {
      this.#soon(); // how it came out is told now, not at the next pass
    }
  }

  /** A report of thousands of settings costs more than a start: while many domains start, each one tells of some. */
  #soon(): void {
    if (this.#reporting) return;
    const sinceMs = performance.now() - this.#reportedMs;
    this.#reporting = setTimeout(
      () => {
        this.#reporting = undefined;
        this.#reportedMs = performance.now();
        void this.#reportDomains().then(() => this.#reportTuning());
      },
      Math.max(reportDelayMs, reportGapMs - sinceMs),
    );
  }

  #reportTuning(): void {
    const { reconciler, desired, now, pendingReboots } = this.#options;
    const status = reconciler.status();
    const { refusal } = this.#states;
    const report = refusal
      ? refusalReport(refusal, status.ledgerEntries, now())
      : tuningReport(status, desired.current, now());
    const more = { pendingReboots: [...(pendingReboots?.current ?? [])], owners: [...status.owners] };
    const rest = restOf(report, { ...more, refusal: refusal?.reason });
    const told = { entries: refusal ? [] : status.entries, rest };
    if (this.#lastTuning && sameTold(told, this.#lastTuning)) return;
    this.#lastTuning = told;
    const settings = refusal ? (report.settings ?? []) : settingsReport(status.entries);
    this.#session?.report('tuning', { tuning: { ...report, ...more, settings } });
  }

  /** Facts are told again when they changed: pages were allocated, a CPU went offline, QEMU was upgraded. */
  async #reportFacts(): Promise<void> {
    try {
      const facts = await this.#options.facts();
      if (facts === this.#lastFacts || isDeepStrictEqual(facts, this.#lastFacts)) return;
      this.#lastFacts = facts;
      this.#session?.report('facts', { facts });
    } catch (thrown) {
      this.#options.log.warn({ error: asDroverError(thrown).message }, 'facts not read');
    }
  }

  async #reportDomains(oldMs = 0): Promise<void> {
    const { hypervisor, log, diskBytes } = this.#options;
    if (!hypervisor?.reachable) return;
    try {
      const all = await hypervisor.domains(oldMs);
      const sizes = new Map(
        await Promise.all(all.map(async (domain) => [domain.uuid, await diskBytes(domain)] as const)),
      );
      const { domains, left } = domainReport(all, ({ uuid }) => sizes.get(uuid) ?? 0);
      if (left > 0) log.warn({ domains: all.length, left }, 'too many domains for one report');
      this.#activeDomains = all.filter((domain) => domain.id >= 0).length;
      const text = JSON.stringify(domains);
      if (text === this.#lastDomains) return;
      this.#lastDomains = text;
      this.#session?.report('domains', { domains: { domains } });
    } catch (thrown) {
      log.warn({ error: asDroverError(thrown).message }, 'domains not listed');
    }
  }
}

/** The first setting that the host refused, in words; what another pass may get done is no failure. */
function passEnd(entries: readonly PlanEntry[]): PassEnd {
  const bad = entries.filter(({ outcome }) => outcome === 'failed');
  const [first, ...more] = bad.filter(({ postponed, restore }) => !postponed && !restore);
  const isOpen = bad.length > 0 || entries.some(({ postponed, drift }) => postponed && drift === undefined);
  if (!first) return { kind: isOpen ? 'open' : 'done', reason: bad[0]?.reason ?? '', entries };
  const { knob, reason } = first;
  const rest = more.length > 0 ? ` (and ${more.length} more)` : '';
  const where = [knob.domain?.name, knob.tuner, knob.setting].filter(Boolean).join(' ');
  return { kind: 'failed', reason: `${where}: ${reason}${rest}`, entries };
}

/** Keys whose values are not the same in both. */
function changedKeys<Value>(a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>): string[] {
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys].filter((key) => JSON.stringify(a.get(key)) !== JSON.stringify(b.get(key)));
}
