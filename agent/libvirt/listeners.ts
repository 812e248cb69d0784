/** A list of listeners of which none can harm the others. */

/** Far above the handful that an agent has; more is a leak. */
const maximumListeners = 64;

export class Listeners<Value> {
  readonly #listeners = new Set<(value: Value) => void>();
  readonly #onFault: (fault: unknown) => void;

  constructor(onFault: (fault: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Adds a listener; answers how to take it away again. Errors: a plain `Error` over 64 of them. */
  add(listener: (value: Value) => void): () => void {
    if (this.#listeners.size >= maximumListeners)
      throw new Error(`more than ${maximumListeners} listeners: one is added again and again`);
    const own = (value: Value) => listener(value);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Tells every listener; what one throws goes to `onFault`. */
  tell(value: Value): void {
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (fault) {
        this.#onFault(fault);
      }
    }
  }
}
