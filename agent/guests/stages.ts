/**
 * Stops and starts of this host's guests, one at a time: a stop for the host's shutdown goes over whatever else runs or waits,
 * anything else waits its turn. Each stage is on disk, so that whoever comes after knows how far it came.
 */
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import type { DomainView, GuestPower, Hypervisor } from '../libvirt/hypervisor.js';
import type { Log } from '../log.js';
import type { Stage, StageCause } from './guest.js';
import { guestOf } from './policy.js';
import { begunStart, type BegunStart } from './start/begun-start.js';
import { runStart, type RunStartOptions } from './start/run.js';
import type { Clock } from './stop/clock.js';
import { planStop } from './stop/plan.js';
import { runStop } from './stop/run.js';
import type { KeptStage, StageFile } from './stop/stage-file.js';
import { activeGuests, type StopGuest } from './stop/stop-guest.js';
import { Turns } from './turns.js';

export interface StageFiles {
  /** The newest stop. */
  readonly stop: StageFile;
  /** The newest start. */
  readonly start: StageFile;
  /** The newest stop that people asked for: the shutdown of the host that follows it does not make it forgotten. */
  readonly asked: StageFile;
}

export interface StagesOptions {
  readonly hypervisor: Pick<Hypervisor, 'domains' | 'onDomainEvent'>;
  readonly power: GuestPower;
  /** Undefined: the profile has no section `guests`, and nobody is stopped or started. */
  settings(): GuestSettings | undefined;
  readonly files: StageFiles;
  /** The one owner of the guest stage on this host. Errors: `failed-precondition` naming the owner. */
  lock(signal: AbortSignal): Promise<() => void>;
  /** Of a shutdown: which guests should run again. */
  hold(uuids: readonly string[]): Promise<void>;
  /** Whether a guest that is off should run: its owner did not turn it off. Absent: nobody knows, so it does not count. */
  isWanted?(uuid: string): boolean;
  /** Ports that are left though no guest runs; answers what was done, in words. Errors are told and stop nothing. */
  clearPorts(): Promise<string>;
  /** What starts need of the host. */
  startParts(settings: GuestSettings): Pick<RunStartOptions, 'queue' | 'permits' | 'own'>;
  /** The newest stage is another. */
  changed(): void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is asked for. */
export interface StageWish {
  readonly id: string;
  readonly cause: StageCause;
  /** Only these, asked when the stage begins; absent: all. `signal`: the stage is given up. */
  readonly uuids?: (signal: AbortSignal) => Promise<readonly string[]>;
  /** When the host goes down whatever guests do; see `StopOptions`. */
  readonly endMs?: number;
}

/** How long a stop waits for a libvirt that does not list its domains, or tell what one of them says of itself. */
const listMs = 30_000;
const listAgainMs = 1_000;

export class GuestStages {
  readonly #options: StagesOptions;
  readonly #turns = new Turns();
  #current: Stage | undefined;
  #isLeft = false;

  constructor(options: StagesOptions) {
    this.#options = options;
  }

  /** The newest stage of this process, running or ended. */
  get current(): Stage | undefined {
    return this.#current;
  }

  /** Ends what runs and what waits, or only the stage with this id: nobody else is asked or started. */
  cancel(reason: string, id?: string): void {
    this.#turns.cancel(reason, id);
  }

  /** As `cancel`, for an agent that ends: on disk the stage stays as it is, so that the next agent goes on with it. */
  leave(): void {
    this.#isLeft = true;
    this.cancel('the agent ends');
  }

  /** Done when nothing runs any more. */
  async idle(): Promise<void> {
    await this.#turns.idle();
  }

  /**
   * Stops guests in order; answers the stage as it ended. For a shutdown of the host whatever runs or waits is ended first; the
   * graces of a stop that ran are kept. Errors: `failed-precondition` (no section `guests`; another process owns the stage),
   * `unavailable` (cancelled before it began), those of libvirt's list.
   */
  stop(wish: StageWish): Promise<Stage> {
    const { cause, id } = wish;
    if (cause === 'host-shutdown') this.cancel('the host goes down');
    const before = this.#current;
    const isCut = cause === 'host-shutdown' && before?.kind === 'stop' && before.endedMs === 0;
    return this.#turns.take(id, (signal) =>
      this.#alone(signal, (settings) => {
        // What was cut off a moment ago for this one: its graces have begun.
        const cut = isCut && this.#current?.id === before.id ? this.#current : undefined;
        return this.#stop(wish, signal, settings, cut);
      }),
    );
  }

  /** Starts guests in order; answers the stage as it ended. Errors as `stop`. */
  start(wish: StageWish): Promise<Stage> {
    return this.#turns.take(wish.id, (signal) =>
      this.#alone(signal, (settings) => this.#start(wish, signal, settings)),
    );
  }

  async #stop(
    wish: StageWish,
    signal: AbortSignal,
    settings: GuestSettings,
    cut: Stage | undefined,
  ): Promise<Stage> {
    const { files, hypervisor, power, clock, hold } = this.#options;
    const { cause } = wish;
    const isMeant = await meant(wish, signal);
    const active = async (): Promise<StopGuest[]> =>
      activeGuests((await hypervisor.domains()).filter(isMeant), settings);
    const guests = activeGuests(await this.#listed(wish, isMeant, signal), settings);
    const plan = planStop(guests, settings.stop, settings.stop.budget_seconds * 1000);
    if (cause === 'host-shutdown') await hold(guests.map(({ uuid }) => uuid));
    const kept = cause === 'host-shutdown' ? [files.stop] : [files.stop, files.asked];
    const end = await runStop({
      ...{ ...wish, plan, power, clock, signal, running: active },
      onDomainEvent: (listener) => hypervisor.onDomainEvent(listener),
      onStage: (stage) => stage.endedMs === 0 && this.#note(stage, kept),
      earlier: cut ?? (await this.#unfinished(wish)),
    });
    const ports = cause === 'host-shutdown' ? await this.#options.clearPorts() : '';
    const message = [end.stage.message, ports].filter((part) => part !== '').join('; ');
    return this.#ended({ ...end.stage, message }, kept);
  }

  /**
   * The domains that a stop is about. A shutdown waits for a libvirt that starts anew: without its list nobody can be asked.
   * Order and grace of a guest stand in its XML, so one that could not be read is read again first. Errors: the list's last.
   */
  async #listed(wish: StageWish, isMeant: Meant, signal: AbortSignal): Promise<DomainView[]> {
    const { clock, log, hypervisor } = this.#options;
    const endMs = clock.now() + listMs;
    for (;;) {
      const isLast = signal.aborted || clock.now() >= endMs;
      try {
        const domains = (await hypervisor.domains()).filter(isMeant);
        const unread = domains.filter(({ id, xmlUnknown }) => id >= 0 && xmlUnknown !== undefined);
        if (unread.length === 0) return domains;
        const names = unread.map(({ name }) => name);
        log.warn(
          { names },
          isLast ? 'XML not read: the profile alone counts for these' : 'XML not read; tried again',
        );
        if (isLast) return domains;
      } catch (thrown) {
        if (isLast || wish.cause !== 'host-shutdown') throw thrown;
        log.warn(
          { error: asDroverError(thrown).message },
          'guests to be stopped are not listed; tried again',
        );
      }
      await clock.sleep(listAgainMs, signal);
    }
  }

  /**
   * A stop of this boot whose owner could not end it; or this very stop, asked again, with those that it turned off. Graces of
   * another boot are over: none of its guests is the same start.
   */
  async #unfinished({ id }: StageWish): Promise<Stage | undefined> {
    const { stop, asked } = this.#options.files;
    const loaded = await Promise.all([stop, asked].map((file) => file.load().catch(() => undefined)));
    const kept = loaded.find((one) => one && isOpen(one, id));
    if (!kept || kept.isOfThisBoot) return kept?.stage;
    return { ...kept.stage, guests: kept.stage.guests.map(({ id: _start, ...guest }) => guest) };
  }

  async #start(wish: StageWish, signal: AbortSignal, settings: GuestSettings): Promise<Stage> {
    const { files, power, clock, log, startParts } = this.#options;
    const kept = [files.start];
    const isMeant = await meant(wish, signal);
    const domains = await this.#options.hypervisor.domains();
    const begun = await this.#begun(wish, domains);
    const stays = new Set(begun?.guests.map(({ uuid }) => uuid));
    const isMissing = ({ uuid, id }: DomainView): boolean => id < 0 && !stays.has(uuid);
    const stage = await runStart({
      ...{ id: wish.id, cause: wish.cause, signal, power, log, now: () => clock.now() },
      ...startParts(settings),
      guests: domains.filter((one) => isMissing(one) && isMeant(one)).map((one) => guestOf(one, settings)),
      begun,
      report: (each) => this.#note(each, kept),
    });
    return this.#ended(stage, kept);
  }

  /** What this very start, asked for before in this boot, has brought up. */
  async #begun({ id }: StageWish, domains: readonly DomainView[]): Promise<BegunStart | undefined> {
    const { files, isWanted = () => true } = this.#options;
    const kept = await files.start.load().catch(() => undefined);
    if (!kept?.isOfThisBoot || kept.stage.id !== id) return undefined;
    return begunStart(kept.stage, domains, isWanted);
  }

  #note(stage: Stage, files: readonly StageFile[]): void {
    this.#current = stage;
    const isToGoOn = this.#isLeft && stage.state === 'cut-off';
    for (const file of files) file.put(isToGoOn ? { ...stage, state: 'running', endedMs: 0 } : stage);
    this.#options.changed();
  }

  async #ended(stage: Stage, files: readonly StageFile[]): Promise<Stage> {
    const { log } = this.#options;
    this.#note(stage, files);
    await Promise.all(files.map((file) => file.flush())).catch((error: Error) =>
      log.warn({ error: error.message }, 'the stage is not on disk'),
    );
    const { id, kind, cause, state, message, startedMs, endedMs } = stage;
    log.info({ id, kind, cause, state, message, ms: Math.round(endedMs - startedMs) }, 'guest stage ended');
    return stage;
  }

  /** One owner on the host. */
  async #alone(signal: AbortSignal, work: (settings: GuestSettings) => Promise<Stage>): Promise<Stage> {
    const settings = this.#options.settings();
    if (!settings)
      throw new DroverError('failed-precondition', "this host's profile has no section guests", {
        field: 'guests',
        cure: 'a profile with a section guests, docs/reference/guest-stop.md',
      });
    const unlock = await this.#options.lock(signal);
    try {
      return await work(settings);
    } finally {
      unlock();
    }
  }
}

/** Goes on where `id` is asked for, or what its owner left open. */
function isOpen({ stage, isOfThisBoot }: KeptStage, id: string): boolean {
  return stage.id === id ? stage.state !== 'done' : isOfThisBoot && stage.state === 'running';
}

type Meant = (domain: Pick<DomainView, 'uuid'>) => boolean;

async function meant({ uuids }: StageWish, signal: AbortSignal): Promise<Meant> {
  const set = uuids && new Set(await uuids(signal));
  return ({ uuid }) => set?.has(uuid) ?? true;
}
