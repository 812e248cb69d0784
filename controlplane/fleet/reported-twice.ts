/**
 * Domains that two hosts report as active at once: the same disk written by two machines. Such a report overlaps for a
 * moment whenever a guest moves, so it counts only when it is still so later; then it stands on every host that reports the
 * domain until at most one does.
 */
import type { AgentMessage } from '../../proto/gen/drover/v1/AgentMessage.js';
import type { Domain } from '../../proto/gen/drover/v1/Domain.js';
import type { AgentWatcher, HostVerdict } from './agent-watcher.js';
import type { InstanceIndex } from './instance-index.js';
import type { HostSession, Sessions } from './sessions.js';

export const twiceLimits = {
  /** A second report that says it again counts when it comes so long after the first. */
  secondReportMs: 10_000,
  /** Two that run: what a move needs to hand over, many times over. */
  runningMs: 30_000,
  /** While a guest moves it stands paused where it goes to, for as long as its memory takes to copy. */
  movingMs: 15 * 60_000,
  /** Domains that are watched at once; more than that are an outage of another kind. */
  watched: 10_000,
  /** Domains that a condition names. */
  named: 3,
} as const;

export interface TwiceParts {
  readonly sessions: Pick<Sessions, 'get'>;
  readonly instances: Pick<InstanceIndex, 'rowsOf'>;
  hostAt(row: number): { readonly id: string; readonly name: string } | undefined;
  /** True when the host is heard of: what a silent one said last is old, and raises nothing new. */
  isHeard(hostId: string): boolean;
  now(): number;
  readonly log: { warn(fields: object, message: string): void };
}

interface Sighting {
  readonly hostId: string;
  readonly hostName: string;
  readonly name: string;
  readonly state: string;
}

interface Suspect {
  readonly firstMs: number;
  reports: number;
  raised: boolean;
  seen: readonly Sighting[];
}

export class ReportedTwice implements AgentWatcher {
  readonly #parts: TwiceParts;
  readonly #suspects = new Map<string, Suspect>();
  /** Domains of a report by UUID, as long as the report stands. */
  readonly #byUuid = new WeakMap<readonly Domain[], ReadonlyMap<string, Domain>>();

  constructor(parts: TwiceParts) {
    this.#parts = parts;
  }

  /** Domains that are watched. */
  get size(): number {
    return this.#suspects.size;
  }

  said({ domains = [] }: HostSession, message: Pick<AgentMessage, 'domains'>): void {
    if (!message.domains) return;
    for (const domain of domains)
      if (isActive(domain) && this.#parts.instances.rowsOf(domain.uuid).length > 1) this.#see(domain.uuid);
    this.#lookAgain();
  }

  /** What a host no longer reports is over at once; what lasts becomes a condition. */
  sweep(): void {
    this.#lookAgain();
  }

  troubleOn(hostId: string): HostVerdict | undefined {
    if (this.#suspects.size === 0) return undefined;
    const mine = [...this.#suspects].filter(
      ([, { raised, seen }]) => raised && seen.some((one) => one.hostId === hostId),
    );
    if (mine.length === 0) return undefined;
    const named = mine.slice(0, twiceLimits.named).map(([uuid, suspect]) => evidence(uuid, suspect));
    const rest = mine.length > named.length ? [`and ${mine.length - named.length} more`] : [];
    const message = [...named, ...rest].join('; ');
    return { type: 'domains', status: 'failing', reason: 'reported-twice', message };
  }

  #see(uuid: string): void {
    const seen = this.#sightings(uuid);
    if (seen.length < 2) return;
    const known = this.#suspects.get(uuid);
    if (known) known.reports++;
    else if (
      seen.every(({ hostId }) => this.#parts.isHeard(hostId)) &&
      this.#suspects.size < twiceLimits.watched
    )
      this.#suspects.set(uuid, { firstMs: this.#parts.now(), reports: 1, raised: false, seen });
  }

  #lookAgain(): void {
    for (const [uuid, suspect] of this.#suspects) {
      suspect.seen = this.#sightings(uuid);
      if (suspect.seen.length < 2) this.#suspects.delete(uuid);
      else if (!suspect.raised && this.#lasts(suspect)) this.#raise(uuid, suspect);
    }
  }

  #lasts({ firstMs, reports, seen }: Suspect): boolean {
    const forMs = this.#parts.now() - firstMs;
    const mayMove = seen.filter(({ state }) => state !== 'paused').length < 2;
    if (mayMove) return forMs >= twiceLimits.movingMs;
    return forMs >= (reports > 1 ? twiceLimits.secondReportMs : twiceLimits.runningMs);
  }

  #raise(uuid: string, suspect: Suspect): void {
    suspect.raised = true;
    this.#parts.log.warn({ uuid }, evidence(uuid, suspect));
  }

  #domainOf(domains: readonly Domain[], uuid: string): Domain | undefined {
    const known = this.#byUuid.get(domains) ?? new Map(domains.map((one) => [one.uuid, one]));
    this.#byUuid.set(domains, known);
    return known.get(uuid);
  }

  #sightings(uuid: string): Sighting[] {
    const { instances, hostAt, sessions } = this.#parts;
    return instances.rowsOf(uuid).flatMap((row) => {
      const host = hostAt(row);
      const domain = host && this.#domainOf(sessions.get(host.id)?.domains ?? none, uuid);
      if (!domain || !isActive(domain)) return [];
      return [{ hostId: host.id, hostName: host.name, name: domain.name, state: domain.state }];
    });
  }
}

const none: readonly Domain[] = [];

/** Runs, or holds its memory and disks. */
function isActive({ state }: Pick<Domain, 'state'>): boolean {
  return ['running', 'blocked', 'paused', 'shutdown', 'pmsuspended'].includes(state);
}

function evidence(uuid: string, { firstMs, seen }: Suspect): string {
  const hosts = seen.map(({ hostName, state }) => `${hostName} (${state})`).toSorted();
  const since = new Date(firstMs).toISOString().replace(/\.\d+Z$/, 'Z');
  return `domain ${seen[0]?.name ?? ''} (${uuid}) is active on ${hosts.join(' and ')} since ${since}`;
}
