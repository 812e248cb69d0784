/**
 * One look at a time for everybody who asks: a start storm asks for the list of domains hundreds of times a second, and
 * each list costs a call for each domain.
 */

interface Look<View> {
  readonly view: View;
  readonly begunMs: number;
}

export class SharedLook<View> {
  readonly #look: () => Promise<View>;
  readonly #now: () => number;
  /** Under way, and the one that begins after it. */
  #running: Promise<Look<View>> | undefined;
  #next: Promise<Look<View>> | undefined;
  #last: Look<View> | undefined;

  constructor(look: () => Promise<View>, now: () => number = () => performance.now()) {
    this.#look = look;
    this.#now = now;
  }

  /**
   * What a look gives that began after this call, or at most `oldMs` before it. Whoever asks while one is under way shares
   * the next one with all others who do; where the one under way fails, they fail with it. Errors: those of the look.
   */
  async read(oldMs = 0): Promise<View> {
    if (this.#last && this.#now() - this.#last.begunMs <= oldMs) return this.#last.view;
    return (await this.#share()).view;
  }

  #share(): Promise<Look<View>> {
    if (!this.#running) return this.#begin();
    // What fails now would fail again, after as long a wait: who waits hears of it at once.
    this.#next ??= this.#running.then(
      () => this.#begin(),
      (error: unknown) => {
        this.#next = undefined;
        throw error;
      },
    );
    return this.#next;
  }

  #begin(): Promise<Look<View>> {
    this.#next = undefined;
    const begunMs = this.#now();
    const running = this.#look()
      .then((view) => (this.#last = { view, begunMs }))
      .finally(() => {
        if (this.#running === running) this.#running = undefined;
      });
    this.#running = running;
    return running;
  }
}
