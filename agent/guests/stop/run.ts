/**
 * The ordered stop of guests: wave after wave, each guest with its own grace. A wave ends when each of its guests is gone,
 * left as told, or has failed; so a guest that ignores shutdown delays others by its own grace and last resort at most.
 */
import { mapLimited } from '../../reconcile/lanes.js';
import type { GuestPower, Hypervisor } from '../../libvirt/hypervisor.js';
import type { GuestStanding, Stage, StageCause } from '../guest.js';
import type { Clock } from './clock.js';
import { GoneWatch } from './gone-watch.js';
import { type Begun, begunOf } from './kept-grace.js';
import { parallelWithin, planStop, type StopPlan } from './plan.js';
import { Progress } from './progress.js';
import { sharersOf, type StopGuest } from './stop-guest.js';
import { takeTurn } from './turn.js';

export interface StopOptions {
  readonly id: string;
  readonly cause: StageCause;
  readonly plan: StopPlan;
  readonly power: Pick<GuestPower, 'askToShutDown' | 'managedSave' | 'powerOff'>;
  /** Active guests as of now, of those that this stop is about: whoever is there at the end is stopped too. */
  readonly running: () => Promise<readonly StopGuest[]>;
  readonly onDomainEvent: Hypervisor['onDomainEvent'];
  /** Hears of each change. */
  readonly onStage: (stage: Stage) => void;
  readonly clock: Clock;
  /** Aborted: nobody else is asked, and those asked are left as they are. Its reason stands in the stage's message. */
  readonly signal?: AbortSignal;
  /** A stage of this stop whose owner could not end it: graces that have begun go on. Not one that a person cancelled. */
  readonly earlier?: Stage | undefined;
  /**
   * When the host goes down whatever guests do, by `clock`. Order and graces stay as they are; but where the rest does not
   * fit, more than `parallel` guests of a wave stop at once.
   */
  readonly endMs?: number;
}

export interface StopEnd {
  readonly stage: Stage;
  /** Guests that still run, those left as told among them. */
  readonly remained: readonly GuestStanding[];
}

/** Between two looks at the end, when libvirt was silent. */
const lookAgainMs = 1_000;

/** Stops the guests of a plan. Done when the last wave has ended, or the stop is cancelled; never fails. */
export function runStop(options: StopOptions): Promise<StopEnd> {
  return new StopRun(options).run();
}

class StopRun {
  readonly #options: StopOptions;
  readonly #watch: GoneWatch;
  readonly #progress: Progress;
  readonly #cancel: AbortSignal;
  /** Starts of guests (UUID and id) whose grace is over: they get no other. */
  readonly #graceOver = new Map<string, number>();

  constructor(options: StopOptions) {
    this.#options = options;
    this.#cancel = options.signal ?? new AbortController().signal;
    this.#progress = new Progress(options);
    this.#watch = new GoneWatch({
      ...options,
      onGone: (guest, how) => this.#progress.set(guest, 'stopped', how),
    });
  }

  async run(): Promise<StopEnd> {
    this.#watch.start();
    try {
      const { plan, earlier } = this.#options;
      await this.#stop(plan, Math.max(0, (earlier?.waves ?? 0) - plan.waves.length));
      const active = await this.#looked();
      const late = (active ?? []).filter((guest) => this.#progress.standing(guest)?.state !== 'left');
      if (late.length > 0) await this.#stopLate(late);
      return this.#end(late.length > 0 ? await this.#looked() : active);
    } finally {
      this.#watch.close();
    }
  }

  /** The waves of a plan, numbered on from `offset`. */
  async #stop(plan: StopPlan, offset: number): Promise<void> {
    const { clock, endMs } = this.#options;
    const groups = plan.waves.map(({ guests }) => guests.map(({ guest }) => guest));
    this.#progress.begin(groups, offset);
    for (const guest of groups.flat()) this.#watch.follow(guest);
    for (const [index, group] of groups.entries()) {
      if (this.#cancel.aborted) return;
      const parallel = endMs === undefined ? plan.parallel : parallelWithin(plan, index, endMs - clock.now());
      const sharers = sharersOf(group, parallel);
      await mapLimited(this.#begunFirst(group), parallel, (guest) => this.#turn(guest, sharers));
    }
  }

  /** Who runs after the last wave: started meanwhile, or not to be asked before, or not to be powered off. One round. */
  async #stopLate(late: readonly StopGuest[]): Promise<void> {
    const { parallel, budgetMs } = this.#options.plan;
    const plan = planStop(late, { parallel, over_budget: 'warn' }, budgetMs);
    await this.#stop(plan, this.#progress.waves);
  }

  async #turn(guest: StopGuest, sharers: number): Promise<void> {
    await takeTurn(guest, this.#begun(guest), {
      ...this.#options,
      sharers,
      watch: this.#watch,
      progress: this.#progress,
      cancel: this.#cancel,
      onGraceOver: () => this.#graceOver.set(startOf(guest), this.#options.clock.now()),
    });
  }

  /** A guest that is under way has its place before those that wait. */
  #begunFirst(group: readonly StopGuest[]): StopGuest[] {
    const begun = new Set(group.filter((guest) => this.#begun(guest)));
    return [...begun, ...group.filter((guest) => !begun.has(guest))];
  }

  #begun(guest: StopGuest): Begun | undefined {
    const overMs = this.#graceOver.get(startOf(guest));
    if (overMs !== undefined) return { step: 'powering-off', sinceMs: overMs };
    return begunOf(guest, this.#options.earlier, this.#options.clock.now());
  }

  /** Active guests by a look that begins now. Undefined: libvirt is silent for too long, or the stop is cancelled. */
  async #looked(): Promise<readonly StopGuest[] | undefined> {
    while (!this.#cancel.aborted) {
      const active = await this.#watch.look();
      if (active || !this.#watch.mayComeBack) return active;
      await this.#options.clock.sleep(lookAgainMs, this.#cancel);
    }
    return undefined;
  }

  #end(active: readonly StopGuest[] | undefined): StopEnd {
    for (const guest of active ?? []) this.#progress.stillRuns(guest);
    const remained = this.#progress.standings().filter(({ state }) => state !== 'stopped');
    const message = this.#message(remained, active !== undefined);
    const isDone = remained.every(({ state }) => state === 'left');
    const state = this.#cancel.aborted ? 'cut-off' : isDone ? 'done' : 'failed';
    return { stage: this.#progress.end(state, message), remained };
  }

  #message(remained: readonly GuestStanding[], looked: boolean): string {
    const stopped = this.#progress.standings().length - remained.length;
    const names = remained.slice(0, 5).map(({ name }) => name);
    const still = names.length > 0 ? [`${remained.length} remain: ${names.join(', ')}`] : [];
    const cancelled = this.#cancel.aborted ? [`cancelled: ${reasonOf(this.#cancel)}`] : [];
    const silent = looked || this.#cancel.aborted ? [] : ['libvirt did not answer the last look'];
    return [`${stopped} stopped`, ...still, ...cancelled, ...silent].join('; ');
  }
}

function startOf({ uuid, id }: StopGuest): string {
  return `${uuid} ${id}`;
}

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : String(reason);
}
