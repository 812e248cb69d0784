/**
 * The guests' keeper, opened when it is first needed: a host whose profile leaves guests alone does not pay for it. Nothing of
 * it is needed before: who runs by then is read from libvirt.
 */
import type { GuestOrder } from '../../proto/gen/drover/v1/GuestOrder.js';
import type { GuestReportInput } from '../../proto/gen/drover/v1/GuestReport.js';
import type { StartGrant } from '../../proto/gen/drover/v1/StartGrant.js';
import type { StartRequestInput } from '../../proto/gen/drover/v1/StartRequest.js';
import { asDroverError } from '../../proto/wire/errors.js';
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import type { GuestKeeper } from '../guests/keeper.js';
import { failedStage } from '../guests/orders.js';
import { guestReport } from '../guests/report.js';
import type { Log } from '../log.js';

/** What guests need of the agent that they belong to. */
export interface GuestLink {
  /** In force; undefined: guests are left alone. */
  settings(): GuestSettings | undefined;
  isConnected(): boolean;
  /** The control plane has told in the session that goes on now what this host holds. */
  isTold(): boolean;
  report(report: GuestReportInput): void;
  requestStarts(request: StartRequestInput): void;
}

/** The keeper, and who hears of grants. */
export interface OpenGuests {
  readonly keeper: Pick<GuestKeeper, 'start' | 'stop' | 'settingsChanged' | 'order' | 'tellAll'>;
  granted(grant: StartGrant): void;
  /** A session begins that knows nothing. */
  askAgain(): void;
  close(): Promise<void>;
}

export interface GuestRoomOptions {
  /** The profile says something of guests. */
  isWanted(): boolean;
  open(): Promise<OpenGuests>;
  /** Tells of orders that nobody can carry out. */
  report(report: GuestReportInput): void;
  now(): number;
  readonly log: Log;
}

const nothingFound = { ports: [], audit: [], preflight: [], plan: [] } as const;

export class GuestRoom {
  readonly #options: GuestRoomOptions;
  #opening: Promise<OpenGuests | undefined> | undefined;
  #isOver = false;
  /** Why the keeper could not be opened the last time. */
  #fault = '';

  constructor(options: GuestRoomOptions) {
    this.#options = options;
  }

  /** The desired state may be another. */
  settingsChanged(): void {
    if (this.#opening) void this.#opening.then((open) => open?.keeper.settingsChanged());
    else if (this.#options.isWanted()) void this.#open();
  }

  /** Also without a profile that says how: the answer then says so. */
  order(order: GuestOrder): void {
    void this.#take(order);
  }

  async #take(order: GuestOrder): Promise<void> {
    const open = await this.#open();
    if (open) open.keeper.order(order);
    else if (!this.#isOver && order.kind !== 'cancel') this.#refuse(order);
  }

  granted(grant: StartGrant): void {
    void this.#opening?.then((open) => open?.granted(grant));
  }

  /** A new session: everything is told and asked again. */
  tellAll(): void {
    void this.#tellOpen();
  }

  async #tellOpen(): Promise<void> {
    const open = await this.#opening;
    open?.keeper.tellAll();
    open?.askAgain();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    const open = await this.#opening;
    await open?.keeper.stop();
    await open?.close();
  }

  /** Whoever asked hears that nothing comes of it. */
  #refuse(order: GuestOrder): void {
    const { report, now } = this.#options;
    const message = `guests are not kept here: ${this.#fault}`;
    report(guestReport({ stage: failedStage(order, message, now()), ...nothingFound }));
  }

  /** One keeper. What could not be opened is tried again with the next need. */
  #open(): Promise<OpenGuests | undefined> {
    if (this.#isOver) return Promise.resolve(undefined);
    this.#opening ??= this.#options
      .open()
      .then(async (open) => {
        await open.keeper.start();
        return open;
      })
      .catch((thrown: unknown) => {
        this.#opening = undefined;
        this.#fault = asDroverError(thrown).message;
        this.#options.log.warn({ error: this.#fault }, 'guests are not kept');
        return undefined;
      });
    return this.#opening;
  }
}
