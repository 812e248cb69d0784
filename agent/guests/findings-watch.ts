/** What is looked at again and again: ports, domains that nobody knows, and how the host is set up. */
import type { GuestProgress } from '../../proto/gen/drover/v1/GuestProgress.js';
import type { PortFinding } from '../../proto/gen/drover/v1/PortFinding.js';
import type { PreflightFinding } from '../../proto/gen/drover/v1/PreflightFinding.js';
import { asDroverError } from '../../proto/wire/errors.js';
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import type { Log } from '../log.js';
import type { Auditor } from './audit/auditor.js';
import type { PortKeeper } from './ports/keeper.js';
import type { Findings } from './report.js';

export interface FindingsOptions {
  readonly ports?: Pick<PortKeeper, 'pass'>;
  readonly audit?: Pick<Auditor, 'pass' | 'findings' | 'letGo'>;
  /** How the host is set up for stopping guests. */
  preflight?(settings: GuestSettings): Promise<PreflightFinding[]>;
  /** What a stop would do now with each active guest. */
  plan?(settings: GuestSettings): Promise<GuestProgress[]>;
  /** Undefined: nothing is looked at. */
  settings(): GuestSettings | undefined;
  changed(): void;
  readonly log: Log;
  readonly periods?: Periods;
}

/** Between two looks, in milliseconds. */
export interface Periods {
  readonly portsMs: number;
  readonly auditMs: number;
  readonly preflightMs: number;
  readonly planMs: number;
}

/** A stale port is seen twice and gone within a minute; the other two cost more and change seldom. */
const defaultPeriods: Periods = { portsMs: 20_000, auditMs: 120_000, preflightMs: 600_000, planMs: 60_000 };

export class FindingsWatch {
  readonly #options: FindingsOptions;
  #timers: NodeJS.Timeout[] = [];
  /** Looks that go on: a slow one is not overtaken by the next of its kind. */
  readonly #going = new Map<string, Promise<void>>();
  #ports: readonly PortFinding[] = [];
  #preflight: readonly PreflightFinding[] = [];
  #plan: readonly GuestProgress[] = [];

  constructor(options: FindingsOptions) {
    this.#options = options;
  }

  /** Of the last looks. */
  get findings(): Omit<Findings, 'stage'> {
    const audit = this.#options.audit?.findings ?? [];
    return { ports: this.#ports, audit, preflight: this.#preflight, plan: this.#plan };
  }

  start(): void {
    const { portsMs, auditMs, preflightMs, planMs } = this.#options.periods ?? defaultPeriods;
    this.#timers = [
      setInterval(() => void this.#lookAtPorts(), portsMs),
      setInterval(() => void this.#audit(), auditMs),
      setInterval(() => void this.lookAtHost(), preflightMs),
      setInterval(() => void this.#lookAtPlan(), planMs),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** The profile has a section `guests` again, or none any more: then what the audit suspended goes on. Never throws. */
  async settingsChanged(): Promise<void> {
    if (this.#options.settings()) return void (await Promise.all([this.lookAtHost(), this.#lookAtPlan()]));
    this.#ports = [];
    this.#preflight = [];
    this.#plan = [];
    await this.#audit();
  }

  /** Looks at how the host is set up now. Never throws. */
  lookAtHost(): Promise<void> {
    const { preflight, settings } = this.#options;
    return this.#look('how the host is set up', async () => {
      const now = settings();
      if (preflight && now) this.#preflight = await preflight(now);
    });
  }

  /** Who else stops this host's guests, by a look as of now; undefined: nobody. */
  async otherOwner(): Promise<string | undefined> {
    await this.lookAtHost();
    return this.#preflight.find(({ check, status }) => check === 'owners' && status === 'refused')?.message;
  }

  #lookAtPlan(): Promise<void> {
    const { plan, settings } = this.#options;
    return this.#look('what a stop would do', async () => {
      const now = settings();
      if (plan && now) this.#plan = await plan(now);
    });
  }

  #lookAtPorts(): Promise<void> {
    const { ports, settings } = this.#options;
    return this.#look('ports', async () => {
      if (ports && settings()) this.#ports = await ports.pass();
    });
  }

  #audit(): Promise<void> {
    const { audit, settings } = this.#options;
    return this.#look('guests', async () => {
      const now = settings();
      if (now) await audit?.pass(now);
      else await audit?.letGo();
    });
  }

  /** One of each kind at a time: who comes meanwhile waits for the one that goes on. */
  #look(what: string, work: () => Promise<void>): Promise<void> {
    const { log, changed } = this.#options;
    const going = this.#going.get(what);
    if (going) return going;
    const mine = work()
      .catch((thrown: unknown) =>
        log.warn({ error: asDroverError(thrown).message }, `${what}: not looked at`),
      )
      .finally(() => {
        this.#going.delete(what);
        changed();
      });
    this.#going.set(what, mine);
    return mine;
  }
}
