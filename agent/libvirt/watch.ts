/** Keeps one connection up for events and for knowing whether libvirtd is there. No other call runs on it. */
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../proto/wire/backoff.js';
import { asDroverError } from '../../proto/wire/errors.js';
import type { Log } from '../log.js';
import type { Lease } from './call-queue.js';
import type { Connection } from './connection.js';
import type { DomainEvents } from './events.js';
import type { LibvirtLibrary, Pointer } from './library.js';

/** A libvirtd that restarts is back in about a second; one that is gone is asked for at most every 10 s. */
const retry = { firstMs: 200, longestMs: 10_000 } as const;

export interface WatchOptions {
  readonly library: LibvirtLibrary;
  readonly connection: Connection;
  readonly events: DomainEvents;
  /** Called with every change, and with false for the first failure to connect. */
  onState(connected: boolean): void;
  random(): number;
  readonly log: Log;
}

export class Watch {
  readonly #options: WatchOptions;
  readonly #closeHandler: Pointer;
  readonly #stop = new AbortController();
  readonly #lease: Lease = { expired: false }; // nobody's deadline: it may wait for libvirtd as long as it takes
  #lost: () => void = () => undefined;
  #running: Promise<void> | undefined;
  #failureLogged = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    // Called by libvirt's event thread when keepalive fails or the socket closes; libvirt holds a lock until it returns.
    this.#closeHandler = options.library.closeHandler(() => void setImmediate(() => this.#lost()));
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends it and closes the connection. Waits for an open that hangs in a stopped libvirtd: give it a limit. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#lost();
    await this.#running;
    this.#options.library.dropCallback(this.#closeHandler);
  }

  async #run(): Promise<void> {
    for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
      if (await this.#session()) attempt = 0;
      if (!this.#stop.signal.aborted) await this.#pause(attempt);
    }
  }

  /** One connection from its opening to its loss. Answers whether it was ever up. */
  async #session(): Promise<boolean> {
    const { connection, onState } = this.#options;
    const lost = new Promise<void>((resolve) => (this.#lost = resolve));
    let up = false;
    try {
      await this.#connect();
      up = true;
      if (!this.#stop.signal.aborted) await this.#followUntil(lost);
    } catch (thrown) {
      this.#logFailure(asDroverError(thrown).message);
    }
    onState(false);
    await this.#disconnect();
    await connection.close();
    return up;
  }

  async #followUntil(lost: Promise<void>): Promise<void> {
    const { onState, log } = this.#options;
    this.#failureLogged = false;
    log.info({}, 'connected to libvirt');
    onState(true);
    await lost;
    if (!this.#stop.signal.aborted) log.warn({}, 'the connection to libvirt is gone');
  }

  async #connect(): Promise<void> {
    const { connection, events, library } = this.#options;
    await connection.ready(this.#lease);
    await connection
      .call(this.#lease, 'watch the connection', (handle) =>
        library.registerClose(handle, this.#closeHandler, null, null),
      )
      .catch(() => -1); // test:/// has none
    await events.register(connection, this.#lease);
  }

  async #disconnect(): Promise<void> {
    const { connection, events, library } = this.#options;
    await events.deregister(connection, this.#lease);
    await connection
      .call(this.#lease, 'unwatch the connection', (handle) =>
        library.unregisterClose(handle, this.#closeHandler),
      )
      .catch(() => -1);
  }

  async #pause(attempt: number): Promise<void> {
    const waitMs = backoffMs(attempt, retry, this.#options.random());
    await delay(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  /** One line for each outage, not one for each try. */
  #logFailure(reason: string): void {
    if (!this.#failureLogged) this.#options.log.warn({ reason }, 'libvirt cannot be reached; trying again');
    this.#failureLogged = true;
  }
}
