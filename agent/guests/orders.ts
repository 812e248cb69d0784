/** What the control plane asks to do with guests. An order that was carried out, or is under way, is not carried out again. */
import type { GuestOrder } from '../../proto/gen/drover/v1/GuestOrder.js';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import type { Hypervisor } from '../libvirt/hypervisor.js';
import type { Log } from '../log.js';
import type { Stage, StageCause } from './guest.js';
import type { GuestStages, StagesOptions } from './stages.js';
import { askedAreGone } from './stop/asked-gone.js';
import type { Clock } from './stop/clock.js';
import type { StageFile } from './stop/stage-file.js';

type Files = { readonly [Name in keyof StagesOptions['files']]: Pick<StageFile, 'load'> };

export interface OrdersOptions {
  readonly stages: Pick<GuestStages, 'stop' | 'start' | 'cancel' | 'current'>;
  readonly files: Files;
  /** A stage that is not the newest: of an order that could not be carried out, or was carried out before. */
  answer(stage: Stage): void;
  readonly hypervisor: Pick<Hypervisor, 'domains'>;
  readonly clock: Clock;
  now(): number;
  readonly log: Log;
}

const cancelWords = 'the control plane says so';

export class GuestOrders {
  readonly #options: OrdersOptions;
  /** Orders that wait or run, and whether they were cancelled. */
  readonly #under = new Map<string, { isCancelled: boolean }>();
  /** Done when every order so far was looked up. */
  #lookedUp: Promise<unknown> = Promise.resolve();

  constructor(options: OrdersOptions) {
    this.#options = options;
  }

  /** Carries an order out. Never throws; what fails is told as a failed stage. */
  async take(order: GuestOrder): Promise<void> {
    const { id, kind, forId } = order;
    if (kind === 'cancel') return this.#cancel(forId);
    if (this.#under.has(id)) return;
    const under = { isCancelled: false };
    this.#under.set(id, under);
    try {
      const done = await this.#lookUp(order);
      if (under.isCancelled) throw new DroverError('unavailable', `cancelled: ${cancelWords}`);
      if (done) this.#options.answer(done);
      else await this.#carryOut(order);
    } catch (thrown) {
      this.#fail(order, asDroverError(thrown).message);
    } finally {
      this.#under.delete(id);
    }
  }

  /** Also one that has no turn yet. */
  #cancel(id: string): void {
    const under = this.#under.get(id);
    if (under) under.isCancelled = true;
    this.#options.stages.cancel(cancelWords, id);
  }

  async #carryOut(order: GuestOrder): Promise<void> {
    const { stages, log } = this.#options;
    const { id, kind } = order;
    log.info({ id, kind, cause: order.cause }, 'guest order of the control plane');
    if (kind === 'stop') await stages.stop(wishOf(order));
    else if (kind === 'start')
      await stages.start({ ...wishOf(order), uuids: (signal) => this.#whom(order, signal) });
    else throw new DroverError('invalid-argument', `guest order: got ${kind}; want stop, start or cancel`);
  }

  /** One after another: whichever file is read faster, orders get their turns as they came. */
  #lookUp(order: GuestOrder): Promise<Stage | undefined> {
    const mine = this.#lookedUp.then(() => this.#wasDone(order));
    this.#lookedUp = mine.catch(() => undefined);
    return mine;
  }

  /** Its stage, where that did all that was asked; one that was cut off or failed in part is gone on with. */
  async #wasDone({ id, kind }: GuestOrder): Promise<Stage | undefined> {
    const { files, stages } = this.#options;
    const kept = kind === 'start' ? [files.start] : [files.stop, files.asked];
    const loaded = await Promise.all(kept.map((file) => file.load()));
    const stage = [stages.current, ...loaded.map((one) => one?.stage)].find((one) => one?.id === id);
    return stage?.state === 'done' ? stage : undefined;
  }

  /** Those that are named, or that the stop `for_id` has begun with; whom it asked may be about to end. Errors: `not-found`. */
  async #whom({ uuids, forId }: GuestOrder, signal: AbortSignal): Promise<readonly string[]> {
    if (uuids.length > 0) return uuids;
    const { files, hypervisor, clock } = this.#options;
    const kept = [await files.stop.load(), await files.asked.load()].find((one) => one?.stage.id === forId);
    if (!kept)
      throw new DroverError('not-found', `no stop ${forId} is known here, so nobody is started for it`, {
        field: 'guest_order.for_id',
        value: forId,
        cure: 'start the guests by name, or with drover-agent start-guests',
      });
    const { guests } = kept.stage;
    if (kept.isOfThisBoot)
      await askedAreGone({ guests }, { hypervisor, clock, isOver: () => signal.aborted });
    return guests.filter(({ state }) => state !== 'waiting' && state !== 'left').map(({ uuid }) => uuid);
  }

  #fail(order: GuestOrder, message: string): void {
    const { log, answer, now } = this.#options;
    log.warn({ id: order.id, kind: order.kind, message }, 'guest order not carried out');
    answer(failedStage(order, message, now()));
  }
}

/** The stage that tells of an order which could not be carried out. */
export function failedStage({ id, kind, cause }: GuestOrder, message: string, nowMs: number): Stage {
  const times = { startedMs: nowMs, endedMs: nowMs, waves: 0, guests: [] };
  const what = kind === 'stop' ? 'stop' : 'start';
  return { id, kind: what, cause: causeOf(cause), state: 'failed', message, ...times };
}

function wishOf({ id, cause, uuids }: GuestOrder) {
  return { id, cause: causeOf(cause), ...(uuids.length > 0 && { uuids: async () => uuids }) };
}

function causeOf(cause: string): StageCause {
  return cause === 'maintenance' ? 'maintenance' : 'command';
}
