/** Runs libvirt's own event loop: keepalive, loss of connections and domain events all come through it. */
import type { LibvirtLibrary, Pointer } from './library.js';

/** The loop returns at least this often, so that a stop is never missed. */
const wakeMs = 1_000;

/**
 * Holds one thread of libuv's pool from `start` to `stop`. libvirt has one loop for a whole process; two of these take
 * turns on it (libvirt 6.1 and later), at the price of a second thread.
 */
export class EventLoop {
  readonly #library: LibvirtLibrary;
  #running: Promise<void> | undefined;
  #stopping = false;
  #timer = -1;
  #wake: Pointer | undefined;

  constructor(library: LibvirtLibrary) {
    this.#library = library;
  }

  start(): void {
    if (this.#running) return;
    this.#wake = this.#library.timerHandler(() => undefined);
    this.#timer = this.#library.addTimer(wakeMs, this.#wake, null, null);
    this.#running = this.#run();
  }

  /** Ends the loop; done when its thread is free again, in some milliseconds. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#stopping = true;
    this.#library.updateTimer(this.#timer, 0); // due at once: wakes the loop
    await this.#running;
    this.#library.removeTimer(this.#timer);
    if (this.#wake !== undefined) this.#library.dropCallback(this.#wake);
    this.#running = undefined;
    this.#stopping = false;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const result = await this.#library.runEventLoopOnce();
      // A loop that fails at once would otherwise eat a core.
      if (result < 0) await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
