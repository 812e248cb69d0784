/** The audit: looks at four sources, finds what they do not agree about, and does what the profile allows. */
import type { AuditFindingInput } from '../../../proto/gen/drover/v1/AuditFinding.js';
import { asDroverError } from '../../../proto/wire/errors.js';
import type { DeletedAction, GuestSettings } from '../../../proto/wire/guest-settings.js';
import type { DomainKey, DomainView, GuestPower } from '../../libvirt/hypervisor.js';
import type { Log } from '../../log.js';
import { suspectsOf, type AuditSources, type Promised, type Suspect } from './compare.js';
import { CoveredDomains, Sightings, type Sighting } from './memory.js';
import type { Quarantine } from './quarantine.js';
import { verdictOn, type Step } from './verdict.js';

export interface AuditorOptions {
  /** The sources as of now, but for what the agent remembers. */
  look(): Promise<Omit<AuditSources, 'promised'>>;
  readonly promised: Omit<Promised, 'everCovered' | 'had'> & {
    readonly allocations: () => readonly { readonly id: string; readonly instanceUuid: string }[];
  };
  readonly power: AuditPower;
  readonly quarantine: Pick<Quarantine, 'of' | 'keys' | 'put' | 'remove'>;
  /** Unix milliseconds, to be told. */
  now(): number;
  /** CLOCK_MONOTONIC in milliseconds: ages do not jump with the time of day, and outlive the agent. */
  monotonicMs(): number;
  readonly log: Log;
}

/** What an audit does to a domain. */
export type AuditPower = Pick<
  GuestPower,
  'askToShutDown' | 'powerOff' | 'isMigrating' | 'suspend' | 'resume'
>;

type Settings = Pick<
  GuestSettings,
  'running_deleted_instance_action' | 'running_deleted_instance_age_seconds'
>;

/** Deeds of one pass: should the control plane's answer ever be wrong, not all of a host goes down at once. */
export const deedsInPass = 5;

/** More than this share of the host's placed guests at once speaks of a control plane that forgot, not of orphans. */
const doubtfulShare = 0.5;

export class Auditor {
  readonly #options: AuditorOptions;
  readonly #covered = new CoveredDomains();
  readonly #sightings = new Sightings();
  #findings: readonly AuditFindingInput[] = [];

  constructor(options: AuditorOptions) {
    this.#options = options;
  }

  /** Of the last pass in which libvirt answered. */
  get findings(): readonly AuditFindingInput[] {
    return this.#findings;
  }

  /** One pass: what is found, and what was done about it. Errors: those of `look`. */
  async pass(settings: Settings): Promise<readonly AuditFindingInput[]> {
    const sources = await this.#look();
    const suspects = suspectsOf(sources);
    this.#sightings.note(suspects, this.#options.monotonicMs());
    if (!sources.domains) return this.#findings;
    const action = settings.running_deleted_instance_action;
    await this.#release(sources, action);
    const rule = { action, ageMs: settings.running_deleted_instance_age_seconds * 1000 };
    const turn = new Turn(isDoubtful(suspects, sources));
    const findings: AuditFindingInput[] = [];
    for (const suspect of suspects) {
      const sighting = this.#sightings.of(suspect.key);
      if (!sighting || (action === 'noop' && suspect.kind === 'running-deleted')) continue;
      const { step, reason } = await this.#judge(suspect, sighting, rule);
      const done = turn.refusal(step) ?? (await this.#do(suspect, step, reason));
      findings.push(this.#finding(suspect, sighting, action, done));
    }
    this.#findings = findings;
    return findings;
  }

  /** The profile says nothing of guests any more: what the audit suspended goes on. Never throws. */
  async letGo(): Promise<void> {
    this.#findings = [];
    if (this.#options.quarantine.keys().length === 0) return;
    const sources = await this.#look().catch(() => undefined);
    if (sources?.domains) await this.#release(sources, 'noop');
  }

  async #look(): Promise<AuditSources> {
    const looked = await this.#options.look();
    const { allocations, ...promised } = this.#options.promised;
    const covered = (looked.domains ?? []).filter((domain) => promised.covers(domain));
    this.#covered.note(covered);
    const had = allocations()
      .map(({ id, instanceUuid }) => ({ id, uuid: instanceUuid.toLowerCase() }))
      .filter(({ uuid }) => this.#covered.has(uuid));
    return {
      ...looked,
      promised: {
        isTold: this.#options.promised.isTold,
        generation: this.#options.promised.generation,
        covers: (domain) => promised.covers(domain),
        everCovered: (uuid) => this.#covered.has(uuid),
        had,
      },
    };
  }

  async #judge(suspect: Suspect, sighting: Sighting, rule: Parameters<typeof verdictOn>[1]) {
    const { power, monotonicMs, quarantine } = this.#options;
    const { domain, key } = suspect;
    const mayAct = domain && rule.action !== 'log' && rule.action !== 'noop';
    // Whoever cannot say that it does not migrate says that it does.
    const isMigrating = mayAct ? await power.isMigrating(keyOf(domain)).catch(() => true) : false;
    const nowMs = monotonicMs();
    if (isMigrating) this.#sightings.young(key, nowMs); // where it belongs is known only afterwards
    return verdictOn(suspect, rule, { sighting, nowMs, isMigrating, quarantined: quarantine.of(key) });
  }

  async #do({ domain, key, name, uuid, kind }: Suspect, step: Step, reason: string): Promise<Done> {
    const { power, log } = this.#options;
    if (step === 'wait') return { outcome: 'seen', reason };
    if (step === 'log') return { outcome: 'logged', reason };
    if (step === 'hold' || !domain) return { outcome: 'held', reason };
    try {
      log.warn({ domain: name, uuid, kind, step }, 'a domain that no allocation stands for is dealt with');
      if (step === 'shut-down') await power.askToShutDown(keyOf(domain), 'acpi');
      if (step === 'power-off') await power.powerOff(keyOf(domain));
      if (step === 'quarantine') await this.#suspend(key, domain);
      return { outcome: outcomes[step], reason };
    } catch (thrown) {
      return { outcome: 'failed', reason: asDroverError(thrown).message };
    }
  }

  /** The intent is on disk first: whatever is found suspended is known to be so by this agent. */
  async #suspend(key: string, domain: DomainView): Promise<void> {
    const { quarantine, power, monotonicMs } = this.#options;
    const sinceMs = monotonicMs();
    await quarantine.put(key, { sinceMs, isDone: false });
    await power.suspend(keyOf(domain));
    await quarantine.put(key, { sinceMs, isDone: true });
  }

  /** A domain that is known again, or that the profile does not want to be reaped any more, goes on where it was suspended. */
  async #release({ domains, promised }: AuditSources, action: DeletedAction): Promise<void> {
    const isWithdrawn = action !== 'reap';
    if (!domains || (!promised.isTold && !isWithdrawn)) return; // silence is no leave to go on
    const { quarantine, power, log } = this.#options;
    for (const key of quarantine.keys()) {
      if (this.#sightings.of(key) && !isWithdrawn) continue;
      const domain = domains.find(({ uuid, id }) => key === `running-deleted ${uuid} ${id}`);
      try {
        if (domain?.state === 'paused') await power.resume(keyOf(domain));
        await quarantine.remove(key);
        const why = isWithdrawn ? 'it is not to be reaped any more' : 'known again';
        if (domain) log.info({ domain: domain.name }, `${why}: it goes on`);
      } catch (thrown) {
        log.warn({ domain: domain?.name, error: asDroverError(thrown).message }, 'not resumed');
      }
    }
  }

  #finding(
    { kind, uuid, name, evidence }: Suspect,
    { firstMs, passes }: Sighting,
    action: DeletedAction,
    { outcome, reason }: Done,
  ): AuditFindingInput {
    const { now, monotonicMs } = this.#options;
    const words = [...evidence.slice(0, 6), `seen in ${passes} passes`, ...(reason === '' ? [] : [reason])];
    const foundUnixMs = Math.round(now() - (monotonicMs() - firstMs));
    const isDeleted = kind === 'running-deleted';
    return { kind, uuid, name, action: isDeleted ? action : 'log', outcome, evidence: words, foundUnixMs };
  }
}

interface Done {
  readonly outcome: string;
  readonly reason: string;
}

const outcomes = { 'shut-down': 'shut-down', quarantine: 'quarantined', 'power-off': 'reaped' } as const;

/** What one pass may still do. */
class Turn {
  readonly #isDoubtful: boolean;
  #deeds = 0;

  constructor(isInDoubt: boolean) {
    this.#isDoubtful = isInDoubt;
  }

  /** Why this step is not taken in this pass; undefined: it may be. */
  refusal(step: Step): Done | undefined {
    if (step !== 'shut-down' && step !== 'quarantine' && step !== 'power-off') return undefined;
    if (this.#isDoubtful)
      return { outcome: 'held', reason: 'more than half of the guests at once: is the control plane right?' };
    return this.#deeds++ < deedsInPass
      ? undefined
      : { outcome: 'held', reason: `${deedsInPass} others were dealt with in this pass` };
  }
}

function isDoubtful(suspects: readonly Suspect[], { domains = [], promised }: AuditSources): boolean {
  const deleted = suspects.filter(({ kind }) => kind === 'running-deleted').length;
  const known = (domains ?? []).filter((domain) => domain.id >= 0 && promised.covers(domain)).length;
  return deleted > deedsInPass && deleted > (deleted + known) * doubtfulShare;
}

function keyOf({ uuid, id }: DomainView): DomainKey {
  return { uuid, id };
}
