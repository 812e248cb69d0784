/**
 * Puts the parts together. Thread budget (UV_THREADPOOL_SIZE=48, set before Node starts its pool): 1 runs libvirt's event
 * loop, 1 at most for each connection of the pool, 1 for the watching connection, and of all these at most one is in
 * virConnectOpen: 5 with 3 connections, 8 with the 3 spare ones that are used while calls are late. 30 more are for turning
 * guests off and on (`powerThreads`). The other 10 stay for files, also when every libvirt call hangs.
 */
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { Log } from '../log.js';
import { CallQueue } from './call-queue.js';
import { Connection } from './connection.js';
import { DomainCache } from './domain-cache.js';
import { LibvirtHypervisor } from './domain.js';
import { EventLoop } from './event-loop.js';
import { DomainEvents } from './events.js';
import type { DomainEvent, Hypervisor } from './hypervisor.js';
import { openLibrary } from './library.js';
import { Listeners } from './listeners.js';
import { Opener } from './opener.js';
import { PowerLanes } from './power-lanes.js';
import { OwnChanges, type Tuned } from './own-changes.js';
import { statusMark } from './status-mark.js';
import { Watch } from './watch.js';

export interface OpenHypervisorOptions {
  /** libvirt's connection URI, such as qemu:///system. */
  readonly uri: string;
  /** Where the QEMU driver keeps NAME.pid: /run/libvirt/qemu. */
  readonly pidDirectory: string;
  /** Bound of every call, waiting included; 5,000. */
  readonly deadlineMs?: number;
  /** Calls that can be under way together, each on a connection of its own, while libvirt answers; 3, at most 5. */
  readonly connections?: number;
  /** Calls that may wait for a connection; 1,024. */
  readonly queueLimit?: number;
  readonly log?: Log;
  /** 0 ≤ r < 1, for the jitter between two tries to connect. */
  readonly random?: () => number;
}

/** Connections that are used besides `connections` while as many calls are late. */
const spareConnections = 3;

/** A call that libvirt has not answered by then is late: others no longer count on its connection. */
const lateMs = 500;

type Settings = Required<OpenHypervisorOptions>;

const ignore = () => undefined;
const silent: Log = { debug: ignore, info: ignore, warn: ignore };

/**
 * A hypervisor that connects, and connects again, by itself. Resolves after the first try to connect or after the deadline,
 * whichever comes first, also while libvirtd is not there (`reachable` is false then). Meant once for a process: libvirt's
 * event loop and error handler are process-wide. Errors: `unavailable` where libvirt.so.0 is not installed;
 * `invalid-argument`.
 */
export async function openHypervisor(options: OpenHypervisorOptions): Promise<Hypervisor> {
  const settings: Settings = {
    deadlineMs: 5_000,
    connections: 3,
    queueLimit: 1_024,
    log: silent,
    random: Math.random,
    ...options,
  };
  for (const [field, highest] of [
    ['connections', 5],
    ['deadlineMs', 600_000],
    ['queueLimit', 1_000_000],
  ] as const) {
    const value = settings[field];
    if (!Number.isInteger(value) || value < 1 || value > highest)
      throw invalid(field, value, `a whole number 1..${highest}`);
  }
  const link = new Link(settings);
  await within(link.firstTry, settings.deadlineMs);
  return new LibvirtHypervisor(link);
}

/** Everything that lives as long as the hypervisor is open. */
class Link {
  readonly library = openLibrary();
  readonly pidDirectory: string;
  readonly changeFlags: 0 | 1;
  readonly queue: CallQueue<Connection>;
  readonly lanes: PowerLanes;
  readonly events: Listeners<DomainEvent>;
  readonly states: Listeners<boolean>;
  readonly cache: DomainCache;
  readonly own = new OwnChanges();
  /** Settled when the first try to connect ended, either way. */
  readonly firstTry: Promise<void>;
  readonly #settings: Settings;
  readonly #slots: readonly Connection[];
  readonly #watched: Connection;
  readonly #domainEvents: DomainEvents;
  readonly #loop = new EventLoop(this.library);
  readonly #watch: Watch;
  #connected = false;
  #closing: Promise<void> | undefined;

  constructor(settings: Settings) {
    const { uri, connections, log } = settings;
    const opener = new Opener(this.library, uri);
    this.#settings = settings;
    this.pidDirectory = settings.pidDirectory;
    this.cache = new DomainCache(undefined, undefined, (name) => statusMark(settings.pidDirectory, name));
    this.changeFlags = uri.startsWith('test:') ? 0 : 1;
    // A connection opens when it is first used, so the spare ones cost nothing until a call is late.
    const all = connections + spareConnections;
    this.#slots = Array.from({ length: all }, () => new Connection(this.library, opener));
    this.queue = new CallQueue({ ...settings, slots: this.#slots, usual: connections, lateMs });
    this.lanes = new PowerLanes({ ...settings, library: this.library, opener });
    this.events = new Listeners((fault) =>
      log.warn({ fault: String(fault) }, 'a domain event listener failed'),
    );
    this.states = new Listeners((fault) =>
      log.warn({ fault: String(fault) }, 'a reachability listener failed'),
    );
    this.#domainEvents = new DomainEvents(this.library, (event, tuned) => this.#onEvent(event, tuned));
    this.#watched = new Connection(this.library, opener);
    let tried: () => void;
    this.firstTry = new Promise((resolve) => (tried = resolve));
    const onState = (connected: boolean) => {
      this.#onState(connected);
      tried();
    };
    this.#watch = new Watch({
      ...settings,
      library: this.library,
      connection: this.#watched,
      events: this.#domainEvents,
      onState,
    });
    this.#loop.start();
    this.#watch.start();
  }

  connected(): boolean {
    return this.#connected && this.#closing === undefined;
  }

  /** Gives everything back; done at the latest after the deadline. What hangs in libvirt then still holds its thread. */
  close(): Promise<void> {
    this.#closing ??= within(this.#closeAll(), this.#settings.deadlineMs);
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    this.#rejectWaiting();
    await this.#watch.close();
    await this.lanes.close();
    await this.queue.drained();
    for (const connection of [...this.#slots, this.#watched]) {
      await connection.close();
      connection.dispose();
    }
    await this.#loop.stop();
    this.#domainEvents.dispose();
  }

  /** Of our own writes nobody needs to hear: what was known before them was forgotten with the write. */
  #onEvent(event: DomainEvent, tuned?: Tuned): void {
    if (tuned && this.own.isOwn(event.uuid, tuned)) return;
    this.cache.invalidate(event.uuid);
    this.events.tell(event);
  }

  #onState(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    // They were to the libvirtd that is gone, too: the pass that comes with the new one must not run into that.
    for (const slot of this.#slots) slot.doubt();
    this.lanes.doubt();
    if (connected)
      this.cache.clear(); // events were missed meanwhile
    else this.#rejectWaiting();
    this.states.tell(connected);
  }

  #rejectWaiting(): void {
    this.queue.rejectWaiting(gone);
    this.lanes.rejectWaiting(gone);
  }
}

function gone(label: string): DroverError {
  return new DroverError('unavailable', `${label}: the connection to libvirt is gone`);
}

/** Done when `work` is, or after `limitMs`. */
async function within(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
  await Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
