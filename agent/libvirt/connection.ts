/** One connection to libvirtd, opened when it is needed, with libvirt's errors turned into Drover's. */
import { DroverError } from '../../proto/wire/errors.js';
import type { Lease } from './call-queue.js';
import { errorNumbers } from './library.js';
import type { LibvirtError, LibvirtLibrary, Pointer } from './library.js';
import type { Opener } from './opener.js';

/**
 * libvirt asks the other side every 2 s and gives up after 3 unanswered questions: 8 s until a hung libvirtd is a lost
 * connection. virConnectSetKeepAlive counts in seconds. It needs the event loop.
 */
const keepAlive = { intervalS: 2, count: 3 } as const;

/** A connection that answered this lately is taken for open: a call on one that is gone fails at once, and says so. */
const aliveMs = 2_000;

/** What a foreign call may answer: below 0 and null mean that it failed. */
type Answer = number | bigint | string | null;

/** Used by one call at a time (see `call-queue.ts`). After a loss the next `ready` opens it again. */
export class Connection {
  readonly #library: LibvirtLibrary;
  readonly #opener: Opener;
  readonly #errorHandler: Pointer;
  #handle: Pointer | undefined;
  #lastError: LibvirtError | undefined;
  #answeredMs = Number.NEGATIVE_INFINITY;

  constructor(library: LibvirtLibrary, opener: Opener) {
    this.#library = library;
    this.#opener = opener;
    // Runs here while the failing call still waits on its own thread, so the error is known before the call's answer.
    this.#errorHandler = library.errorHandler((_userData, error) => {
      this.#lastError = library.errorAt(error);
    });
  }

  /** Makes sure that the connection is open. Errors: `unavailable`; `deadline-exceeded` when the lease has expired. */
  async ready(lease: Lease): Promise<void> {
    if (this.#handle !== undefined && performance.now() - this.#answeredMs < aliveMs) return;
    if (this.#handle !== undefined && (await this.#library.isAlive(this.#handle)) === 1) return;
    await this.close();
    const handle = await this.#opener.open(lease);
    this.#library.setConnectionErrorHandler(handle, null, this.#errorHandler);
    await this.#library.setKeepAlive(handle, keepAlive.intervalS, keepAlive.count); // -1 where there is no socket: test:///
    this.#handle = handle;
  }

  /**
   * Makes one foreign call. Errors: `not-found` (no such domain), `unavailable` (the connection is gone), `libvirt-failed`
   * with libvirt's message, `deadline-exceeded` without making the call when nobody waits for it any more.
   */
  async call<Result extends Answer>(
    lease: Lease,
    label: string,
    run: (connection: Pointer) => Promise<Result>,
  ): Promise<NonNullable<Result>> {
    if (lease.expired)
      throw new DroverError('deadline-exceeded', `${label}: given up before it was asked of libvirt`);
    if (this.#handle === undefined)
      throw new DroverError('unavailable', `${label}: no connection to libvirt`);
    lease.asked?.();
    this.#lastError = undefined;
    const result = await run(this.#handle);
    if (result === null || (typeof result === 'number' && result < 0))
      throw await this.#failure(label, this.#handle);
    this.#answeredMs = performance.now();
    return result;
  }

  /** Others found libvirtd gone: whether this connection still stands is looked at before its next use. */
  doubt(): void {
    this.#answeredMs = Number.NEGATIVE_INFINITY;
  }

  /** Closes it. Callbacks that were registered on it must be gone before: they hold references. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) await this.#library.close(handle);
  }

  /** Forgets the error callback; the last thing, after `close`. */
  dispose(): void {
    this.#library.dropCallback(this.#errorHandler);
  }

  async #failure(label: string, handle: Pointer): Promise<DroverError> {
    const error = this.#lastError ?? { code: 0, message: 'no reason given' };
    const alive = (await this.#library.isAlive(handle)) === 1;
    if (!alive) this.doubt();
    const code =
      error.code === errorNumbers.noDomain ? 'not-found' : alive ? 'libvirt-failed' : 'unavailable';
    return new DroverError(code, `${label}: ${error.message}`, {
      field: 'libvirt',
      value: String(error.code),
    });
  }
}
