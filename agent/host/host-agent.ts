/**
 * One host's agent, without the outside: facts, hypervisor, reconciler and session are handed in, so the real agent and
 * the simulated one are the same code. It keeps the host at its desired state and tells the control plane how it stands.
 */
import type { DesiredState } from '../../proto/gen/drover/v1/DesiredState.js';
import type { HeartbeatInput } from '../../proto/gen/drover/v1/Heartbeat.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { OperationRequest } from '../../proto/gen/drover/v1/OperationRequest.js';
import { asDroverError } from '../../proto/wire/errors.js';
import { parseTuners } from '../../proto/wire/profile.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import type { DomainEvent, DomainView, Hypervisor } from '../libvirt/hypervisor.js';
import type { Log } from '../log.js';
import type { DesiredFile } from '../reconcile/desired.js';
import type { Reconciler } from '../reconcile/reconciler.js';
import { toSettingStatus } from '../reconcile/plan.js';
import type { Session } from '../session/session.js';
import { domainReport, refusalReport, tuningReport, type Refusal } from './reports.js';

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
}

/** Domain events that come together are answered by one report after this long. */
const reportDelayMs = 100;

export class HostAgent {
  readonly #options: HostAgentOptions;
  #session: Session | undefined;
  #settings: TunerSettings | undefined;
  #activeDomains = 0;
  #timer: NodeJS.Timeout | undefined;
  #reporting: NodeJS.Timeout | undefined;
  #unsubscribe: (() => void)[] = [];
  #verifiedMs = 0;
  #lastTuning = '';
  #lastFacts = '';
  #refusal: Refusal | undefined;
  #newest: DesiredState | undefined;
  #taking: Promise<void> = Promise.resolve();

  constructor(options: HostAgentOptions) {
    this.#options = options;
  }

  /** Takes up the desired state from disk, follows the hypervisor and starts the regular pass. */
  async start(session?: Session): Promise<void> {
    const { desired, hypervisor, log } = this.#options;
    this.#session = session;
    const held = desired.current;
    this.#takeHeld(held);
    if (hypervisor) {
      this.#unsubscribe.push(hypervisor.onDomainEvent((event) => this.#domainEvent(event)));
      this.#unsubscribe.push(hypervisor.onReachable((isUp) => void (isUp && this.reconcile())));
    }
    log.info(
      { profile: held?.profileName ?? '', revision: held?.profileRevision ?? 0 },
      'desired state taken up',
    );
    session?.start();
    await this.reconcile();
    this.#timer = setInterval(() => void this.pass(), this.#options.reconcileIntervalMs);
  }

  /** A state on disk that this version cannot read is reported; the session goes on, so that another can come. */
  #takeHeld(state: DesiredState | undefined): void {
    if (!state) return;
    try {
      this.#settings = parseTuners(state.tuners);
    } catch (thrown) {
      this.#refusal = { state, reason: asDroverError(thrown).message };
      this.#options.log.warn({ error: this.#refusal.reason }, 'desired state on disk refused');
    }
  }

  /** Stops following; changes nothing on the host. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#reporting);
    for (const end of this.#unsubscribe) end();
    await this.#session?.stop();
  }

  /** The regular pass; first takes up a desired state that could not be saved the last time. */
  async pass(): Promise<void> {
    if (this.#newest) await this.take(this.#newest);
    else await this.reconcile();
  }

  /** One full pass: brings the host to the desired state, then reports how it stands. Never throws. */
  async reconcile(): Promise<void> {
    const { reconciler, log } = this.#options;
    try {
      if (this.#settings) await reconciler.apply(this.#settings);
      this.#verifiedMs = this.#options.now();
    } catch (thrown) {
      log.warn({ error: asDroverError(thrown).message }, 'reconcile failed');
    }
    this.#reportTuning();
    await this.#reportDomains();
    await this.#reportFacts();
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
    this.#lastTuning = '';
    this.#lastFacts = '';
    await this.#reportFacts();
    this.#reportTuning();
    await this.#reportDomains();
  }

  /**
   * Takes a new desired state: on disk first, then in force. An unusable one is reported and changes nothing. One at a
   * time; of those that come meanwhile only the newest counts.
   */
  take(state: DesiredState): Promise<void> {
    this.#newest = state;
    this.#taking = this.#taking.then(() => this.#takeNewest());
    return this.#taking;
  }

  async #takeNewest(): Promise<void> {
    const { desired, log } = this.#options;
    const state = this.#newest;
    if (!state) return;
    this.#newest = undefined;
    try {
      const settings = parseTuners(state.tuners);
      await desired.save(state);
      this.#settings = settings;
      this.#refusal = undefined;
      log.info({ profile: state.profileName, revision: state.profileRevision }, 'desired state received');
    } catch (thrown) {
      const error = asDroverError(thrown);
      const reason = error.message;
      this.#refusal = { state, reason };
      if (error.kind.retryable) this.#newest ??= state; // a full disk may have room at the next pass
      log.warn({ error: reason, profile: state.profileName }, 'desired state refused');
    }
    await this.reconcile();
  }

  /** Plans or verifies, and answers. */
  async operate(request: OperationRequest): Promise<void> {
    const { reconciler } = this.#options;
    const answer = { id: request.id, error: '', settings: [] as ReturnType<typeof toSettingStatus>[] };
    try {
      const settings =
        Object.keys(request.tuners).length > 0 ? parseTuners(request.tuners) : (this.#settings ?? {});
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
    this.#soon();
  }

  /** The fast path: a domain that just started gets its settings without a full pass. */
  async #enforce(event: DomainEvent): Promise<void> {
    const { reconciler, log, now } = this.#options;
    if (!this.#settings) return;
    const began = now();
    try {
      await reconciler.applyDomain(this.#settings, event.uuid);
      log.info({ domain: event.name, ms: now() - began }, 'domain enforced and verified');
    } catch (thrown) {
      log.warn({ domain: event.name, error: asDroverError(thrown).message }, 'domain not enforced');
    } finally {
      this.#soon(); // how it came out is told now, not at the next pass
    }
  }

  #soon(): void {
    if (this.#reporting) return;
    this.#reporting = setTimeout(() => {
      this.#reporting = undefined;
      void this.#reportDomains().then(() => this.#reportTuning());
    }, reportDelayMs);
  }

  #reportTuning(): void {
    const { reconciler, desired, now } = this.#options;
    const status = reconciler.status();
    const tuning = this.#refusal
      ? refusalReport(this.#refusal, status.ledgerEntries, now())
      : tuningReport(status, desired.current, now());
    const text = JSON.stringify({ ...tuning, verifiedUnixMs: 0 });
    if (text === this.#lastTuning) return;
    this.#lastTuning = text;
    this.#session?.report('tuning', { tuning });
  }

  /** Facts are told again when they changed: pages were allocated, a CPU went offline, QEMU was upgraded. */
  async #reportFacts(): Promise<void> {
    try {
      const facts = await this.#options.facts();
      const text = JSON.stringify(facts);
      if (text === this.#lastFacts) return;
      this.#lastFacts = text;
      this.#session?.report('facts', { facts });
    } catch (thrown) {
      this.#options.log.warn({ error: asDroverError(thrown).message }, 'facts not read');
    }
  }

  async #reportDomains(): Promise<void> {
    const { hypervisor, log, diskBytes } = this.#options;
    if (!hypervisor?.reachable) return;
    try {
      const all = await hypervisor.domains();
      const sizes = new Map(
        await Promise.all(all.map(async (domain) => [domain.uuid, await diskBytes(domain)] as const)),
      );
      const { domains, left } = domainReport(all, ({ uuid }) => sizes.get(uuid) ?? 0);
      if (left > 0) log.warn({ domains: all.length, left }, 'too many domains for one report');
      this.#activeDomains = all.filter((domain) => domain.id >= 0).length;
      this.#session?.report('domains', { domains: { domains } });
    } catch (thrown) {
      log.warn({ error: asDroverError(thrown).message }, 'domains not listed');
    }
  }
}
