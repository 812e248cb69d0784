/** Runs libvirt's own event loop: keepalive, loss of connections and domain events all come through it. */
import type { LibvirtLibrary, Pointer } from './library.js';

/** The loop returns at least this often, so that a stop is never missed. */
const wakeMs = 1_000;

/**
 * libvirt has one loop for a whole process: whoever needs it takes part, and it runs from the first to the last of them on one
 * thread of libuv's pool. Where several threads ran it at once, closing took seconds and now and then one never returned; it
 * seems to call back what another has just dropped.
 */
export class EventLoop {
  readonly #library: LibvirtLibrary;
  #loop: ProcessLoop | undefined;

  constructor(library: LibvirtLibrary) {
    this.#library = library;
  }

  start(): void {
    if (this.#loop) return;
    ProcessLoop.current ??= new ProcessLoop(this.#library, ProcessLoop.last);
    this.#loop = ProcessLoop.current;
    this.#loop.users++;
  }

  /** Takes part no more; with the last one the loop ends, in some milliseconds, and its thread is free again. */
  async stop(): Promise<void> {
    const loop = this.#loop;
    this.#loop = undefined;
    if (!loop || --loop.users > 0) return;
    ProcessLoop.current = undefined;
    await (ProcessLoop.last = loop.end());
  }
}

/** One run of the loop, which begins when the one before it has ended. */
class ProcessLoop {
  static current: ProcessLoop | undefined;
  /** Settled when the last one has ended. */
  static last: Promise<void> = Promise.resolve();
  users = 0;
  readonly #library: LibvirtLibrary;
  readonly #running: Promise<void>;
  #timer = -1;
  #wake: Pointer | undefined;
  #stopping = false;

  constructor(library: LibvirtLibrary, before: Promise<void>) {
    this.#library = library;
    this.#running = before.then(() => this.#run());
  }

  async #run(): Promise<void> {
    if (this.#stopping) return;
    this.#wake = this.#library.timerHandler(() => undefined);
    this.#timer = this.#library.addTimer(wakeMs, this.#wake, null, null);
    while (!this.#stopping) {
      const result = await this.#library.runEventLoopOnce();
      // A loop that fails at once would otherwise eat a core.
      if (result < 0) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    this.#library.removeTimer(this.#timer);
    this.#library.dropCallback(this.#wake);
  }

  end(): Promise<void> {
    this.#stopping = true;
    if (this.#wake !== undefined) this.#library.updateTimer(this.#timer, 0); // due at once: wakes the loop
    return this.#running;
  }
}
