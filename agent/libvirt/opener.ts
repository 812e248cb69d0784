/**
 * Opens connections, one at a time: virConnectOpen to a libvirtd that hangs waits without limit, and each such wait takes a
 * thread. The others wait here, in JavaScript, where giving up is free.
 */
import { DroverError } from '../../proto/wire/errors.js';
import type { Lease } from './call-queue.js';
import type { LibvirtError, LibvirtLibrary, Pointer } from './library.js';

export class Opener {
  readonly #library: LibvirtLibrary;
  readonly #uri: string;
  readonly #errorHandler: Pointer;
  #lastError: LibvirtError | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;

  constructor(library: LibvirtLibrary, uri: string) {
    this.#library = library;
    this.#uri = uri;
    // Errors without a connection come to the process-wide handler; unset, libvirt would print them to stderr. It is never
    // dropped, because libvirt may call it as long as the process lives.
    this.#errorHandler = library.errorHandler((_userData, error) => {
      this.#lastError = library.errorAt(error);
    });
  }

  /** virConnectOpen calls under way: 0 or 1. */
  get pending(): number {
    return this.#pending;
  }

  /** A connection that the caller closes. Errors: `unavailable` with libvirt's reason; `deadline-exceeded` for an expired lease. */
  open(lease: Lease): Promise<Pointer> {
    const turn = this.#tail.then(() => this.#open(lease));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async #open(lease: Lease): Promise<Pointer> {
    if (lease.expired)
      throw new DroverError(
        'deadline-exceeded',
        `open ${this.#uri}: given up while another open was pending`,
      );
    this.#lastError = undefined;
    this.#library.setErrorHandler(null, this.#errorHandler);
    this.#pending++;
    const handle = await this.#library.open(this.#uri).finally(() => this.#pending--);
    if (handle === null) throw this.#failure();
    return handle;
  }

  #failure(): DroverError {
    const reason = this.#lastError?.message ?? 'no reason given';
    return new DroverError('unavailable', `open ${this.#uri}: ${reason}`, {
      field: 'libvirt_uri',
      value: this.#uri,
    });
  }
}
